"""A query's history as weighted items, the newest heaviest: the one definition of these weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged

#: The weights of single queries by the settings, for as long as the queries live.
_weighed: WeakKeyDictionary[QueryBatch, dict[tuple[Any, ...], WeightedHistory]] = (
    WeakKeyDictionary()
)


@dataclass(frozen=True, eq=False)
class WeightedHistory:
    """The recent items of each query with their weights.

    Attributes
    ----------
    items : Ragged, n rows
        Oldest first; an item that occurs twice appears twice.
    weights : float64 array, aligned with ``items.values``
    n_items : int
        Size of the catalog; every item lies below it.
    """

    items: Ragged
    weights: NDArray[np.float64]
    n_items: int

    @cached_property
    def merged(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The distinct items of one query, ascending, and the sum of each one's weights."""
        values = self.items.values
        order = values.argsort(kind="stable")
        ascending = values[order]
        if (ascending[1:] > ascending[:-1]).all():
            return ascending, self.weights[order]
        items, back = np.unique(values, return_inverse=True)
        sums = np.bincount(back, weights=self.weights, minlength=len(items))
        return items, sums.astype(np.float64, copy=False)

    @cached_property
    def matrix(self) -> Any:
        """Queries × items as scipy CSR, float32; an item that occurs twice has both its weights."""
        from scipy.sparse import csr_matrix

        parts = (self.weights.astype(np.float32), self.items.values, self.items.indptr)
        matrix = csr_matrix(parts, shape=(len(self.items), self.n_items))
        matrix.sum_duplicates()
        return matrix

    def of(self, row: int) -> NDArray[np.float32]:
        """Return the weights of one query, aligned with ``items.row(row)``, float32."""
        start, stop = self.items.indptr[row : row + 2]
        return self.weights[start:stop].astype(np.float32)

    def where(self, keep: NDArray[np.bool_]) -> WeightedHistory:
        """Return only the items where `keep` is true; the weights stay as they are."""
        return WeightedHistory(self.items.where(keep), self.weights[keep], self.n_items)


def weigh(
    queries: QueryBatch,
    n_items: int,
    *,
    decay: float = 1.0,
    limit: int = 50,
    last_weight: float = 0.0,
    average: bool = True,
) -> WeightedHistory:
    """Weigh the last `limit` items of each history.

    The last item weighs 1, the one before `decay`, then `decay` squared …, divided by their sum
    unless `average` is false. A share of `last_weight` goes to the last item instead.

    Items outside 0 … n_items - 1 are left out after weighing: they are part of the history, but
    the source does not know them.

    The weights of a single query are kept with it: several sources need them, and explanations.
    """
    if len(queries) != 1:
        return _weigh(queries, n_items, decay, limit, last_weight, average)
    known = _weighed.setdefault(queries, {})
    settings = (n_items, decay, limit, last_weight, average)
    if settings not in known:
        known[settings] = _weigh(queries, n_items, decay, limit, last_weight, average)
    return known[settings]


def _weigh(
    queries: QueryBatch,
    n_items: int,
    decay: float,
    limit: int,
    last_weight: float,
    average: bool,
) -> WeightedHistory:
    recent = queries.history
    if recent.lengths.max(initial=0) > limit:
        recent = recent.tail(limit)
    from_end = recent.from_end()
    row_of = recent.row_of
    weights = np.power(float(decay), from_end)
    if average:
        totals = np.bincount(row_of, weights=weights, minlength=len(recent))
        weights /= totals[row_of]
    if last_weight:
        weights *= 1.0 - last_weight
        weights[from_end == 0] += last_weight
    weighted = WeightedHistory(recent, weights, n_items)
    known = (recent.values >= 0) & (recent.values < n_items)
    return weighted if known.all() else weighted.where(known)
