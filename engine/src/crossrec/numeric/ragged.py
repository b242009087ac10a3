"""Rows of unequal length in two flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array, or a view of it, that cannot be written into."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Ragged:
    """`n` rows of indexes: row `i` is ``values[indptr[i]:indptr[i + 1]]``.

    Attributes
    ----------
    indptr : int64 array, shape (n + 1,)
    values : int64 array, shape (indptr[-1],)
    """

    indptr: IntArray
    values: IntArray

    @classmethod
    def from_rows(cls, rows: Iterable[Sequence[int] | IntArray]) -> Ragged:
        """Build from an iterable of index sequences."""
        arrays = [np.asarray(row, dtype=np.int64) for row in rows]
        lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        values = np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64)
        return cls(offsets(lengths), values)

    @classmethod
    def grouped(cls, rows: IntArray, values: IntArray, n: int) -> Ragged:
        """Group `values` by row, int64 arrays of one length; `rows` ascend and lie below `n`."""
        if n == 1:
            return cls(np.array([0, len(values)]), values)
        return cls(offsets(np.bincount(rows, minlength=n)), values)

    @classmethod
    def stack(cls, parts: Sequence[Ragged]) -> Ragged:
        """Return the rows of all parts, in their order."""
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(offsets(lengths), np.concatenate([part.values for part in parts]))

    @classmethod
    def empty(cls, n: int) -> Ragged:
        """Return `n` empty rows."""
        return cls(np.zeros(n + 1, dtype=np.int64), np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def lengths(self) -> IntArray:
        """Length of each row, int64 (n,)."""
        lengths: IntArray = self.indptr[1:] - self.indptr[:-1]  # quicker than numpy.diff
        return lengths

    @property
    def row_of(self) -> IntArray:
        """The row of each value, int64 (len(values),)."""
        if len(self) == 1:  # as in every request
            return np.zeros(len(self.values), dtype=np.int64)
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def row(self, i: int) -> IntArray:
        """Return row `i`, a view."""
        return self.values[self.indptr[i] : self.indptr[i + 1]]

    def take(self, rows: IntArray) -> Ragged:
        """Return the chosen rows, in the order given."""
        return Ragged(offsets(self.lengths[rows]), self.values[self.positions(rows)])

    def positions(self, rows: IntArray) -> IntArray:
        """Return where the values of the chosen rows stand, for columns that are aligned."""
        lengths = self.lengths[rows]
        starts = np.cumsum(lengths) - lengths
        offset = np.repeat(self.indptr[:-1][rows] - starts, lengths)
        positions: IntArray = np.arange(len(offset), dtype=np.int64) + offset
        return positions

    def read_only(self) -> Ragged:
        """Return the same rows over arrays that cannot be written into."""
        if not (self.values.flags.writeable or self.indptr.flags.writeable):
            return self
        return Ragged(read_only(self.indptr), read_only(self.values))

    def tail(self, limit: int) -> Ragged:
        """Keep only the last `limit` values of each row."""
        kept = np.minimum(self.lengths, limit)
        indptr = offsets(kept)
        offset = np.repeat(self.indptr[1:] - kept - indptr[:-1], kept)
        return Ragged(indptr, self.values[np.arange(indptr[-1]) + offset])

    def heads(self, lengths: IntArray) -> Ragged:
        """Keep the first ``lengths[i]`` values of row `i`, which must have as many."""
        return self.where(self.from_start() < np.repeat(lengths, self.lengths))

    def where(self, keep: BoolArray) -> Ragged:
        """Keep the values where the mask is true, bool (len(values),); rows may become empty."""
        return Ragged(offsets(keep)[self.indptr], self.values[keep])

    def within(self, n: int) -> Ragged:
        """Keep the values from 0 to n - 1."""
        values = self.values
        if not len(values) or (int(values.min()) >= 0 and int(values.max()) < n):
            return self
        return self.where((values >= 0) & (values < n))

    def distinct_mask(self, *, last: bool = False) -> NDArray[np.bool_]:
        """Return which values are the first of their kind in their row, or the last of it.

        Bool (len(values),).
        """
        keep = np.zeros(len(self.values), dtype=bool)
        if len(keep):
            key = self.row_of * (int(self.values.max()) + 1) + self.values
            if last:
                keep[len(key) - 1 - np.unique(key[::-1], return_index=True)[1]] = True
            else:
                keep[np.unique(key, return_index=True)[1]] = True
        return keep

    def distinct(self, *, last: bool = False) -> Ragged:
        """Drop repeats within each row; the first occurrence stays in its place, or the last."""
        if len(self) == 1 and (self.values[1:] > self.values[:-1]).all():
            return self  # what a request excludes ascends
        return self.where(self.distinct_mask(last=last))

    def without(self, other: Ragged) -> Ragged:
        """Drop the values that the same row of `other` has."""
        if not len(self.values) or not len(other.values):
            return self
        return self.where(~self.isin(other))

    def isin(self, other: Ragged) -> BoolArray:
        """Return which values the same row of `other` has too, bool (len(values),)."""
        width = int(max(self.values.max(initial=0), other.values.max(initial=0))) + 1
        ours, theirs = (rows.row_of * width + rows.values for rows in (self, other))
        return np.isin(ours, theirs)

    def contains(self, table: IntArray) -> BoolArray:
        """Return which cells of an int64 table (n, m) hold a value of the same row, bool (n, m).

        Negative cells, which are padding, never do.
        """
        if not table.size or not len(self.values):
            return np.zeros(table.shape, dtype=bool)
        width = int(max(table.max(), self.values.max())) + 1
        cells = np.arange(len(table), dtype=np.int64)[:, None] * width + table
        return np.isin(cells, self.row_of * width + self.values) & (table >= 0)

    def reversed(self) -> Ragged:
        """Return the rows with their values in reverse order."""
        back = np.repeat(self.indptr[:-1], self.lengths) + self.from_end()
        return Ragged(self.indptr, self.values[back])

    def from_start(self) -> IntArray:
        """Position of each value counted from the start of its row: 0 is the first, int64."""
        return np.arange(len(self.values)) - np.repeat(self.indptr[:-1], self.lengths)

    def from_end(self) -> IntArray:
        """Position of each value counted from the end of its row: 0 is the last, int64."""
        if len(self) == 1:
            return np.arange(len(self.values) - 1, -1, -1)
        return np.repeat(self.indptr[1:], self.lengths) - 1 - np.arange(len(self.values))


def offsets(lengths: NDArray[Any]) -> IntArray:
    """Return where each row of these lengths starts, and where the last ends, int64 (n + 1,).

    Of a mask: how many values were kept before each place.
    """
    bounds = np.zeros(len(lengths) + 1, dtype=np.int64)
    lengths.cumsum(out=bounds[1:])
    return bounds
