"""Relations between given candidates and a given history: all of them at once, no full scan.

The cost depends on the candidates and the history, not on the size of the catalogue. This is the
innermost loop of training and serving, hence most rows are gathered from the CSR arrays by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray, offsets
from crossrec.numeric.sparse import gathered_rows
from numpy.typing import NDArray

from crossrec_backbone.relations.behaviour import Behaviour
from crossrec_backbone.relations.text import TextRelations

#: Multiplications up to which OpenBLAS does a matrix product on the thread that asks for it.
_ONE_THREAD = 1 << 18


class TextPairs:
    """All text relations of a catalogue, laid out for pairs.

    The lexical relations are stacked side by side in one CSR matrix of items × terms, each with its
    own columns. Within an item's row they follow one another, so that finer row bounds (item ×
    relation) index the same arrays.
    """

    def __init__(self, relations: TextRelations) -> None:
        from scipy.sparse import hstack

        self.names = (*relations.dense, *relations.sparse)
        self._dense = tuple(relations.dense.values())
        self._kinds = len(relations.sparse)
        self._last: _HistoryTerms | None = None
        if not self._kinds:
            return
        whole = hstack(list(relations.sparse.values()), format="csr", dtype=np.float32)
        whole.sort_indices()
        lengths = np.stack([np.diff(part.indptr) for part in relations.sparse.values()], axis=1)
        self._lexical = whole
        self._fine = offsets(lengths.ravel())

    def pairs(self, items: IntArray, history: IntArray) -> FloatArray:
        """Return the similarity of each history item to each of `items`.

        Returns
        -------
        float32 array, shape (len(names), len(history), len(items))
        """
        return self.blocks([items], [history])[0]

    def blocks(self, items: Sequence[IntArray], histories: Sequence[IntArray]) -> list[FloatArray]:
        """Return `pairs` of several queries.

        One relation after the other for all of them, because the rows of one relation fit the
        processor's cache and those of all do not.
        """
        queries = list(zip(items, histories, strict=True))
        out = [np.empty((len(self.names), len(h), len(i)), np.float32) for i, h in queries]
        for at, rows in enumerate(self._dense):
            for block, (candidates, history) in zip(out, queries, strict=True):
                block[at] = _products(rows, candidates, history).T
        if self._kinds:
            for block, (candidates, history) in zip(out, queries, strict=True):
                block[len(self._dense) :] = self._shared(candidates, history)
        return out

    def _shared(self, items: IntArray, history: IntArray) -> FloatArray:
        """Return the lexical part of `pairs`.

        Only terms of the history can match, so the items' rows are cut down to those first; what is
        left is a product of a small sparse and a small dense matrix.
        """
        from scipy.sparse import csr_matrix

        terms = self._terms(history)
        at, bounds = gathered_rows(self._lexical.indptr, items)
        column = terms.slot.take(self._lexical.indices.take(at))
        hit = np.flatnonzero(column >= 0)
        values = self._lexical.data.take(at.take(hit))
        cut = (values, column.take(hit), np.searchsorted(hit, bounds))
        shared = csr_matrix(cut, shape=(len(items), len(terms.table)))
        product = (shared @ terms.table).T
        scores: FloatArray = product.reshape(self._kinds, len(history), len(items))
        return scores

    def _terms(self, history: IntArray) -> _HistoryTerms:
        """Return the terms of a history. The last ones are kept, for an explanation."""
        known = self._last
        if known is not None and np.array_equal(known.history, history):
            return known
        whole, kinds = self._lexical, np.arange(self._kinds)[:, None]
        at, bounds = gathered_rows(self._fine, (kinds + history * self._kinds).ravel())
        own = whole.indices.take(at)
        slot = np.full(whole.shape[1], -1, dtype=np.int32)
        order = np.arange(len(own), dtype=np.int32)
        slot[own] = order  # of equal terms the last one stays
        terms = own[slot.take(own) == order]
        slot[terms] = order[: len(terms)]
        width = len(bounds) - 1
        table = np.zeros((len(terms), width), dtype=np.float32)
        table[slot.take(own), np.repeat(np.arange(width), np.diff(bounds))] = whole.data.take(at)
        self._last = found = _HistoryTerms(history.copy(), slot, table)
        return found


def _products(rows: FloatArray, items: IntArray, history: IntArray) -> FloatArray:
    """Return the products of some rows with a few others, float32 (len(items), len(history)).

    A tall matrix times a narrow one, as the other way BLAS packs all of the tall one. In slabs for
    which OpenBLAS calls no other threads: on a busy machine to wait for them takes a hundred times
    as long as to do without.
    """
    narrow = np.ascontiguousarray(rows.take(history, axis=0).T)
    slab = max(_ONE_THREAD // max(narrow.size, 1), 1)
    n_slabs = -(-len(items) // slab)
    tall = np.zeros((n_slabs * slab, rows.shape[1]), dtype=np.float32)
    rows.take(items, axis=0, out=tall[: len(items)], mode="clip")
    products = np.matmul(tall.reshape(n_slabs, slab, rows.shape[1]), narrow)
    found: FloatArray = products.reshape(len(tall), len(history))[: len(items)]
    return found


@dataclass(frozen=True, eq=False)
class _HistoryTerms:
    """The terms of a history.

    Attributes
    ----------
    history : int64 array
    slot : int32 array, shape (terms of the catalogue,)
        The place of a term in `table`; -1 where the history does not have it.
    table : float32 array, shape (terms of the history, relations · len(history))
    """

    history: IntArray
    slot: NDArray[np.int32]
    table: FloatArray


@dataclass(frozen=True, eq=False)
class RelatedRows:
    """The rows of a history under all behaviour relations.

    Attributes
    ----------
    history : int64 array
    columns, values : integer and float32 arrays
        The entries, one relation after the other, within it one history item after the other.
    bounds : int64 array, shape (relations · len(history) + 1,)
        Where each row starts among the entries.
    """

    history: IntArray
    columns: IntArray
    values: FloatArray
    bounds: IntArray

    def row(self, at: int) -> tuple[IntArray, FloatArray]:
        """Return columns and values of one row."""
        part = slice(*self.bounds[at : at + 2].tolist())
        return self.columns[part], self.values[part]

    def at(self, candidates: IntArray, n_items: int) -> FloatArray:
        """Return the rows at some distinct candidates, float32 (rows, len(candidates))."""
        place = np.full(n_items, -1, dtype=np.int32)  # one for each call: threads serve
        place[candidates] = np.arange(len(candidates), dtype=np.int32)
        column = place.take(self.columns)
        hit = np.flatnonzero(column >= 0)
        row = np.searchsorted(self.bounds, hit, side="right") - 1
        out = np.zeros((len(self.bounds) - 1, len(candidates)), dtype=np.float32)
        out[row, column.take(hit)] = self.values.take(hit)
        return out


class BehaviourPairs:
    """All behaviour relations and the joint counts, row by row.

    The matrices stay as they are, memory maps too: only the rows of a history are read.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.names = (*behaviour.relations, "joint")
        self.n_items = behaviour.n_items
        self._matrices = (*behaviour.relations.values(), behaviour.joint)
        self._last: RelatedRows | None = None

    def rows(self, history: IntArray) -> RelatedRows:
        """Return the rows of a history under all relations.

        Slice by slice: half the time that an index of all entries takes. The last ones are kept: of
        one query candidates, columns and explanations are wanted one after the other.
        """
        known = self._last
        if known is not None and np.array_equal(known.history, history):
            return known
        self._last = found = self._rows(history)
        return found

    def _rows(self, history: IntArray) -> RelatedRows:
        """Read the rows of a history."""
        columns, values = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.float32)]
        lengths = [np.zeros(1, dtype=np.int64)]
        for matrix in self._matrices:
            starts, stops = matrix.indptr[history], matrix.indptr[history + 1]
            parts = list(map(slice, starts.tolist(), stops.tolist()))
            indices, data = matrix.indices, matrix.data
            columns += [indices[part] for part in parts]
            values += [data[part] for part in parts]
            lengths.append((stops - starts).astype(np.int64))
        bounds = np.cumsum(np.concatenate(lengths))
        return RelatedRows(history.copy(), np.concatenate(columns), np.concatenate(values), bounds)

    def pairs(self, candidates: IntArray, history: IntArray) -> FloatArray:
        """Return each relation from each history item to each candidate; 0 where there is none.

        Candidates must be distinct.

        Returns
        -------
        float32 array, shape (len(names), len(history), len(candidates))
        """
        found = self.rows(history).at(candidates, self.n_items)
        return found.reshape(len(self.names), len(history), len(candidates))
