"""Walk through budgets and seeds; what is done lies in a folder, so that a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from crossrec.artifacts import map_tensors, write_tensors
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import ArtifactError, UsageError

from crossrec_backbone.adaptation.adapter import Adapter
from crossrec_backbone.pretrained.model import Backbone
from crossrec_backbone.pretraining.pretrain import pretrain
from crossrec_backbone.relations.statistics import Statistics
from crossrec_backbone.transfer.budgets import Trial, cut, drawn
from crossrec_backbone.transfer.figures import Answer, build_report
from crossrec_backbone.transfer.learning import Learnt, learn
from crossrec_backbone.transfer.methods import METHODS, places
from crossrec_backbone.transfer.report import TransferReport
from crossrec_backbone.transfer.settings import Level, TransferSettings

#: A source: its name, its family of domains, and its data.
Source = tuple[str, str, Dataset]


def transfer(
    target: Dataset,
    *,
    name: str,
    backbone: Backbone | None = None,
    sources: Sequence[Source] = (),
    family: str = "",
    settings: TransferSettings | None = None,
    run: RunOptions | None = None,
    cache: Path | None = None,
) -> TransferReport:
    """Measure what pretraining brings to `target`, by how many of its events are known.

    Per budget and seed the events of whole users are drawn from the training part s[:-2]; every
    method sees the same events and is asked about the same test users: s[:-1] → s[-1], over the
    whole catalogue.

    Parameters
    ----------
    name : str
        What the target is called; no source may be called so.
    backbone : Backbone, optional
        Measured as it is. Otherwise one is pretrained on `sources`, once, with ``run.seed``.
    family : str
        Family of domains of the target: which head of the backbone is the default.
    cache : Path, optional
        Folder for what is done; the same call goes on from there. Settings, data and backbone name
        the files, the version of the code does not.

    Raises
    ------
    UsageError
        If there is neither backbone nor source, or the target is among what was pretrained on.
    DataError
        If no user of the target has three interactions.
    """
    settings, run = settings or TransferSettings(), run or RunOptions()
    trial = cut(target, users=settings.users, unseen=settings.candidates == "unseen")
    if backbone is None:
        if not sources:
            raise UsageError("transfer needs scenarios to learn from, or a backbone")
        _refuse(name, [source for source, _, _ in sources], target, sources)
        folder = None if cache is None else cache / "pretraining"
        backbone = pretrain(sources, _pretraining(settings), run, checkpoint=folder)
    rows = backbone.card.get("sources", [])
    _refuse(name, [row.get("name") for row in rows], target, ())
    levels, notes = _levels(settings, trial)
    store = _Store(cache, _identity(target, backbone, family, settings))
    answers: list[Answer] = []
    total = len(levels) * settings.seeds
    for level in levels:
        for seed in range(settings.seeds):
            run.progress(f"{name}: {level} events", len(answers), total)
            if level == 0 and seed:  # nothing is drawn and nothing trained
                answers.append(_as_seed(answers[-1], seed))
                continue
            known = store.read(level, seed)
            if known is None:
                known = _answer(trial, backbone, level, seed, family, settings, run)
                store.write(known)
            answers.append(known)
    run.progress(f"{name}: measured", total, total)
    return build_report(
        answers,
        target=name,
        sources=[str(row["name"]) for row in rows],
        candidates=settings.candidates,
        repeat=trial.repeat,
        resamples=settings.resamples,
        alpha=settings.alpha,
        notes=[*notes, *_lookalikes(target, rows)],
    )


def _pretraining(settings: TransferSettings) -> Any:
    """Return the settings of pretraining: the target's relations, and no leave-one-out table."""
    changed = {"backbone": settings.backbone, "leave_one_out": False}
    return settings.pretrain.model_copy(update=changed)


