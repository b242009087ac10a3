"""Answers before the first fit: latest, trending, best sellers, own items, counted for the answer.

A source with the capability ``counts`` learns by one pass over events and fields and chooses
nothing. Where all sources of a surface do, they are fitted for the answer, and nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from crossrec.components.run import RunOptions
from crossrec.errors import NotFittedError, UsageError
from crossrec.pipeline.config_files import load_config
from crossrec.pipeline.features import FittedFeatures
from crossrec.pipeline.fit import assemble, fit_sources
from crossrec.pipeline.live import LivePipeline
from crossrec.pipeline.pipeline import COUNTED
from crossrec.pipeline.ranker_choice import choose_ranker
from crossrec.pipeline.resolved import ResolvedPipeline, resolve_pipeline
from crossrec.pipeline.serving import keeps_history, served_surface
from crossrec.plugins.registry import Registry
from crossrec.scenario import Scenario
from crossrec.workspace import Workspace

#: The capability of sources that count and choose nothing.
COUNTS = "counts"


@dataclass(frozen=True, eq=False)
class Counted:
    """What one surface is answered from without a fit, and the state of the store it was read at.

    Attributes
    ----------
    live : LivePipeline
    stamp : tuple of int
        The last event, and the number of the last change of an item.
    """

    live: LivePipeline
    stamp: tuple[int, int]


def counted(workspace: Workspace, registry: Registry, scenario: str, surface: str) -> Counted:
    """Return what a surface is answered from without a fit.

    Raises
    ------
    UsageError
        If the scenario has no such surface.
    NotFittedError
        If it needs a fit, or there are no items.
    """
    known = registry.scenario(scenario)
    resolved = resolve_pipeline(load_config(known), registry, known.main_surface)
    plan = _alone(resolved, known, surface)
    stamp = stamp_of(workspace, scenario)
    dataset = workspace.dataset(known)
    if not len(dataset.catalog):
        raise NotFittedError(
            f"scenario {scenario!r} has no items: run `crossrec ingest {scenario}` first"
        )
    run = RunOptions(cache=workspace.cache)
    fitted = fit_sources(dataset, plan, run, "for one answer")
    own = plan.surfaces[surface]
    ranker, gate = choose_ranker(own, dataset, None, run)
    served = served_surface(own, ranker, gate.chosen, keeps_history(own, False))
    report = {
        "surfaces": {surface: gate.to_dict()},
        "failed": dict(fitted.failed),
        "item_changes": stamp[1],
        COUNTED: len(dataset.events),
    }
    none = FittedFeatures({}, {})
    pipeline = assemble(known, dataset, plan, fitted, {surface: served}, report, none)
    live = LivePipeline(pipeline, known, workspace.store(), run, background=False)
    return Counted(live, stamp)


def stamp_of(workspace: Workspace, scenario: str) -> tuple[int, int]:
    """Return how far the store is: its last event, and the last change of an item."""
    store = workspace.store()
    return store.last_event(scenario), store.item_changes(scenario)


def _alone(resolved: ResolvedPipeline, scenario: Scenario, surface: str) -> ResolvedPipeline:
    """Return the pipeline with one surface and its sources alone, all of which count."""
    plan = resolved.surfaces.get(surface)
    if plan is None:
        raise UsageError(
            f"scenario {scenario.name!r} has no surface {surface!r}: it has "
            f"{', '.join(resolved.surfaces)}"
        )
    able = resolved.capabilities
    if not all(COUNTS in able[label] for label in plan.sources):
        others = [
            name
            for name, one in resolved.surfaces.items()
            if all(COUNTS in able[label] for label in one.sources)
        ]
        until = f"; until then these answer: {', '.join(others)}" if others else ""
        raise NotFittedError(
            f"scenario {scenario.name!r} is not fitted yet: run `crossrec fit {scenario.name}` "
            f"first{until}"
        )
    wanted = {*plan.sources, *(one for one in plan.config.fallback if COUNTS in able.get(one, ()))}
    sources = {label: one for label, one in resolved.sources.items() if label in wanted}
    return replace(resolved, main=surface, sources=sources, surfaces={surface: plan})
