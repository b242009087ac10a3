"""What plugins answer is looked at before it is believed: no bad source or ranker spoils a list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates, Pool
from crossrec.components.protocols import Ranker
from crossrec.components.query import QueryBatch
from crossrec.numeric.arrays import among, as_float32


@dataclass(frozen=True, eq=False)
class Admission:
    """What candidates of a batch of queries may be: items of the catalog that are not excluded.

    Attributes
    ----------
    n_queries, n_items : int
    barred : int64 array
        ``row * n_items + item`` of everything excluded, ascending.
    """

    n_queries: int
    n_items: int
    barred: NDArray[np.int64]

    @classmethod
    def of(cls, queries: QueryBatch, n_items: int) -> Admission:
        """Return what `queries` admit."""
        exclude = queries.exclude
        return cls(len(queries), n_items, np.sort(exclude.row_of * n_items + exclude.values))

    def admit(self, found: Any, k: int) -> tuple[Candidates, str]:
        """Return at most `k` eligible candidates a query, and what was wrong, "" for nothing.

        Raises
        ------
        TypeError, ValueError
            If `found` is no answer to these queries at all.
        """
        if not isinstance(found, Candidates):
            raise TypeError(f"generate returned {type(found).__name__}, not Candidates")
        if len(found) != self.n_queries:
            raise ValueError(f"{len(found)} rows of candidates for {self.n_queries} queries")
        if found.index.dtype.kind not in "iu":
            raise TypeError(f"candidates are item indexes, not {found.index.dtype}")
        if found.index.shape[1] > k:
            found = replace(found, index=found.index[:, :k], score=found.score[:, :k])
        found = self._aligned(found)
        ineligible = self._ineligible(found.index)
        unscored = ~np.isfinite(as_float32(found.score)) & (found.index != PAD)
        dropped = ineligible | unscored
        if not dropped.any():
            return found, ""
        barred, blank = int(ineligible.sum()), int((unscored & ~ineligible).sum())
        index = np.where(dropped, PAD, found.index)
        score = np.where(dropped, -np.inf, found.score).astype(np.float32)
        complaint = " and ".join(
            f"{count} candidates {what} were dropped"
            for count, what in (
                (barred, "that are excluded or no item"),
                (blank, "without a finite score"),
            )
            if count
        )
        return replace(found, index=index, score=score), complaint

    def _ineligible(self, index: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which candidates are excluded or no item of the catalog."""
        ineligible: NDArray[np.bool_] = (index < PAD) | (index >= self.n_items)
        if len(self.barred):
            keys = index
            if len(index) > 1:
                keys = np.arange(len(index), dtype=np.int64)[:, None] * self.n_items + index
            ineligible |= among(keys, self.barred) & (index != PAD)
        return ineligible

    def _aligned(self, found: Candidates) -> Candidates:
        """Return the candidates without extras that do not fit the queries or the catalog."""
        n = self.n_queries
        if found.full is not None and found.full.shape not in ((n, self.n_items), (n, 0)):
            found = replace(found, full=None)
        if any(part is not None and part.shape != (n,) for part in (found.mean, found.std)):
            found = replace(found, mean=None, std=None)
        return found


def scores_of(ranker: Ranker, queries: QueryBatch, pool: Pool) -> NDArray[np.float32]:
    """Return the ranker's scores, float32 (n, m), -inf at `PAD`.

    Raises
    ------
    ValueError
        If they are not aligned with the pool, or not finite for every candidate.
    """
    scores = np.asarray(ranker.score(queries, pool), dtype=np.float32)
    if scores.shape != pool.index.shape:
        raise ValueError(f"scores of shape {scores.shape} for a pool of {pool.index.shape}")
    valid = pool.valid
    if not np.isfinite(scores[valid]).all():
        raise ValueError("not every candidate has a finite score")
    return np.where(valid, scores, np.float32(-np.inf))
