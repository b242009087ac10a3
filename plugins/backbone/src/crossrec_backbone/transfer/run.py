"""All budgets and seeds in turn; results are kept in a folder, so that a stopped run goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError

from crossrec_backbone.adaptation.adapter import Adapter
from crossrec_backbone.pretrained.model import Backbone
from crossrec_backbone.pretraining.checkpoint import Checkpoint, digest_of
from crossrec_backbone.pretraining.pretrain import PretrainConfig, pretrain
from crossrec_backbone.pretraining.source_examples import SourceDataset
from crossrec_backbone.relations.statistics import Statistics
from crossrec_backbone.transfer.bodies import MeasuredBody, body_places
from crossrec_backbone.transfer.budgets import TransferSplit, cut, drawn
from crossrec_backbone.transfer.figures import BudgetResult, build_report
from crossrec_backbone.transfer.learning import Learnt, learn
from crossrec_backbone.transfer.methods import METHODS, places
from crossrec_backbone.transfer.report import TransferReport
from crossrec_backbone.transfer.settings import Level, TransferSettings


def transfer(
    target: Dataset,
    *,
    name: str,
    backbone: Backbone | None = None,
    sources: Sequence[SourceDataset] = (),
    family: str = "",
    settings: TransferSettings | None = None,
    run: RunOptions | None = None,
    cache: Path | None = None,
    body: MeasuredBody | None = None,
) -> TransferReport:
    """Measure what pretraining brings to `target`, by how many of its events are known.

    Per budget and seed the events of whole users are drawn from the training part s[:-2]; every
    method sees the same events and is tested on the same users: s[:-1] → s[-1], over the whole
    catalogue.

    Parameters
    ----------
    name : str
        The name of the target; no source may have it.
    backbone : Backbone, optional
        Measured as it is. Otherwise one is pretrained on `sources`, once, with ``run.seed``.
    family : str
        Family of domains of the target: which head of the backbone is the default.
    cache : Path, optional
        Folder for finished parts; the same call goes on from there. Settings, data and backbone
        name the files, the version of the code does not.
    body : MeasuredBody, optional
        Measured beside the backbone, with and without its pretraining.

    Raises
    ------
    UsageError
        If there is neither backbone nor source, or the target is among what was pretrained on.
    DataError
        If no user of the target has three interactions.
    """
    settings, run = settings or TransferSettings(), run or RunOptions()
    split = cut(target, users=settings.users, unseen=settings.candidates == "unseen")
    if backbone is None:
        if not sources:
            raise UsageError("transfer needs scenarios to learn from, or a backbone")
        _refuse(name, [source for source, _, _ in sources], target, sources)
        folder = None if cache is None else cache / "pretraining"
        backbone = pretrain(sources, _pretraining(settings), run, checkpoint=folder)
    rows = backbone.card.get("sources", [])
    _refuse(name, [row.get("name") for row in rows], target, ())
    _refuse(name, body.sources if body else (), target, ())
    levels, notes = _levels(settings, split)
    store, identity = Checkpoint(cache), _identity(target, backbone, family, settings, body)
    results: list[BudgetResult] = []
    total = len(levels) * settings.seeds
    for level in levels:
        for seed in range(settings.seeds):
            run.progress(f"{name}: {level} events", len(results), total)
            if level == 0 and seed:  # nothing is drawn and nothing trained
                results.append(replace(results[-1], seed=seed))
                continue
            key = f"{identity}-{level}-{seed}"
            result = _known(store, key, level, seed)
            if result is None:
                result = _measured(split, backbone, level, seed, family, settings, run, body)
                _keep(store, key, result)
            results.append(result)
    run.progress(f"{name}: measured", total, total)
    return build_report(
        results,
        target=name,
        sources=[str(row["name"]) for row in rows],
        candidates=settings.candidates,
        repeat=split.repeat,
        resamples=settings.resamples,
        alpha=settings.alpha,
        notes=[*notes, *_lookalikes(target, rows)],
    )


def _pretraining(settings: TransferSettings) -> PretrainConfig:
    """Return the settings of pretraining: the target's relations, and no leave-one-out table."""
    changed = {"backbone": settings.backbone, "leave_one_out": False}
    return PretrainConfig.model_validate({**dict(settings.pretrain), **changed})


