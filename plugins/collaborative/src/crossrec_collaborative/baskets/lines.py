"""Baskets, and the rule by which events form them.

With a clock, an event belongs to the basket of the one before it unless more than some hours lie
between them. Without one, events at one position came together: that is how ingestion stores a
session. A history that came without times has a basket for each of its events.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.components.settings import Settings
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import offsets
from numpy.typing import NDArray
from pydantic import Field

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
DAY = 86_400.0
_HOUR = 3_600.0


class BasketSettings(Settings):
    """Which events are purchases, and which of them form a basket.

    Attributes
    ----------
    gap_hours : float
        With a clock: after a longer break a new basket begins.
    least_strength : float
        Event types whose strongest event stays below it are none of the baskets: views and carts.
    """

    gap_hours: Annotated[float, Field(ge=0)] = 6.0
    least_strength: Annotated[float, Field(ge=0)] = 0.0


@dataclass(frozen=True, eq=False)
class BasketLines:
    """The distinct items of each basket, a line each, ordered by row, basket and event.

    Attributes
    ----------
    baskets : int64 array, shape (n_lines,)
        Number of the line's basket, counted over all rows.
    items : int64 array, shape (n_lines,)
    owners : int64 array, shape (n_baskets,)
        Row (user or query) of each basket, ascending; within a row the oldest basket first.
    times : float64 array, shape (n_baskets,)
        Of the basket's last event.
    n_rows : int
    """

    baskets: IntArray
    items: IntArray
    owners: IntArray
    times: FloatArray
    n_rows: int

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def rows(self) -> IntArray:
        """Row of each line, int64 (n_lines,), ascending."""
        return self.owners[self.baskets]

    @cached_property
    def indptr(self) -> IntArray:
        """Where the lines of each row begin, int64 (n_rows + 1,)."""
        return offsets(np.bincount(self.rows, minlength=self.n_rows))

    @cached_property
    def per_row(self) -> IntArray:
        """Number of baskets of each row, int64 (n_rows,)."""
        return np.bincount(self.owners, minlength=self.n_rows).astype(np.int64, copy=False)

    @cached_property
    def sizes(self) -> IntArray:
        """Distinct items of each basket, int64 (n_baskets,)."""
        counts = np.bincount(self.baskets, minlength=len(self.owners))
        return counts.astype(np.int64, copy=False)

    @cached_property
    def ages(self) -> IntArray:
        """How many baskets of the same row came later, int64 (n_baskets,)."""
        ends: IntArray = np.cumsum(self.per_row)
        return ends[self.owners] - 1 - np.arange(len(self.owners))

    def empty(self) -> BasketLines:
        """Return the same rows without any basket."""
        none = np.zeros(0, dtype=np.int64)
        return BasketLines(none, none, none, np.zeros(0), self.n_rows)

    def where(self, kept: NDArray[np.bool_]) -> BasketLines:
        """Return the chosen baskets of the same rows; `kept` has shape (n_baskets,)."""
        number = np.cumsum(kept) - 1
        stay = kept[self.baskets]
        return BasketLines(
            number[self.baskets[stay]],
            self.items[stay],
            self.owners[kept],
            self.times[kept],
            self.n_rows,
        )

    def take(self, rows: IntArray) -> BasketLines:
        """Return the baskets of the chosen rows, ascending, which get the numbers 0, 1, 2 …"""
        number = np.full(self.n_rows, -1, dtype=np.int64)
        number[rows] = np.arange(len(rows))
        found = self.where(number[self.owners] >= 0)
        return BasketLines(found.baskets, found.items, number[found.owners], found.times, len(rows))

    def matrix(self, n_items: int) -> object:
        """Return baskets × items as scipy CSR, float32: 1 where a basket has the item."""
        from scipy.sparse import csr_matrix

        ones = np.ones(len(self), dtype=np.float32)
        shape = (len(self.owners), n_items)
        return csr_matrix((ones, (self.baskets, self.items)), shape=shape)


def basket_lines(
    rows: IntArray, items: IntArray, times: FloatArray, n_rows: int, gap: float
) -> BasketLines:
    """Split the events of some rows into baskets.

    Parameters
    ----------
    rows : int64 array, shape (n,)
        Ascending; within a row the oldest event first.
    items : int64 array, shape (n,)
        Those below 0 are no lines, but are events of their basket.
    times : float64 array, shape (n,)
    gap : float
        A new basket begins where the time is more than this after that of the event before.
    """
    n = len(rows)
    begins = np.ones(n, dtype=bool)
    begins[1:] = (rows[1:] != rows[:-1]) | (times[1:] - times[:-1] > gap)
    basket = np.cumsum(begins) - 1
    last = np.ones(n, dtype=bool)
    last[:-1] = begins[1:]
    known = items >= 0
    width = int(items.max(initial=0)) + 1
    _, first = np.unique(basket[known] * width + items[known], return_index=True)
    kept = np.flatnonzero(known)[np.sort(first)]
    return BasketLines(basket[kept], items[kept], rows[begins], times[last], n_rows)


def purchase_types(dataset: Dataset, least_strength: float) -> IntArray | None:
    """Return the event types that are purchases, int64, ascending; None where all are.

    Those of which some event is at least so strong.
    """
    if least_strength <= 0:
        return None
    events = dataset.events
    return np.unique(events.types[events.weights >= least_strength])


def lines_of_users(dataset: Dataset, types: IntArray | None, gap_hours: float) -> BasketLines:
    """Return the baskets of all users; row = user index."""
    events = dataset.interactions
    if types is not None:
        events = events.take(np.isin(events.types, types))
    gap = gap_hours * _HOUR if dataset.has_clock else 0.0
    return basket_lines(events.users, events.items, events.times, dataset.n_users, gap)


def lines_of_queries(
    queries: QueryBatch, n_items: int, types: IntArray | None, gap_hours: float, has_clock: bool
) -> BasketLines:
    """Return the baskets of the queries' histories; items from `n_items` on are no lines."""
    rows, items = queries.history.row_of, queries.history.values
    if queries.times is None or len(queries.times) != len(items):
        times, gap = np.arange(len(items), dtype=np.float64), 0.0
    else:
        times, gap = queries.times, gap_hours * _HOUR if has_clock else 0.0
    if types is not None and queries.types is not None and len(queries.types) == len(items):
        bought = np.isin(queries.types, types)
        rows, items, times = rows[bought], items[bought], times[bought]
    known = np.where(items < n_items, items, -1)
    return basket_lines(rows, known, times, len(queries), gap)
