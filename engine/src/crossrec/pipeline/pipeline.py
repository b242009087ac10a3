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

log = logging.getLogger("crossrec")


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Everything that a request needs, in memory or memory-mapped.

    Attributes
    ----------
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
        Sources of the artifact that could not be restored, e.g. because their plugin is gone.
    """

    scenario: str
    config: PipelineConfig
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

    def rank(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best `k` of the pool of each query; policies are not applied.

        Raises
        ------
        CrossrecError
            If every source fails.
        """
        pool, _ = gather(self.sources, self.capabilities, queries, self.config.candidates)
        return best_of(pool, self.ranker.score(queries, pool), k)

    def rank_items(self, queries: QueryBatch) -> tuple[Pool, NDArray[np.float32], list[Degraded]]:
        """Return pool and scores for an item surface, where only item-based sources answer."""
        labels = self.config.item_sources or tuple(self.sources)
        sources = {label: self.sources[label] for label in labels if label in self.sources}
        pool, degraded = gather(sources, self.capabilities, queries, self.config.candidates)
        return pool, ReciprocalRankFusion().score(queries, pool), degraded

    def rank_user(self, queries: QueryBatch) -> tuple[Pool, NDArray[np.float32], list[Degraded]]:
        """Return pool and scores for a user surface, and what had to be left out."""
        pool, degraded = gather(self.sources, self.capabilities, queries, self.config.candidates)
        return pool, self.ranker.score(queries, pool), degraded


def gather(
    sources: Mapping[str, CandidateGenerator],
    capabilities: Mapping[str, frozenset[str]],
    queries: QueryBatch,
    size: int,
) -> tuple[Pool, list[Degraded]]:
    """Ask every source and unite the answers; a source that raises is left out and named.

    Raises
    ------
    CrossrecError
        If there is more than one source and every one fails.
    """
    found: dict[str, Candidates] = {}
    degraded: list[Degraded] = []
    for label, source in sources.items():
        try:
            found[label] = source.generate(queries, size)
        except Exception as error:
            log.warning("source %s failed", label, exc_info=error)
            degraded.append(Degraded(label, f"{type(error).__name__}: {error}"))
    if not found:
        causes = "; ".join(f"{d.component}: {d.error}" for d in degraded)
        raise CrossrecError(f"no source could answer ({causes}); fit again or check the plugins")
    scorers = {
        label: partial(_safe_score, sources[label], queries)
        for label in found
        if "score" in capabilities.get(label, frozenset()) and found[label].full is None
    }
    return build_pool(found, size, scorers), degraded


def _safe_score(source: Any, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Score through the source; where that fails its opinion of others' candidates is missing."""
    try:
        scores: NDArray[np.float32] = source.score(queries, index)
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