def _measured(
    split: TransferSplit,
    backbone: Backbone,
    level: Level,
    seed: int,
    family: str,
    settings: TransferSettings,
    run: RunOptions,
    body: MeasuredBody | None,
) -> BudgetResult:
    """Run all methods on one budget."""
    started = time.perf_counter()
    quiet = RunOptions(seed=seed, device=run.device, threads=run.threads, cache=run.cache)
    dataset = drawn(split.train, level, seed)
    config = settings.backbone
    learnt = learn(dataset, backbone, config, quiet, family=family, settings=settings.adapter)
    statistics = Statistics.fit(dataset, config)
    found = places(statistics, split.queries, split.targets, learnt)
    of, values = dict(found.of), _values(learnt)
    if body is not None:
        beside = body_places(body, dataset, split.queries, split.targets, quiet)
        of |= beside.of
        values["bodies"] = dict(beside.learnt)
    events = len(dataset.interactions)
    seconds = time.perf_counter() - started
    return BudgetResult(level, seed, events, of, found.no_scores, values, seconds)


def _values(learnt: Learnt) -> dict[str, Any]:
    """Return what was learnt, in JSON values."""

    def one(adapter: Adapter) -> dict[str, Any]:
        report = adapter.report
        return {"weights": report["weights"], "serves": adapter.serves, "gate": report.get("gate")}

    return {
        "trained": learnt.trained,
        "history": "kept" if learnt.full.repeats else "excluded",
        "full": one(learnt.full),
        "bare": one(learnt.bare),
    }


def _levels(settings: TransferSettings, split: TransferSplit) -> tuple[list[Level], list[str]]:
    """Return the budgets that the target can fill, and a note on the others."""
    short = [level for level in settings.events if level != "all" and level >= split.n_train]
    levels = [level for level in settings.events if level not in short]
    notes = []
    if short:
        left_out = ", ".join(str(level) for level in short)
        notes.append(f"left out: {left_out} events, the training part has {split.n_train}")
    if not levels:
        raise UsageError(f"the training part has {split.n_train} events: --events all, or fewer")
    return levels, notes


def _refuse(
    name: str, pretrained_on: Sequence[Any], target: Dataset, sources: Sequence[SourceDataset]
) -> None:
    """Refuse to measure a backbone on what it was pretrained on."""
    if name in pretrained_on:
        raise UsageError(
            f"the backbone was pretrained on {name!r}, the target: leave it out of the sources"
        )
    own = target.catalog
    for source, _, dataset in sources:
        other = dataset.catalog
        if (other.items.ids, other.titles) == (own.items.ids, own.titles):
            raise UsageError(
                f"source {source!r} has the very items of the target {name!r}: leave it out"
            )


def _lookalikes(target: Dataset, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a note on each source of a card that may be the target under another name."""
    sizes = {
        "items": target.n_items,
        "users": target.n_users,
        "events": len(target.interactions),
    }
    return [
        f"source {row.get('name')!r} has as many items, users and events as the target: if it is "
        "the same data, these figures are worth nothing"
        for row in rows
        if all(row.get(key) == size for key, size in sizes.items())
    ]


def _identity(
    target: Dataset,
    backbone: Backbone,
    family: str,
    settings: TransferSettings,
    body: MeasuredBody | None,
) -> str:
    """Return a digest of all that a result depends on, but for budget and seed."""
    values = settings.model_dump(
        mode="json", include={"users", "candidates", "backbone", "adapter"}
    )
    heads = sorted((name, ranker.text) for name, ranker in backbone.heads.items())
    beside = [] if body is None else [body.identity()]
    return digest_of(target, [values, family, METHODS, heads, *beside])


def _known(store: Checkpoint, key: str, level: Level, seed: int) -> BudgetResult | None:
    """Return the result of a budget and seed, None where there is none yet."""
    state = store.state(key)
    if state is None:
        return None
    values = dict(state.values)
    no_scores = frozenset(values.pop("no_scores"))
    return BudgetResult(level, seed, places=state.arrays, no_scores=no_scores, **values)


def _keep(store: Checkpoint, key: str, result: BudgetResult) -> None:
    """Keep a result; a killed run leaves whole files or none."""
    values = {
        "events": result.events,
        "no_scores": sorted(result.no_scores),
        "learnt": dict(result.learnt),
        "seconds": result.seconds,
    }
    store.keep_state(key, State(result.places, values))
