"""A fitted pipeline: sources → pool → ranker, for any number of queries at once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates, Pool
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.pooling import build_pool
from crossrec.components.protocols import CandidateGenerator, Policy, Ranker
from crossrec.components.query import QueryBatch
from crossrec.components.slate import Degraded
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import CrossrecError
from crossrec.pipeline.config import PipelineConfig
from crossrec.pipeline.guard import Admission, scores_of
from crossrec.pipeline.resolved import ResolvedPipeline

log = logging.getLogger("crossrec")


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Everything that a request needs, in memory or memory-mapped.

    Attributes
    ----------
    resolved : ResolvedPipeline
    sources : mapping of label to fitted candidate generator
    capabilities : mapping of label to the abilities that its registration declares
    fallback : int64 array, shape (n_items,)
        All items, the most popular first: what fills a list that the sources leave short.
    counts : int64 array, shape (n_items,)
        Number of interactions of each item at the time of the fit.
    has_clock : bool
    report : mapping
        What the fit chose and why, as JSON values.
    unavailable : mapping of label to error
        Parts of the artifact that could not be restored, e.g. because their plugin is gone.
    """

    scenario: str
    resolved: ResolvedPipeline
    users: Vocabulary
    catalog: Catalog
    sources: Mapping[str, CandidateGenerator]
    capabilities: Mapping[str, frozenset[str]]
    ranker: Ranker
    policies: Mapping[str, Policy]
    fallback: NDArray[np.int64]
    counts: NDArray[np.int64]
    has_clock: bool
    report: Mapping[str, Any]
    unavailable: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> PipelineConfig:
        """The pipeline file."""
        return self.resolved.config

    def rank(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best `k` of the pool of each query; policies are not applied.

        Raises
        ------
        CrossrecError
            If every source fails.
        """
        pool, scores, degraded = self.rank_user(queries)
        require_an_answer(pool, degraded)
        return best_of(pool, scores, k)

    def rank_items(self, queries: QueryBatch) -> tuple[Pool, NDArray[np.float32], list[Degraded]]:
        """Return pool and scores for an item surface, where only item-based sources answer."""
        labels = self.config.item_sources or tuple(self.sources)
        sources = {label: self.sources[label] for label in labels if label in self.sources}
        return self._ranked(sources, ReciprocalRankFusion(), queries)

    def rank_user(self, queries: QueryBatch) -> tuple[Pool, NDArray[np.float32], list[Degraded]]:
        """Return pool and scores for a user surface, and what had to be left out."""
        return self._ranked(self.sources, self.ranker, queries)

    def _ranked(
        self, sources: Mapping[str, CandidateGenerator], ranker: Ranker, queries: QueryBatch
    ) -> tuple[Pool, NDArray[np.float32], list[Degraded]]:
        """Gather and order; where the ranker fails it is named, and ranks are fused instead."""
        pool, degraded = gather(
            sources, self.capabilities, queries, self.config.candidates, len(self.catalog)
        )
        if not pool.sources:
            return pool, np.zeros(pool.index.shape, dtype=np.float32), degraded
        try:
            scores = scores_of(ranker, queries, pool)
        except Exception as error:
            name = str(self.report.get("gate", {}).get("chosen", type(ranker).__name__))
            log.warning("ranker %s failed", name, exc_info=error)
            degraded.append(Degraded(f"ranker {name}", f"{type(error).__name__}: {error}"))
            scores = ReciprocalRankFusion().score(queries, pool)
        return pool, scores, degraded


def gather(
    sources: Mapping[str, CandidateGenerator],
    capabilities: Mapping[str, frozenset[str]],
    queries: QueryBatch,
    size: int,
    n_items: int,
) -> tuple[Pool, list[Degraded]]:
    """Query every source and unite the answers.

    A source that raises, or whose answer is none, is left out and named; so is one that returns
    excluded or impossible items, of which the rest is used. Where every one fails the pool has
    neither sources nor candidates.
    """
    found: dict[str, Candidates] = {}
    degraded: list[Degraded] = []
    admission = Admission.of(queries, n_items)
    for label, source in sources.items():
        try:
            found[label], complaint = admission.admit(source.generate(queries, size), size)
        except Exception as error:
            log.warning("source %s failed", label, exc_info=error)
            complaint = f"{type(error).__name__}: {error}"
        if complaint:
            degraded.append(Degraded(label, complaint))
    if not found:
        return Pool.empty(len(queries)), degraded
    scorers = {
        label: partial(_safe_score, sources[label], queries)
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


def _safe_score(source: Any, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Score through the source; where that fails others' candidates have no score of it."""
    try:
        scores: NDArray[np.float32] = np.asarray(source.score(queries, index))
        if scores.shape != index.shape:
            raise ValueError(f"scores of shape {scores.shape} for candidates of {index.shape}")
    except Exception as error:
        log.warning("%s could not score", type(source).__name__, exc_info=error)
        return np.full(index.shape, np.nan, dtype=np.float32)
    return scores


def best_of(pool: Pool, scores: NDArray[np.float32], k: int) -> Candidates:
    """Return the best `k` candidates of each query by `scores`, ties in the order of the index."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    index = np.take_along_axis(pool.index, order, axis=1)
    score = np.take_along_axis(scores, order, axis=1)
    return Candidates(index, np.where(index == PAD, -np.inf, score).astype(np.float32), "pipeline")