def _answer(
    trial: Trial,
    backbone: Backbone,
    level: Level,
    seed: int,
    family: str,
    settings: TransferSettings,
    run: RunOptions,
) -> Answer:
    """Ask all methods on one budget."""
    started = time.perf_counter()
    quiet = RunOptions(seed=seed, device=run.device, threads=run.threads, cache=run.cache)
    dataset = drawn(trial.train, level, seed)
    config = settings.backbone
    learnt = learn(dataset, backbone, config, quiet, family=family, settings=settings.adapter)
    statistics = Statistics.fit(dataset, config)
    found = places(statistics, trial.queries, trial.targets, learnt)
    events = len(dataset.interactions)
    seconds = time.perf_counter() - started
    return Answer(level, seed, events, found.of, found.silent, _told(learnt), seconds)


def _told(learnt: Learnt) -> dict[str, Any]:
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


def _as_seed(answer: Answer, seed: int) -> Answer:
    """Return the same answer under another seed; its arrays are shared."""
    return Answer(
        answer.level,
        seed,
        answer.events,
        answer.places,
        answer.silent,
        answer.learnt,
        answer.seconds,
    )


def _levels(settings: TransferSettings, trial: Trial) -> tuple[list[Level], list[str]]:
    """Return the budgets that the target can fill, and a note on the others."""
    short = [level for level in settings.events if level != "all" and level >= trial.n_train]
    levels = [level for level in settings.events if level not in short]
    notes = []
    if short:
        left_out = ", ".join(str(level) for level in short)
        notes.append(f"left out: {left_out} events, the training part has {trial.n_train}")
    if not levels:
        raise UsageError(f"the training part has {trial.n_train} events: --events all, or fewer")
    return levels, notes


def _refuse(name: str, told: Sequence[Any], target: Dataset, sources: Sequence[Source]) -> None:
    """Refuse to judge a backbone on what it was pretrained on."""
    if name in told:
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


def _identity(target: Dataset, backbone: Backbone, family: str, settings: TransferSettings) -> str:
    """Return a digest of all that an answer depends on, but for budget and seed."""
    digest = hashlib.sha256()
    told = settings.model_dump(mode="json", include={"users", "candidates", "backbone", "adapter"})
    digest.update(json.dumps([told, family, METHODS], sort_keys=True).encode())
    for head, ranker in sorted(backbone.heads.items()):
        digest.update(f"{head}\0{ranker.text}".encode())
    catalog = target.catalog
    for field in (catalog.items.ids, catalog.titles, catalog.texts, catalog.creators):
        digest.update("\0".join(field).encode("utf-8", "surrogatepass"))
    digest.update(repr(catalog.categories).encode("utf-8", "surrogatepass"))
    for array in (target.sequences.indptr, target.sequences.values):
        digest.update(array.tobytes())
    for encoder, vectors in sorted(target.vectors.items()):
        digest.update(encoder.encode())
        digest.update(np.ascontiguousarray(vectors).tobytes())
    return digest.hexdigest()[:24]


class _Store:
    """A folder of answers, one safetensors file each; with None nothing is kept."""

    def __init__(self, folder: Path | None, identity: str) -> None:
        self.folder, self.identity = folder, identity
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ArtifactError(f"cannot write {folder}: {error.strerror}") from error

    def read(self, level: Level, seed: int) -> Answer | None:
        """Return the answer of a budget and seed, None where there is none yet."""
        path = self._path(level, seed)
        if path is None or not path.is_file():
            return None
        arrays = {name: np.array(array) for name, array in map_tensors(path).items()}
        told = json.loads(arrays.pop("told").tobytes())
        return Answer(
            level,
            seed,
            told["events"],
            arrays,
            frozenset(told["silent"]),
            told["learnt"],
            told["seconds"],
        )

    def write(self, answer: Answer) -> None:
        """Keep an answer; a killed run leaves whole files or none."""
        path = self._path(answer.level, answer.seed)
        if path is None:
            return
        told = {
            "events": answer.events,
            "silent": sorted(answer.silent),
            "learnt": dict(answer.learnt),
            "seconds": answer.seconds,
        }
        packed = np.frombuffer(json.dumps(told).encode(), dtype=np.uint8)
        fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        write_tensors(fresh, {**answer.places, "told": packed})
        fresh.replace(path)

    def _path(self, level: Level, seed: int) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / f"{self.identity}-{level}-{seed}.safetensors"
