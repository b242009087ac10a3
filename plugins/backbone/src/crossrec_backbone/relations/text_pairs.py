"""Text relations between given candidates and a given history: every one at once, no full scan.

The cost depends on the candidates and the history, not on the size of the catalogue. This is the
innermost loop of training and serving, hence most rows are gathered from the CSR arrays by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import gathered_rows

from crossrec_backbone.relations.text import TextRelations


class TextPairs:
    """All text relations of a catalogue, laid out for pairs.

    The lexical relations stand side by side in one CSR matrix of items × terms, each with its own
    columns. Within an item's row they follow one another, so that finer row bounds (item ×
    relation) lie over the same arrays.
    """

    def __init__(self, relations: TextRelations) -> None:
        from scipy.sparse import hstack

        self.names = (*relations.dense, *relations.sparse)
        self._dense = tuple(relations.dense.values())
        self._kinds = len(relations.sparse)
        if not self._kinds:
            return
        whole = hstack(list(relations.sparse.values()), format="csr", dtype=np.float32)
        whole.sort_indices()
        lengths = np.stack([np.diff(part.indptr) for part in relations.sparse.values()], axis=1)
        self._lexical = whole
        self._fine = np.concatenate([[0], np.cumsum(lengths.ravel())]).astype(np.int64)

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
        asked = list(zip(items, histories, strict=True))
        out = [np.empty((len(self.names), len(one), len(told)), np.float32) for told, one in asked]
        for at, rows in enumerate(self._dense):
            for block, (told, one) in zip(out, asked, strict=True):
                # A tall matrix times a narrow one: the other way BLAS packs all of the tall one.
                narrow = np.ascontiguousarray(rows.take(one, axis=0).T)
                block[at] = np.matmul(rows.take(told, axis=0), narrow).T
        if self._kinds:
            for block, (told, one) in zip(out, asked, strict=True):
                block[len(self._dense) :] = self._shared(told, one)
        return out

    def _shared(self, items: IntArray, history: IntArray) -> FloatArray:
        """Return the lexical part of `pairs`.

        Only terms of the history can match, so the items' rows are cut down to those first; what is
        left is a product of a small sparse and a small dense matrix.
        """
        from scipy.sparse import csr_matrix

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
        rows = whole[items]
        column = slot.take(rows.indices)
        hit = np.flatnonzero(column >= 0)
        cut = (rows.data.take(hit), column.take(hit), np.searchsorted(hit, rows.indptr))
        shared = csr_matrix(cut, shape=(len(items), len(terms)))
        scores: FloatArray = (shared @ table).T.reshape(self._kinds, len(history), len(items))
        return scores
