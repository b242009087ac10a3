"""A fitted pipeline: sources → pool → ranker, for any number of queries at once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates, Pool
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.live_items import LiveItems
from crossrec.components.policy_context import Rule
from crossrec.components.pooling import build_pool
from crossrec.components.protocols import CandidateGenerator, FeatureSource, Policy, Ranker
from crossrec.components.query import QueryBatch
from crossrec.components.slate import Degraded
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import CrossrecError
from crossrec.numeric.ragged import read_only
from crossrec.pipeline.config import MOST_POPULAR, PipelineConfig
from crossrec.pipeline.features import add_features
from crossrec.pipeline.guard import Admission, scores_of
from crossrec.pipeline.linked_fusion import fused_with_linked, linked_labels, seen_by_ranker
from crossrec.pipeline.resolved import FEATURES, ResolvedPipeline, ResolvedSurface
from crossrec.pipeline.time_limit import each_within, within
from crossrec.plugins.state import one_line
from crossrec.scenario import ItemSchema

log = logging.getLogger("crossrec")

#: What the report of a pipeline that was only counted for an answer calls its number of events.
COUNTED = "counted"


@dataclass(frozen=True, eq=False)
class ServedSurface:
    """One surface of a fitted pipeline.

    Attributes
    ----------
    plan : ResolvedSurface
    ranker : Ranker
    ranker_name : str
    policies : mapping of label to Policy, in the order of the file
    keeps_history : bool
        Whether known items that no consumption removes are candidates like others.
    """

    plan: ResolvedSurface
    ranker: Ranker
    ranker_name: str
    policies: Mapping[str, Policy]
    keeps_history: bool

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The feature columns that its ranker reads."""
        serving = self.plan.rankers.get(self.ranker_name)
        if serving is None or FEATURES not in serving.capabilities:
            return ()
        # Ranks are fused in the place of a ranker that cannot be restored: that reads none.
        read = getattr(self.ranker, FEATURES, tuple)
        return tuple(read())

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """What its policies drop by item, for those that put items in."""
        barring = [
            policy
            for label, policy in self.policies.items()
            if label in self.plan.policies and "bars" in self.plan.policies[label].capabilities
        ]
        return tuple(getattr(policy, "bars") for policy in barring)  # noqa: B009


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Everything that a request needs, in memory or memory-mapped.

    Attributes
    ----------
    scenario : str
    resolved : ResolvedPipeline
    sources : mapping of label to fitted candidate generator
    capabilities : mapping of label to the abilities that its registration declares
    surfaces : mapping of name to ServedSurface
    fallback : int64 array, shape (n_items,)
        All items, those with the most evidence first: what fills a list that stays short.
    people : int64 array, shape (n_items,)
        How many people had evidence for each item when the events were learnt last.
    evidence : float64 array, shape (n_items,)
        What they add up to, which `fallback` is sorted by.
    has_clock : bool
    report : mapping
        What the fit chose and why, as JSON values.
    unavailable : mapping of label to error
        Parts of the artifact that could not be restored, e.g. because their plugin is gone.
    features : mapping of name to fitted feature set
    schema : ItemSchema
        Which fields of an item hold its title, categories and creator.
    version : str
        Of the artifact that it was loaded from; "" before it is saved.
    """

    scenario: str
    resolved: ResolvedPipeline
    users: Vocabulary
    catalog: Catalog
    sources: Mapping[str, CandidateGenerator]
    capabilities: Mapping[str, frozenset[str]]
    surfaces: Mapping[str, ServedSurface]
    fallback: NDArray[np.int64]
    people: NDArray[np.int64]
    evidence: NDArray[np.float64]
    has_clock: bool
    report: Mapping[str, Any]
    unavailable: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, FeatureSource] = field(default_factory=dict)
    schema: ItemSchema = field(default_factory=lambda: ItemSchema((), ""))
    version: str = ""

    @property
    def config(self) -> PipelineConfig:
        """The pipeline file."""
        return self.resolved.config

    @property
    def main(self) -> ServedSurface:
        """The surface that evaluation and a request without a surface take."""
        return self.surfaces[self.resolved.main]

    @cached_property
    def item_vectors(self) -> NDArray[np.float32] | None:
        """What policies compare items by: the vectors of the first source that has any."""
        for label, able in self.capabilities.items():
            read = getattr(self.sources.get(label), "vectors", None)
            rows = read() if "vectors" in able and read is not None else None
            if rows is not None and len(rows) == len(self.catalog):
                return read_only(rows)
        return None

    @cached_property
    def linked_items(self) -> Vocabulary | None:
        """The items of other scenarios that a source can answer from; None where none can."""
        for label, able in self.capabilities.items():
            if "linked" in able and label in self.sources:
                found: Vocabulary = getattr(self.sources[label], "linked")()  # noqa: B009
                if len(found):
                    return found
        return None

    def rank(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best `k` of the main surface's pool of each query; no policy is applied.

        Raises
        ------
        CrossrecError
            If every source fails.
        """
        return self.ranked(queries, k)[0]

    def ranked(self, queries: QueryBatch, k: int) -> tuple[Candidates, list[Degraded]]:
        """Return the same, and what had to be left out.

        A list that stays short is filled up with the most popular items, as in a request.
        """
        pool, scores, degraded = self.scored_pool(self.main, queries)
        require_an_answer(pool, degraded)
        best = best_of(pool, scores, k)
        if MOST_POPULAR in self.main.plan.config.fallback:
            best = filled_up(best, self.fallback, queries, k)
        return best, degraded

    @cached_property
    def _as_fitted(self) -> LiveItems:
        """The catalog without what was written since the fit."""
        return LiveItems(self.catalog, self.schema)

    def scored_pool(
        self, surface: ServedSurface, queries: QueryBatch, items: LiveItems | None = None
    ) -> tuple[Pool, NDArray[np.float32], list[Degraded]]:
        """Return the pool of a surface, its scores in [0, 1], and what had to be left out.

        Where the ranker fails it is named, and ranks are fused instead.

        Parameters
        ----------
        items : LiveItems, optional
            What feature sets read; the catalog as it was fitted where None.
        """
        labels = surface.plan.sources
        sources = {label: self.sources[label] for label in labels if label in self.sources}
        # A source relates candidates to its history: on a surface about items that is these items.
        seeded = queries.related() if surface.plan.about_items else queries
        limit = self.limit(queries)
        pool, degraded = gather(
            sources, self.capabilities, seeded, self.config.candidates, len(self.catalog), limit
        )
        if not pool.sources:
            return pool, np.zeros(pool.index.shape, dtype=np.float32), degraded
        ranker = surface.ranker
        linked = linked_labels(pool.sources, self.capabilities)
        seen = seen_by_ranker(pool, linked)
        try:
            if surface.columns:
                items = items or self._as_fitted
                pool, failed = add_features(pool, self.features, queries, items, surface.columns)
                seen = seen_by_ranker(pool, linked)
                degraded += failed
            scores = within(limit, ranker, lambda: scores_of(ranker, queries, seen))
        except (Exception, SystemExit) as error:
            log.warning("ranker %s failed", surface.ranker_name, exc_info=error)
            degraded.append(Degraded(f"ranker {surface.ranker_name}", one_line(error)))
            scores = ReciprocalRankFusion().score(queries, seen)
        scores = fused_with_linked(scores, pool, linked)
        return pool, weighed_down(pool, on_unit_scale(scores, pool.valid), queries), degraded

    def limit(self, queries: QueryBatch) -> float:
        """Return the seconds that one component may take for a batch."""
        return self.config.time_limit * max(len(queries), 1)


