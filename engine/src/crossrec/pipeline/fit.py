"""The fit path: dataset → vectors → cut → sources → ranker → gate → sources on all → pipeline.

Everything is chosen on what the sources learnt before the cut. Sources that no surface needs then
are dropped. The others learn all events; those that declare ``refit`` keep what they chose.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossrec.components.candidates import PAD, Pool
from crossrec.components.consumption import EventEffects
from crossrec.components.eligibility import CandidateRule
from crossrec.components.live_items import LiveItems
from crossrec.components.protocols import CandidateGenerator, Examples, Ranker
from crossrec.components.query import QueryBatch
from crossrec.components.repeats import repeat_rate
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError
from crossrec.executors import Executor
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.conditions import check_conditions
from crossrec.pipeline.cut import cut_for_validation, query_limit
from crossrec.pipeline.features import FittedFeatures, fit_features, with_features
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.kept_fits import KeptFit, KeptSources
from crossrec.pipeline.linked_fusion import linked_labels
from crossrec.pipeline.pipeline import Pipeline, ServedSurface, gather, require_an_answer
from crossrec.pipeline.plan import FitPlan
from crossrec.pipeline.ranker_choice import GateReport, choose_ranker
from crossrec.pipeline.resolved import ResolvedPipeline, ResolvedSurface
from crossrec.pipeline.serving import keeps_history, served_surface
from crossrec.pipeline.source_jobs import SourceJob, fit_source
from crossrec.pipeline.stages import (
    ALL_EVENTS,
    BEFORE_CUT,
    fitted_title,
    fitting_title,
)
from crossrec.scenario import Scenario

log = logging.getLogger("crossrec")

#: Queries that pass through the sources at once.
BLOCK = 512


@dataclass(frozen=True, eq=False)
class FittedSources:
    """Sources that were fitted on the same events.

    Attributes
    ----------
    sources : mapping of label to candidate generator
    seconds : mapping of label to the seconds its fit took
    failed : mapping of label to the error that kept it out
    notes : tuple of str
        Which sources were taken from a fit that was stopped.
    """

    sources: Mapping[str, CandidateGenerator]
    seconds: Mapping[str, float]
    failed: Mapping[str, str]
    notes: tuple[str, ...] = ()


def fit_pipeline(
    scenario: Scenario,
    dataset: Dataset,
    resolved: ResolvedPipeline,
    run: RunOptions,
    notes: Sequence[str] = (),
    stamps: Mapping[str, int] | None = None,
    executor: Executor | None = None,
    plan: FitPlan | None = None,
    kept: KeptFit | None = None,
) -> Pipeline:
    """Fit a pipeline on all events of `dataset`, with everything chosen before a cut.

    Parameters
    ----------
    notes : sequence of str
        What the caller has to say, for the report.
    stamps : mapping, optional
        How far the store was read: ``item_changes`` and ``last_event``.
    executor : Executor, optional
        Where the sources are fitted; one after the other in this thread where None.
    plan : FitPlan, optional
        What was planned, for the report.
    kept : KeptFit, optional
        Where fitted sources are kept, and those of a fit that was stopped are taken from.

    Raises
    ------
    ConfigError
        If the configuration names what is not installed, or settings that do not fit.
    CrossrecError
        If no source can be fitted.
    """
    resolved.refuse_unusable()
    items = LiveItems(dataset.catalog, scenario.items)
    check_conditions(resolved.surfaces.values(), items)
    dataset, missing = attach_vectors(dataset, resolved, run)
    repeats = repeat_rate(dataset.sequences)
    rule = served_rule(scenario, dataset.catalog, resolved.main_surface, repeats.comes_back)
    limit = query_limit(run.effort, dataset.n_items)
    cut = cut_for_validation(dataset, rule, seed=run.seed, limit=limit)
    keep = None if kept is None else kept.on(cut.train)
    tried = resolved.with_sources(resolved.tried)
    trial = fit_sources(cut.train, tried, run, BEFORE_CUT, executor, kept=keep)
    n_items = dataset.n_items
    seen = without_linked(trial, resolved)
    examples, left = collect_examples(seen, tried, cut.queries, cut.targets, n_items)
    features = fit_features(cut.train, resolved, run)
    examples = with_features(examples, features, items)
    surfaces, gates = choose_surfaces(resolved, cut.train, examples, run, repeats.comes_back)
    usable = [label for label in resolved.sources if label not in trial.failed]
    needed = resolved.with_sources(needed_sources(surfaces, usable))
    keep = None if kept is None else kept.on(cut.train, dataset)
    final = fit_sources(dataset, needed, run, ALL_EVENTS, executor, trial.sources, keep)
    features = fit_features(dataset, resolved, run)
    report = {
        "cut": cut.rule,
        "gate": gates[resolved.main].to_dict(),
        "surfaces": {name: gate.to_dict() for name, gate in gates.items()},
        "repeats": {"rate": round(repeats.rate, 4), "users": repeats.users},
        "fit_seconds": dict(final.seconds),
        "failed": {**trial.failed, **final.failed, **features.failed},
        "dropped": [label for label in trial.sources if label not in needed.sources],
        "notes": [*notes, *missing, *trial.notes, *final.notes, *left_out_notes(left)],
        "users": dataset.n_users,
        "items": dataset.n_items,
        "events": len(dataset.events),
        **(stamps or {}),
        **({} if plan is None else {"plan": plan.to_dict()}),
    }
    return assemble(scenario, dataset, resolved, final, surfaces, report, features)


def assemble(
    scenario: Scenario,
    dataset: Dataset,
    resolved: ResolvedPipeline,
    fitted: FittedSources,
    surfaces: Mapping[str, ServedSurface],
    report: Mapping[str, Any],
    features: FittedFeatures,
) -> Pipeline:
    """Put the fitted parts together."""
    return Pipeline(
        scenario=scenario.name,
        resolved=resolved,
        users=dataset.users,
        catalog=dataset.catalog,
        sources=fitted.sources,
        capabilities=resolved.capabilities,
        surfaces=surfaces,
        fallback=np.argsort(-dataset.item_evidence, kind="stable").astype(np.int64),
        people=dataset.item_people,
        evidence=dataset.item_evidence,
        has_clock=dataset.has_clock,
        report=report,
        features=features.sets,
        schema=scenario.items,
    )


def choose_surfaces(
    resolved: ResolvedPipeline,
    train: Dataset,
    examples: Examples,
    run: RunOptions,
    comes_back: bool,
) -> tuple[dict[str, ServedSurface], dict[str, GateReport]]:
    """Choose the ranker of every surface; surfaces with the same plan share the choice.

    Parameters
    ----------
    comes_back : bool
        Whether people of the training events came back to what they had.
    """
    surfaces: dict[str, ServedSurface] = {}
    gates: dict[str, GateReport] = {}
    able = resolved.capabilities
    kept = {name: linked_labels(plan.sources, able) for name, plan in resolved.surfaces.items()}
    known: dict[str, tuple[Ranker, GateReport]] = {}
    for name, plan in resolved.surfaces.items():
        settings = {each: dict(one.settings) for each, one in plan.rankers.items()}
        own = name == resolved.main or plan.ranker != "auto" or plan.has_choice
        key = json.dumps(
            [own, plan.about_items, plan.sources, plan.ranker, settings], sort_keys=True
        )
        if key not in known:
            seen = seen_by(examples, plan) if own else None
            known[key] = choose_ranker(plan, train, seen, run)
        ranker, gates[name] = known[key]
        plan = replace(plan, sources=_selected(plan, ranker, gates[name].chosen, kept[name]))
        surfaces[name] = served_surface(plan, ranker, gates[name].chosen, comes_back)
    return surfaces, gates


def without_linked(fitted: FittedSources, resolved: ResolvedPipeline) -> FittedSources:
    """Return the sources that rankers choose among; where there are no others, all.

    What answers from other scenarios measures itself on the people who have a history there: on the
    validation queries it would hardly ever have a say.
    """
    linked = linked_labels(fitted.sources, resolved.capabilities)
    others = {label: one for label, one in fitted.sources.items() if label not in linked}
    return replace(fitted, sources=others) if others else fitted


def _selected(
    plan: ResolvedSurface, ranker: Any, name: str, kept: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the sources that the ranker of a surface needs, and those that are kept anyway."""
    if "select" not in plan.rankers[name].capabilities:
        return plan.sources
    try:
        chosen = {*ranker.select(plan.sources), *kept}
    except (Exception, SystemExit) as error:
        log.warning("ranker %s could not say which sources it needs", name, exc_info=error)
        return plan.sources
    return tuple(label for label in plan.sources if label in chosen) or plan.sources


