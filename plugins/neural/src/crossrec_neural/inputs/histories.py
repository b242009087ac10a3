"""Histories as columns: items with the types and times of their events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import BoolArray, IntArray, Ragged
from numpy.typing import NDArray

from crossrec_neural.inputs.profiles import ProfileSpace
from crossrec_neural.settings import InputSettings

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
    profile : ProfileSpace
        What is read of the users themselves.
    """

    types: int = 0
    common: int = 0
    clock: bool = False
    profile: ProfileSpace = ProfileSpace()

    @classmethod
    def fit(cls, name: str, dataset: Dataset, inputs: InputSettings) -> HistorySpace:
        """Look at the interactions and users of a dataset.

        Raises
        ------
        ConfigError
            If no user has one of the fields that are to be read.
        """
        counts = np.bincount(dataset.interactions.types)
        several = inputs.types and np.count_nonzero(counts) > 1
        return cls(
            len(counts) if several else 0,
            int(counts.argmax()) if several else 0,
            inputs.gaps and dataset.has_clock,
            ProfileSpace.fit(name, dataset, inputs.user_fields),
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        profile = self.profile.values
        return {
            "types": self.types, "common": self.common, "clock": self.clock,
            "profile": {name: list(known) for name, known in profile.items()},
        }  # fmt: skip

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> HistorySpace:
        """Take back what `to_json` returned."""
        known = {name: tuple(one) for name, one in values["profile"].items()}
        return cls(**{**values, "profile": ProfileSpace(known)})


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
    profile : int64 array, shape (n, fields)
        As `ProfileSpace.rows` returns it.
    """

    items: IntArray
    types: IntArray
    gaps: IntArray
    times: NDArray[np.float64]
    profile: IntArray

    def __len__(self) -> int:
        return len(self.items)

    @property
    def lengths(self) -> IntArray:
        """Events of each history, int64 (n,)."""
        lengths: IntArray = (self.items != PAD).sum(axis=1)
        return lengths

    def take(self, rows: IntArray) -> HistoryBatch:
        """Return some histories, padded no further than they need."""
        at = np.ix_(rows, np.arange(int(self.lengths[rows].max(initial=0))))
        columns = (self.items[at], self.types[at], self.gaps[at], self.times[at])
        return HistoryBatch(*columns, self.profile[rows])


@dataclass(frozen=True, eq=False)
class Histories:
    """Histories of any length.

    Attributes
    ----------
    rows : Ragged
        Items, oldest first.
    types, gaps : int64 arrays, aligned with ``rows.values``
    times : float64 array, aligned with ``rows.values``
    profile : int64 array, shape (len(rows), fields)
        As in `HistoryBatch`.
    """

    rows: Ragged
    types: IntArray
    gaps: IntArray
    times: NDArray[np.float64]
    profile: IntArray

    @classmethod
    def build(
        cls,
        rows: Ragged,
        space: HistorySpace,
        types: IntArray | None,
        times: NDArray[np.float64] | None,
        profile: IntArray | None = None,
    ) -> Histories:
        """Turn types and times into what is read of them; without `profile` nothing is known."""
        n = len(rows.values)
        kinds = np.zeros(n, dtype=np.int64)
        if space.types:
            given = np.full(n, space.common) if types is None else types
            kinds = np.where((given >= 0) & (given < space.types), given, space.common) + 1
        clock = np.full(n, np.nan) if times is None or not space.clock else times.astype(np.float64)
        since = np.full(n, np.nan)
        since[1:] = clock[1:] - clock[:-1]
        since[rows.indptr[:-1][rows.lengths > 0]] = np.nan
        if profile is None:
            profile = np.zeros((len(rows), len(space.profile.values)), dtype=np.int64)
        return cls(rows, kinds, buckets(since), clock, profile)

    @classmethod
    def of_dataset(cls, dataset: Dataset, space: HistorySpace) -> Histories:
        """Return the interactions of every user; row = user index."""
        events = dataset.interactions
        profile = space.profile.of_users(dataset)
        return cls.build(dataset.sequences, space, events.types, events.times, profile)

    @classmethod
    def of_queries(cls, queries: QueryBatch, space: HistorySpace, n_items: int) -> Histories:
        """Return the histories of queries; items that are unknown to the fit fall out."""
        rows, types, times = queries.history, queries.types, queries.times
        known = (rows.values >= 0) & (rows.values < n_items)
        if not known.all():
            rows = rows.where(known)
            types = None if types is None else types[known]
            times = None if times is None else times[known]
        profile = space.profile.rows(queries.profile, len(queries))
        return cls.build(rows, space, types, times, profile)

    def where(self, keep: BoolArray) -> Histories:
        """Keep some events, bool (len(rows.values),)."""
        columns = (self.types[keep], self.gaps[keep], self.times[keep])
        return Histories(self.rows.where(keep), *columns, self.profile)

    def last(self, limit: int) -> HistoryBatch:
        """Return the latest `limit` events of each history, padded to the longest of them."""
        lengths = np.minimum(self.rows.lengths, limit)
        return self.cut(self.rows.indptr[1:] - lengths, lengths)

    def cut(self, starts: IntArray, lengths: IntArray) -> HistoryBatch:
        """Return the stretches of ``rows.values`` that begin at `starts`, padded.

        An empty one has the profile of any row.
        """
        width = int(lengths.max(initial=0))
        there = np.arange(width) < lengths[:, None]
        at = np.where(there, starts[:, None] + np.arange(width), 0)

        def padded(column: NDArray[Any], filler: float) -> NDArray[Any]:
            if not len(column):
                return np.full(at.shape, filler, dtype=column.dtype)
            return np.where(there, column[at], np.array(filler, dtype=column.dtype))

        row = np.searchsorted(self.rows.indptr, starts, side="right") - 1
        return HistoryBatch(
            padded(self.rows.values, PAD),
            padded(self.types, 0),
            padded(self.gaps, 0),
            padded(self.times, np.nan),
            self.profile[np.minimum(row, len(self.profile) - 1)],
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