def on_unit_scale(scores: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return each row's scores between 0 (the worst of the pool) and 1 (the best); -inf at `PAD`.

    Rankers score on scales of their own; what leaves the pipeline is an order on one scale.
    """
    low = np.where(valid, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(valid, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    spread = high - low
    with np.errstate(invalid="ignore"):
        unit = np.where(spread > 0, (scores - low) / np.where(spread > 0, spread, 1.0), 1.0)
    return np.where(valid, unit, -np.inf).astype(np.float32)


def weighed_down(
    pool: Pool, scores: NDArray[np.float32], queries: QueryBatch
) -> NDArray[np.float32]:
    """Return the scores times what an earlier consumption has left of each item's weight."""
    if queries.factors is None or not len(queries.factors):
        return scores
    width = len_of(pool, queries)
    keys = queries.demoted.row_of * width + queries.demoted.values
    own = np.arange(len(pool), dtype=np.int64)[:, None] * width + pool.index
    at = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
    hit = (keys[at] == own) & pool.valid
    return np.where(hit, scores * queries.factors[at], scores).astype(np.float32)


def len_of(pool: Pool, queries: QueryBatch) -> int:
    """Return a number above every item of the pool and of the demoted ones."""
    return int(max(pool.index.max(initial=0), queries.demoted.values.max(initial=0))) + 2


def gather(
    sources: Mapping[str, CandidateGenerator],
    capabilities: Mapping[str, frozenset[str]],
    queries: QueryBatch,
    size: int,
    n_items: int,
    limit: float,
) -> tuple[Pool, list[Degraded]]:
    """Query every source and unite the answers.

    A source that raises, takes longer than `limit` seconds, or whose answer is none, is left out
    and named; so is one that returns excluded or impossible items, of which the rest is used. Where
    every one fails the pool has neither sources nor candidates.
    """
    found: dict[str, Candidates] = {}
    degraded: list[Degraded] = []
    admission = Admission.of(queries, n_items)
    calls = [(one, partial(one.generate, queries, size)) for one in sources.values()]
    for label, (answer, failure) in zip(sources, each_within(limit, calls), strict=True):
        try:
            if failure is not None:
                raise failure
            found[label], complaint = admission.admit(answer, size)
        except (Exception, SystemExit) as error:
            log.warning("source %s failed", label, exc_info=error)
            complaint = one_line(error)
        if complaint:
            degraded.append(Degraded(label, complaint))
    if not found:
        return Pool.empty(len(queries)), degraded
    scorers = {
        label: partial(_safe_score, label, sources[label], queries, limit, degraded)
        for label in found
        if "score" in capabilities.get(label, frozenset()) and found[label].full is None
    }
    return build_pool(found, size, scorers), degraded


def require_an_answer(pool: Pool, degraded: list[Degraded]) -> None:
    """Raise where no source answered.

    Raises
    ------
    CrossrecError
        Names every source with its error.
    """
    if not pool.sources:
        causes = "; ".join(f"{d.component}: {d.error}" for d in degraded)
        raise CrossrecError(f"no source could answer ({causes}); fit again or check the plugins")


def _safe_score(
    label: str,
    source: Any,
    queries: QueryBatch,
    limit: float,
    degraded: list[Degraded],
    index: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Score through the source; where that fails it is named, and scores its own finds only."""
    try:
        answer = within(limit, source, partial(source.score, queries, index))
        scores: NDArray[np.float32] = np.asarray(answer, dtype=np.float32)
        if scores.shape != index.shape:
            raise ValueError(f"scores of shape {scores.shape} for candidates of {index.shape}")
    except (Exception, SystemExit) as error:
        log.warning("source %s could not score", label, exc_info=error)
        degraded.append(Degraded(label, f"it could not score others' finds: {one_line(error)}"))
        return np.full(index.shape, np.nan, dtype=np.float32)
    return scores


def filled_up(
    found: Candidates, order: NDArray[np.int64], queries: QueryBatch, k: int
) -> Candidates:
    """Return lists of `k` items: behind those found the first of `order` that are not excluded."""
    lengths = (found.index != PAD).sum(axis=1)
    index = np.full((len(queries), min(k, len(order))), PAD, dtype=np.int64)
    score = np.full(index.shape, -np.inf, dtype=np.float32)
    width = min(found.index.shape[1], index.shape[1])
    index[:, :width], score[:, :width] = found.index[:, :width], found.score[:, :width]
    for row in np.flatnonzero(lengths < index.shape[1]).tolist():
        taken = np.concatenate([queries.exclude.row(row), index[row, : lengths[row]]])
        window = order[: len(taken) + index.shape[1]]
        free = window[~np.isin(window, taken)][: index.shape[1] - lengths[row]]
        places = slice(lengths[row], lengths[row] + len(free))
        index[row, places], score[row, places] = free, 0.0
    return replace(found, index=index, score=score)


def best_of(pool: Pool, scores: NDArray[np.float32], k: int) -> Candidates:
    """Return the best `k` candidates of each query by `scores`, ties in the order of the index."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    index = np.take_along_axis(pool.index, order, axis=1)
    score = np.take_along_axis(scores, order, axis=1)
    return Candidates(index, np.where(index == PAD, -np.inf, score).astype(np.float32), "pipeline")
