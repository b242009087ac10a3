"""Base of the sources whose score is a weighted sum of item-item weights over the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.history import WeightedHistory, weigh
from crossrec.components.query import QueryBatch
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.components.topk import (
    ABOVE_ZERO,
    best_places,
    moments_with_zeros,
    padded,
    top_sums,
)
from crossrec.data.catalog import Catalog
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.base import blocks, not_fitted
from crossrec_collaborative.relations import Relation, SparseRelation, from_arrays

#: From so many items on, sparse weights are summed up where a history has entries: to lay out a
#: score for every item takes longer.
LARGE_ITEMS = 50_000


class ItemSettings(Settings):
    """How a history is weighed.

    Attributes
    ----------
    decay : float
        Weight of each item relative to the one after it.
    history : int
        How many of the latest items count.
    last_weight : float
        Share of the total weight that goes to the last item alone.
    """

    decay: Annotated[float, Field(gt=0, le=1)] = 0.8
    history: Annotated[int, Field(ge=1)] = 50
    last_weight: Annotated[float, Field(ge=0, le=1)] = 0.0


class ItemSource:
    """Scores = weighted history @ item-item weights; subclasses learn the weights."""

    name: ClassVar[str] = ""
    _phrase: ClassVar[str] = "often together with"

    def __init__(self, settings: ItemSettings) -> None:
        self._settings = settings
        self._relation: Relation | None = None

    @property
    def relation(self) -> Relation:
        """The item-item weights.

        Raises
        ------
        NotFittedError
            Before `fit` or `restore`.
        """
        if self._relation is None:
            raise not_fitted(self.name)
        return self._relation

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with a positive score, none of them excluded."""
        if isinstance(self.relation, SparseRelation) and self.relation.n_items >= LARGE_ITEMS:
            return self._best_of_entries(self.relation, queries, k)
        n_items = self.relation.n_items
        parts = [self._best(block, k) for block in blocks(queries, n_items)]
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN where there is no evidence."""
        n_items = self.relation.n_items
        out = np.full(index.shape, np.nan, dtype=np.float32)
        known = (index != PAD) & (index < n_items)
        if isinstance(self.relation, SparseRelation) and n_items >= LARGE_ITEMS:
            for row, (found, sums) in enumerate(self._sums(self.relation, queries)):
                if not len(found):
                    continue
                place = np.minimum(np.searchsorted(found, index[row]), len(found) - 1)
                hit = known[row] & (found[place] == index[row]) & (sums[place] != 0)
                out[row, hit] = sums[place[hit]]
            return out
        start = 0
        for block in blocks(queries, n_items):
            rows = slice(start, start + len(block))
            scores = self._scores(block)
            if index.size and n_items:
                picked = np.take_along_axis(scores, np.where(known, index, 0)[rows], axis=1)
                out[rows] = np.where(known[rows] & (picked != 0), picked, np.nan)
            start = rows.stop
        return out

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the history items behind the score of each item of `index`, for one query.

        The strengths are the positive terms of the score; negative terms are left out, so the
        strengths sum to the score only where there are none.
        """
        n_items = self.relation.n_items
        items, weights = self._history(queries).merged
        known = (index >= 0) & (index < n_items)
        between, counts = self._cells(items, np.where(known, index, 0))
        terms = (between * weights[:, None] * known).T
        order = (-terms).argsort(axis=1, kind="stable")
        rows = np.arange(len(order))[:, None]
        history, strengths = items[order].tolist(), terms[rows, order].tolist()
        sorted_counts = None if counts is None else counts.T[rows, order].tolist()
        return [
            Evidence(
                self._words(None if sorted_counts is None else sorted_counts[row][:n]),
                tuple(history[row][:n]),
                tuple(strengths[row][:n]),
            )
            if n
            else None
            for row, n in enumerate((terms > 0).sum(axis=1).tolist())
        ]

    def state(self) -> State:
        """Return the item-item weights."""
        return State(self.relation.arrays())

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back the item-item weights."""
        self._relation = from_arrays(state.arrays)

    def _cells(
        self, items: NDArray[np.int64], index: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
        """Return weights, float32 (len(items), len(index)), and the counts behind them, if any."""
        return self.relation.between(items, index), None

    def _words(self, counts: Sequence[int] | None) -> str:
        """Return the phrase for a candidate, given the counts of the history items behind it."""
        return self._phrase

    def _history(self, queries: QueryBatch) -> WeightedHistory:
        s = self._settings
        return weigh(
            queries,
            self.relation.n_items,
            decay=s.decay,
            limit=s.history,
            last_weight=s.last_weight,
        )

    def _scores(self, queries: QueryBatch) -> NDArray[np.float32]:
        return self.relation.scores(self._history(queries))

    def _sums(
        self, relation: SparseRelation, queries: QueryBatch
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield the items that each history has entries for, ascending, and their scores."""
        history = self._history(queries)
        bounds = history.items.indptr.tolist()
        for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
            part = slice(start, stop)
            yield relation.sums(history.items.values[part], history.weights[part])

    def _best_of_entries(self, relation: SparseRelation, queries: QueryBatch, k: int) -> Candidates:
        """Return the best of each query among the items that its history has entries for."""
        exclude = queries.exclude.within(relation.n_items).distinct()
        best, scores, moments = [], [], np.zeros((2, len(queries)), dtype=np.float32)
        for row, (found, sums) in enumerate(self._sums(relation, queries)):
            barred = exclude.row(row)
            open_ = ~np.isin(found, barred) & np.isfinite(sums)
            found, sums = found[open_], sums[open_]
            n = max(relation.n_items - len(barred), 1)
            moments[:, row] = moments_with_zeros(sums.astype(np.float64), n)
            places = best_places(sums, max(k, 0), ABOVE_ZERO)
            best.append(found[places])
            scores.append(sums[places])
        if not best:
            return Candidates.empty(0, self.name)
        index = padded(best)
        score = np.full(index.shape, -np.inf, dtype=np.float32)
        for row, own in enumerate(scores):
            score[row, : len(own)] = own
        return Candidates(index, score, self.name, moments[0], moments[1])

    def _best(self, queries: QueryBatch, k: int) -> Candidates:
        exclude = queries.exclude.within(self.relation.n_items)
        return top_sums(self._scores(queries), k, exclude, source=self.name)
