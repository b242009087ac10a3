"""Histories as columns: items with the types and times of their events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import BoolArray, IntArray, Ragged
from numpy.typing import NDArray

#: Buckets of time differences: 0 where one is not known, then by the logarithm of seconds.
BUCKETS = 34


@dataclass(frozen=True)
class HistorySpace:
    """What of events is read, as the fit found it.

    Attributes
    ----------
    types : int
        Number of event types; 0 where they are not read or do not differ.
    common : int
        The most frequent type, which stands in where a query does not say.
    clock : bool
        Whether times are read.
    """

    types: int = 0
    common: int = 0
    clock: bool = False

    @classmethod
    def fit(cls, dataset: Dataset, types: bool, gaps: bool) -> HistorySpace:
        """Look at the interactions of a dataset."""
        counts = np.bincount(dataset.interactions.types)
        several = types and np.count_nonzero(counts) > 1
        return cls(
            len(counts) if several else 0,
            int(counts.argmax()) if several else 0,
            gaps and dataset.has_clock,
        )


@dataclass(frozen=True, eq=False)
class HistoryBatch:
    """Padded histories: real events first, then padding.

    Attributes
    ----------
    items : int64 array, shape (n, length)
        `PAD` behind the last event.
    types, gaps : int64 arrays, same shape
        Number of the event's type from 1 on, bucket of the time since the event before; 0 where
        not known.
    times : float64 array, same shape
        Seconds; NaN where not known.
    """

    items: IntArray
    types: IntArray
    gaps: IntArray
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def lengths(self) -> IntArray:
        """Events of each history, int64 (n,)."""
        lengths: IntArray = (self.items != PAD).sum(axis=1)
        return lengths


@dataclass(frozen=True, eq=False)
class Histories:
    """Histories of any length.

    Attributes
    ----------
    rows : Ragged
        Items, oldest first.
    types, gaps : int64 arrays, aligned with ``rows.values``
    times : float64 array, aligned with ``rows.values``
        As in `HistoryBatch`.
    """

    rows: Ragged
    types: IntArray
    gaps: IntArray
    times: NDArray[np.float64]

    @classmethod
    def build(
        cls,
        rows: Ragged,
        space: HistorySpace,
        types: IntArray | None,
        times: NDArray[np.float64] | None,
    ) -> Histories:
        """Turn types and times into what is read of them."""
        n = len(rows.values)
        kinds = np.zeros(n, dtype=np.int64)
        if space.types:
            given = np.full(n, space.common) if types is None else types
            kinds = np.where((given >= 0) & (given < space.types), given, space.common) + 1
        clock = np.full(n, np.nan) if times is None or not space.clock else times.astype(np.float64)
        since = np.full(n, np.nan)
        since[1:] = clock[1:] - clock[:-1]
        since[rows.indptr[:-1][rows.lengths > 0]] = np.nan
        return cls(rows, kinds, buckets(since), clock)

    @classmethod
    def of_dataset(cls, dataset: Dataset, space: HistorySpace) -> Histories:
        """Return the interactions of every user; row = user index."""
        events = dataset.interactions
        return cls.build(dataset.sequences, space, events.types, events.times)

    @classmethod
    def of_queries(cls, queries: QueryBatch, space: HistorySpace, n_items: int) -> Histories:
        """Return the histories of queries; items that are unknown to the fit fall out."""
        rows, types, times = queries.history, queries.types, queries.times
        known = (rows.values >= 0) & (rows.values < n_items)
        if not known.all():
            rows = rows.where(known)
            types = None if types is None else types[known]
            times = None if times is None else times[known]
        return cls.build(rows, space, types, times)

    def where(self, keep: BoolArray) -> Histories:
        """Keep some events, bool (len(rows.values),)."""
        return Histories(self.rows.where(keep), self.types[keep], self.gaps[keep], self.times[keep])

    def last(self, limit: int) -> HistoryBatch:
        """Return the latest `limit` events of each history, padded to the longest of them."""
        lengths = np.minimum(self.rows.lengths, limit)
        return self.cut(self.rows.indptr[1:] - lengths, lengths)

    def cut(self, starts: IntArray, lengths: IntArray) -> HistoryBatch:
        """Return the stretches of ``rows.values`` that begin at `starts`, padded."""
        width = int(lengths.max(initial=0))
        there = np.arange(width) < lengths[:, None]
        at = np.where(there, starts[:, None] + np.arange(width), 0)

        def padded(column: NDArray[Any], filler: float) -> NDArray[Any]:
            if not len(column):
                return np.full(at.shape, filler, dtype=column.dtype)
            return np.where(there, column[at], np.array(filler, dtype=column.dtype))

        return HistoryBatch(
            padded(self.rows.values, PAD),
            padded(self.types, 0),
            padded(self.gaps, 0),
            padded(self.times, np.nan),
        )


def buckets(seconds: NDArray[np.float64]) -> IntArray:
    """Return the bucket of time differences, int64 of the same shape: 1 + log2(1 + seconds).

    0 where a difference is NaN.
    """
    known = np.isfinite(seconds)
    clean = np.log2(1.0 + np.abs(np.where(known, seconds, 0.0)))
    found: IntArray = np.minimum(1 + clean.astype(np.int64), BUCKETS - 1) * known
    return found


def windows(rows: Ragged, size: int, *, overlap: int) -> tuple[IntArray, IntArray]:
    """Cut long rows into windows, from their end, each event in one window as something new.

    Parameters
    ----------
    size : int
        Events of a window that are new in it.
    overlap : int
        Events before them that a window also has, where the row has them; rows of no more than
        `overlap` events have no window.

    Returns
    -------
    starts, lengths : int64 arrays
        Of each window, in ``rows.values``.
    """
    new = np.maximum(rows.lengths - overlap, 0)
    count = -(-new // size)
    row = np.repeat(np.arange(len(rows)), count)
    before = np.cumsum(count) - count
    place = np.arange(len(row)) - before[row]
    stops = rows.indptr[1:][row] - place * size
    starts = np.maximum(stops - size - overlap, rows.indptr[:-1][row])
    return starts, stops - starts
