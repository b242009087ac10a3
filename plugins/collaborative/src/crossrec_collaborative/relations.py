"""Item-item weights, dense over the active items or sparse over all, and their sums over histories.

A row holds the weights of one history item for every candidate: scores = profile @ weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from crossrec.components.history import WeightedHistory
from crossrec.numeric.ragged import offsets
from numpy.typing import NDArray

#: Bytes up to which an array is copied from its file into memory.
_COPIED = 1 << 27


class Relation(Protocol):
    """Item-item weights."""

    @property
    def n_items(self) -> int:
        """Number of items, active or not."""
        ...

    def scores(self, history: WeightedHistory) -> NDArray[np.float32]:
        """Return the weighted sum of the history's rows, float32 (n, n_items); 0: no evidence."""
        ...

    def between(self, items: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the weights of `items` for `index`, float32 (len(items), len(index))."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `from_arrays` takes back."""
        ...


@dataclass(frozen=True, eq=False)
class SparseRelation:
    """Weights in CSR form.

    Attributes
    ----------
    indptr : int64 array, shape (n_items + 1,)
    indices : int32 array, shape (nnz,)
        Ascending in each row.
    data : float32 array, shape (nnz,)
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float32]

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.indptr) - 1

    def rows(self, items: NDArray[np.int64]) -> tuple[list[slice], NDArray[np.int64]]:
        """Return the slices of `data` and `indices` that are the rows of `items`, and lengths."""
        starts, stops = self.indptr[items], self.indptr[items + 1]
        return [slice(*ends) for ends in zip(starts.tolist(), stops.tolist())], stops - starts

    def scores(self, history: WeightedHistory) -> NDArray[np.float32]:
        """Return the weighted sum of the history's rows, float32 (n, n_items).

        Summed in float64 in the order of the history, so that a query's scores do not depend on
        the other queries of its batch.
        """
        n = len(history.items)
        rows, lengths = self.rows(history.items.values)
        cell = _joined(self.indices, rows)
        if n > 1:
            cell = cell + (history.items.row_of * self.n_items).repeat(lengths)
        mass = _joined(self.data, rows) * history.weights.repeat(lengths)
        total = np.bincount(cell, weights=mass, minlength=n * self.n_items)
        return total.astype(np.float32).reshape(n, self.n_items)

    def sums(
        self, items: NDArray[np.int64], weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the items that the rows of one history have entries for, and their `scores`.

        Its work grows with the entries of these rows alone, not with the catalogue.

        Returns
        -------
        found : int64 array, ascending
        sums : float32 array, same shape
        """
        rows, lengths = self.rows(items)
        mass = _joined(self.data, rows) * weights.repeat(lengths)
        found, place = np.unique(_joined(self.indices, rows), return_inverse=True)
        sums = np.bincount(place, weights=mass, minlength=len(found))
        return found.astype(np.int64), sums.astype(np.float32)

    def between(self, items: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the weights of `items` for `index`, float32 (len(items), len(index))."""
        weights: NDArray[np.float32] = self.cells(items, index, self.data)[0]
        return weights

    def cells(
        self, items: NDArray[np.int64], columns: NDArray[np.int64], *values: NDArray[Any]
    ) -> list[NDArray[Any]]:
        """Return `values` (each aligned with `indices`) where rows and columns cross, 0 for none.

        Columns that are no item get 0.
        """
        tables = [np.zeros((len(items), len(columns)), dtype=one.dtype) for one in values]
        rows, lengths = self.rows(items)
        indices = _joined(self.indices, rows)
        if not len(indices) or not len(columns):
            return tables
        ascending = np.sort(columns)
        wanted = np.zeros(max(int(ascending[-1]), 0) + 2, dtype=bool)
        wanted[ascending[ascending.searchsorted(0) :]] = True
        # Of the rows only these entries matter; each is looked up where it stands in `values`.
        entries = wanted.take(indices, mode="clip").nonzero()[0]
        ends = lengths.cumsum()
        row = ends.searchsorted(entries, side="right")
        column = ascending.searchsorted(indices[entries])
        place = entries + (self.indptr[items + 1] - ends)[row]
        for table, one in zip(tables, values, strict=True):
            table[row, column] = one[place]
        # A column that is wanted twice stands once: at its first place.
        places = ascending.searchsorted(columns)
        return [table[:, places] for table in tables]

    def with_rows(
        self, other: SparseRelation, items: NDArray[np.int64], n_items: int
    ) -> SparseRelation:
        """Return `n_items` rows: those of `other` for `items`, ascending, else these, or none."""
        lengths = np.zeros(n_items, dtype=np.int64)
        lengths[: self.n_items] = np.diff(self.indptr)
        stays = np.ones(n_items, dtype=bool)
        stays[items] = False
        kept = np.repeat(stays[: self.n_items], lengths[: self.n_items])
        lengths[items] = np.diff(other.indptr)
        own = np.repeat(stays, lengths)
        indices = np.empty(len(own), dtype=self.indices.dtype)
        data = np.empty(len(own), dtype=self.data.dtype)
        for whole, old, new in (
            (indices, self.indices, other.indices),
            (data, self.data, other.data),
        ):
            whole[own], whole[~own] = old[kept], new
        return SparseRelation(offsets(lengths), indices, data)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_arrays` takes back."""
        return {"indptr": self.indptr, "indices": self.indices, "data": self.data}


def _joined(values: NDArray[Any], parts: list[slice]) -> NDArray[Any]:
    """Return the parts one after another; copying slices beats gathering single numbers."""
    return np.concatenate([values[part] for part in parts]) if parts else values[:0]


@dataclass(frozen=True, eq=False)
class DenseRelation:
    """Weights between the items that have events; the others have none.

    Attributes
    ----------
    active : int64 array, shape (m,)
        The items with events, ascending.
    matrix : float32 array, shape (m, m)
    size : int
        Number of all items.
    """

    active: NDArray[np.int64]
    matrix: NDArray[np.float32]
    size: int

    @property
    def n_items(self) -> int:
        """Number of items, active or not."""
        return self.size

    @cached_property
    def position(self) -> NDArray[np.int64]:
        """Place of each item among the active ones, int64 (n_items,), -1 for the others."""
        position = np.full(self.size, -1, dtype=np.int64)
        position[self.active] = np.arange(len(self.active))
        return position

    def scores(self, history: WeightedHistory) -> NDArray[np.float32]:
        """Return the weighted sum of the history's rows, float32 (n, n_items).

        Goes through scipy's CSR × dense, which adds row by row: a query's scores do not depend on
        the other queries of its batch.
        """
        from scipy.sparse import csr_matrix

        at = self.position[history.items.values]
        if (at < 0).any():
            history, at = history.where(at >= 0), at[at >= 0]
        shape = (len(history.items), len(self.active))
        weights = history.weights.astype(np.float32)
        profile = csr_matrix((weights, at, history.items.indptr), shape=shape)
        part: NDArray[np.float32] = profile @ self.matrix
        if len(self.active) == self.size:
            return part
        scores = np.zeros((len(part), self.size), dtype=np.float32)
        scores[:, self.active] = part
        return scores

    def between(self, items: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the weights of `items` for `index`, float32 (len(items), len(index))."""
        rows, columns = self.position[items], self.position[index]
        both = (rows >= 0)[:, None] & (columns >= 0)[None, :]
        if not both.any():
            return np.zeros(both.shape, dtype=np.float32)
        return np.where(both, self.matrix[np.ix_(rows, columns)], np.float32(0.0))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_arrays` takes back."""
        size = np.array([self.size], dtype=np.int64)
        return {"active": self.active, "matrix": self.matrix, "size": size}


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Relation:
    """Return the relation whose `arrays` these are; they may be read-only.

    Memory maps are viewed as plain arrays, which numpy slices ten times as fast.
    """
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    if "matrix" in arrays:
        return DenseRelation(arrays["active"], arrays["matrix"], int(arrays["size"][0]))
    return SparseRelation(*(in_memory(arrays[name]) for name in ("indptr", "indices", "data")))


def in_memory(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of a memory map; the map as a plain array where it is very large.

    To read a few rows among millions takes half the time in memory of one's own: its pages are
    large, so their addresses are found faster.
    """
    return np.array(array) if array.nbytes <= _COPIED else np.asarray(array)