def needed_sources(surfaces: Mapping[str, ServedSurface], labels: Iterable[str]) -> tuple[str, ...]:
    """Return those of `labels` that a surface asks, or falls back on."""
    needed: set[str] = set()
    for surface in surfaces.values():
        needed.update(surface.plan.sources, surface.plan.config.fallback)
    return tuple(label for label in labels if label in needed)


def served_rule(
    scenario: Scenario, catalog: Catalog, plan: ResolvedSurface, comes_back: bool
) -> CandidateRule:
    """Return what a surface admits when it serves."""
    return CandidateRule(
        "served",
        keeps_history(plan, comes_back),
        EventEffects.of(scenario),
        plan.config.fresh,
        plan.config.weighs,
        plan.config.consumed == "keep",
        LiveItems(catalog, scenario.items),
    )


def seen_by(examples: Examples, plan: ResolvedSurface) -> Examples:
    """Return the examples with the candidates' scores of the surface's sources alone."""
    labels = tuple(label for label in examples.pool.sources if label in plan.sources)
    if labels == examples.pool.sources:
        return examples
    pool = examples.pool.select(labels)
    index = np.where((pool.ranks >= 0).any(axis=2), pool.index, PAD)
    return replace(examples, pool=replace(pool, index=index))


def fit_sources(
    dataset: Dataset,
    resolved: ResolvedPipeline,
    run: RunOptions,
    what: str,
    executor: Executor | None = None,
    before: Mapping[str, CandidateGenerator] | None = None,
    kept: KeptSources | None = None,
) -> FittedSources:
    """Fit every source of the pipeline; one that fails is left out and named.

    Parameters
    ----------
    before : mapping of label to source, optional
        As they were fitted before the cut: those that declare ``refit`` keep what they chose.
    executor : Executor, optional
        Where the sources are fitted; one after the other in this thread where None.
    kept : KeptSources, optional
        Where what is fitted is kept, and taken from where a fit was stopped.

    Raises
    ------
    UsageError
        If there is no such source, or its settings do not fit.
    CrossrecError
        If none is left.
    """
    n, run = len(resolved.sources), replace(run, encoders=resolved.encoders)
    jobs = [
        SourceJob(
            source,
            dataset,
            run,
            fitting_title(source.label, what),
            done,
            n,
            (before or {}).get(source.label) if "refit" in source.capabilities else None,
            None if kept is None else kept.of(source),
        )
        for done, source in enumerate(resolved.sources.values())
    ]
    done = [fit_source(job) for job in jobs] if executor is None else executor.map(fit_source, jobs)
    sources: dict[str, CandidateGenerator] = {}
    seconds: dict[str, float] = {}
    failed: dict[str, str] = {}
    notes: list[str] = []
    for source, fitted in zip(resolved.sources.values(), done, strict=True):
        if fitted.error:
            failed[source.label] = fitted.error
            continue
        sources[source.label] = fitted.generator(source, dataset.catalog)
        seconds[source.label] = fitted.seconds
        if fitted.taken:
            notes.append(f"{source.label} {what}: taken from the fit that was stopped")
    run.progress(fitted_title(what), n, n)
    if not sources:
        causes = "; ".join(f"{label}: {error}" for label, error in failed.items())
        raise CrossrecError(f"no source could be fitted ({causes})")
    return FittedSources(sources, seconds, failed, tuple(notes))


