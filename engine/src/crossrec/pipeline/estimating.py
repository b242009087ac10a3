"""The plan of a fit from what its components say they cost; nothing is fitted or encoded for it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import Effort, RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError
from crossrec.pipeline.budget import Budget
from crossrec.pipeline.config import PipelineConfig
from crossrec.pipeline.cut import query_limit
from crossrec.pipeline.plan import EFFORTS, FitPlan, PlannedPart, make_plan
from crossrec.pipeline.resolved import LEADS, Component, ResolvedPipeline
from crossrec.pipeline.stages import (
    ALL_EVENTS,
    BEFORE_CUT,
    encoding_title,
    fitted_title,
    fitting_title,
)

log = logging.getLogger("crossrec")

#: The capability of components that say what they cost.
ESTIMATE = "estimate"
#: What takes the rest of the time.
REST = "choosing the ranker"
#: Reference seconds of one query and one source as the rankers are chosen, for each candidate.
_CHOOSING = 1e-6


def plan_fit(
    resolved: ResolvedPipeline,
    dataset: Dataset,
    run: RunOptions,
    budget: Budget,
    memory_limit: int,
    left_out: Mapping[str, str] | None = None,
    why_encoder: str = "",
) -> FitPlan:
    """Return what a fit of the pipeline on `dataset` will do.

    Parameters
    ----------
    memory_limit : int
        Bytes.
    left_out : mapping of label to reason, optional
        Sources that the pipeline does not have any more; the plan names them.
    why_encoder : str
        Why the pipeline has this encoder, for the plan.

    Raises
    ------
    CapacityError
        If the memory allows none of the sources.
    UsageError
        If every source wants more effort than the budget's.
    """
    unseen, tried = left_out or {}, resolved.tried
    users = int(np.count_nonzero(dataset.sequences.lengths >= 2))
    whole = DatasetSize.of(dataset)
    titles = whole.with_texts(dataset.catalog.titles) if resolved.config.title_vectors else None

    def parts_at(effort: Effort) -> list[PlannedPart]:
        at = replace(run, effort=effort)
        size = replace(whole, queries=min(users, query_limit(effort, whole.items)))
        encoder = resolved.encoder
        first = []
        if encoder is not None:
            part = _encoder_part(encoder, size, titles, at)
            first = [replace(part, why=why_encoder)]
        first += [_encoder_part(one, size, None, at) for one in resolved.more_encoders.values()]
        gone = too_much(resolved.config, effort)
        sources = [
            replace(_source_part(source, size, at, label in tried), left_out=gone.get(label, ""))
            for label, source in resolved.sources.items()
        ]
        others = [PlannedPart(name, "source", left_out=why) for name, why in unseen.items()]
        return [*first, *sources, *others, _rest_part(resolved, size)]

    surfaces = [surface.sources for surface in resolved.surfaces.values()]
    return make_plan(parts_at, budget, memory_limit, surfaces)


def without_left_out(config: PipelineConfig, left_out: Sequence[PlannedPart]) -> PipelineConfig:
    """Return the pipeline without what a plan leaves out."""
    gone = {part.label for part in left_out if part.kind == "source"}
    config = without_sources(config, gone)
    unaffordable = {part.label for part in left_out if part.kind == "encoder"}
    more = tuple(one for one in config.encoders if one.label not in unaffordable)
    config = config.model_copy(update={"encoders": more})
    if config.encoder in unaffordable:
        texts = {"encoder": "", "encoder_settings": {}, "title_vectors": False}
        config = config.model_copy(update=texts)
    return config


def within_effort(config: PipelineConfig, effort: Effort) -> PipelineConfig:
    """Return the pipeline without the sources that want more effort.

    Raises
    ------
    UsageError
        If all do.
    """
    return without_sources(config, too_much(config, effort))


def too_much(config: PipelineConfig, effort: Effort) -> dict[str, str]:
    """Return the sources that want more effort, each with why it is left out.

    Raises
    ------
    UsageError
        If all do.
    """
    gone = {
        source.label: f"a {effort} fit does not try it (--budget {source.effort} does)"
        for source in config.sources
        if EFFORTS.index(effort) > EFFORTS.index(source.effort)
    }
    if len(gone) == len(config.sources):
        raise UsageError(
            f"every source wants more effort than {effort}: use --budget thorough, or lower "
            "`effort` in the pipeline file"
        )
    return gone


def without_sources(config: PipelineConfig, gone: Collection[str]) -> PipelineConfig:
    """Return the pipeline without some sources.

    A surface that named only such sources gets the others, as one that names none does.
    """

    def rest(labels: Sequence[str]) -> tuple[str, ...]:
        return tuple(label for label in labels if label not in gone)

    surfaces = {
        name: one.model_copy(update={"sources": rest(one.sources), "fallback": rest(one.fallback)})
        for name, one in config.surfaces.items()
    }
    changed: dict[str, Any] = {
        "sources": tuple(one for one in config.sources if one.label not in gone),
        "item_sources": rest(config.item_sources),
        "surfaces": surfaces,
    }
    return config.model_copy(update=changed)


def _encoder_part(
    encoder: Component, size: DatasetSize, titles: DatasetSize | None, run: RunOptions
) -> PlannedPart:
    cost = _estimated(encoder, size, run)
    if cost is not None and titles is not None:
        more = _estimated(encoder, titles, run)
        cost = None if more is None else cost.plus(more)
    stages = {} if cost is None else {encoding_title(encoder.label): cost.seconds}
    return PlannedPart(encoder.label, "encoder", cost, stages)


def _source_part(source: Component, size: DatasetSize, run: RunOptions, tried: bool) -> PlannedPart:
    """Return what a source costs: of one that is not tried before the cut only the last fit."""
    both = _estimated(source, size, run)
    once = _estimated(source, replace(size, queries=0), run)
    leads = LEADS in source.capabilities
    if both is None or once is None:
        return PlannedPart(source.label, "source", leads=leads)
    if not tried:
        title = fitting_title(source.label, ALL_EVENTS)
        return PlannedPart(source.label, "source", once, {title: once.seconds}, leads)
    stages = {
        fitting_title(source.label, BEFORE_CUT): once.seconds,
        fitted_title(BEFORE_CUT): both.seconds - once.seconds,
        fitting_title(source.label, ALL_EVENTS): once.second.seconds,
    }
    whole = replace(both, again=None).plus(once.second)
    return PlannedPart(source.label, "source", whole, stages, leads)


def _rest_part(resolved: ResolvedPipeline, size: DatasetSize) -> PlannedPart:
    """Return what the choice of the rankers takes, and the pool that they choose by."""
    candidates = min(resolved.config.candidates, max(size.items, 1))
    cells = size.queries * candidates * len(resolved.tried)
    cost = Cost.of(scattered=_CHOOSING * cells, memory=24 * cells)
    return PlannedPart(REST, "rest", cost, {fitted_title(BEFORE_CUT): cost.seconds})


def _estimated(component: Component, size: DatasetSize, run: RunOptions) -> Cost | None:
    """Return what a component says that it costs; None where it does not say, or says nonsense."""
    if ESTIMATE not in component.capabilities:
        return None
    try:
        cost = component.built.estimate(size, run)
    except (Exception, SystemExit) as error:
        log.warning("the estimate of %s is left out", component.label, exc_info=error)
        return None
    if not isinstance(cost, Cost) or not cost.is_sound:
        log.warning("the estimate of %s is left out: it is %r", component.label, cost)
        return None
    return cost