def collect_examples(
    fitted: FittedSources,
    resolved: ResolvedPipeline,
    queries: QueryBatch,
    targets: Ragged,
    n_items: int,
) -> tuple[Examples, dict[str, str]]:
    """Return the pool of every validation query, gathered in blocks, and what went wrong.

    The pool has the sources that answered in every block; what went wrong is a mapping of source to
    error.

    Raises
    ------
    CrossrecError
        If no source answers.
    """
    able, size = resolved.capabilities, resolved.config.candidates
    parts = [queries.take(rows) for rows in queries.blocks(BLOCK)] or [queries]
    pools, wrong = [], dict[str, str]()
    for part in parts:
        limit = resolved.config.time_limit * max(len(part), 1)
        pool, degraded = gather(fitted.sources, able, part, size, n_items, limit)
        require_an_answer(pool, degraded)
        pools.append(pool)
        wrong |= {one.component: one.error for one in degraded}
    return Examples(queries, _stacked(pools), targets), wrong


def left_out_notes(wrong: Mapping[str, str]) -> list[str]:
    """Say which sources misbehaved on the validation queries."""
    return [f"source {label} on the validation queries: {why}" for label, why in wrong.items()]


def _stacked(pools: list[Pool]) -> Pool:
    """Put pools below one another; a source that failed in one of them is left out."""
    common = tuple(name for name in pools[0].sources if all(name in pool.sources for pool in pools))
    pools = [pool.select(common) for pool in pools]
    width = max(pool.index.shape[1] for pool in pools)

    def pad(name: str, fill: float) -> Any:
        parts = []
        for pool in pools:
            array = getattr(pool, name)
            missing = [(0, 0)] * array.ndim
            missing[1] = (0, width - array.shape[1])
            parts.append(np.pad(array, missing, constant_values=fill))
        return np.concatenate(parts)

    return Pool(
        index=pad("index", -1),
        scores=pad("scores", np.nan),
        ranks=pad("ranks", -1),
        sources=pools[0].sources,
        mean=np.concatenate([pool.mean for pool in pools]),
        std=np.concatenate([pool.std for pool in pools]),
    )
