"""The items whose words are nearest, found without comparing all pairs of a large catalogue.

Each item looks its heaviest words and n-grams up in posting lists, of all it has only so many
entries. What is found most there is compared exactly. So the work grows with the items, not with
their square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray, offsets
from crossrec.numeric.sparse import keep_largest

#: Entries of a block of products that are in memory at once.
_BLOCK_ENTRIES = 1 << 22


@dataclass(frozen=True, eq=False)
class NearTexts:
    """Lexical relations side by side, laid out to find the nearest items of each item.

    Attributes
    ----------
    rows : scipy CSR, float32, shape (n_items, n_terms)
        The product of two rows is the mean similarity of two items.
    lists : scipy CSR, float32, shape (n_terms, n_items)
    budget : int
        Entries of the lists that are read for one item. Its heaviest terms come first; a term
        whose list alone is longer is never read. An item that has no other is near to none.
    """

    rows: Any
    lists: Any
    budget: int

    @classmethod
    def of(cls, factors: list[Any], budget: int) -> NearTexts:
        """Put the rows of one or more relations, scipy CSR (n_items, terms), side by side."""
        from scipy.sparse import hstack

        rows = hstack(factors, format="csr", dtype=np.float32)
        rows.data /= np.float32(len(factors) ** 0.5)
        rows.sort_indices()
        return cls(rows, rows.T.tocsr(), budget)

    @property
    def block_rows(self) -> int:
        """How many items are looked up at once."""
        return max(1, _BLOCK_ENTRIES // self.budget)

    def nearest(self, start: int, stop: int, k: int) -> Any:
        """Return the items that share most of what is looked up with each of some items.

        Returns
        -------
        scipy CSR, float32, shape (stop - start, n_items)
            Mean similarity to at most `k` others; columns ascend.
        """
        from scipy.sparse import csr_matrix

        found = self._heaviest(start, stop) @ self.lists
        found.sort_indices()
        found.data[found.indices == start + _row_of(found.indptr)] = 0.0
        found = keep_largest(found, k, start)
        items = start + _row_of(found.indptr)
        similar = self._between(items, found.indices)
        return csr_matrix((similar, found.indices, found.indptr), shape=found.shape)

    def _heaviest(self, start: int, stop: int) -> Any:
        """Return the rows of some items with the terms that are looked up."""
        from scipy.sparse import csr_matrix

        part = self.rows[start:stop]
        row = _row_of(part.indptr)
        read = np.diff(self.lists.indptr)[part.indices].astype(np.int64)
        read[read > self.budget] = 0  # not read, but heavy: those after it still are
        order = np.lexsort((-part.data, row))
        total = np.cumsum(read[order])
        before = np.concatenate([np.zeros(1, dtype=np.int64), total])[part.indptr[:-1]]
        within = np.zeros(len(row), dtype=bool)
        within[order] = total - before[row] <= self.budget
        within &= read > 0
        indptr = offsets(np.bincount(row[within], minlength=stop - start))
        chosen = (part.data[within], part.indices[within], indptr)
        return csr_matrix(chosen, shape=part.shape)

    def _between(self, items: IntArray, others: IntArray) -> FloatArray:
        """Return the similarity of items to as many others, float32 (len(items),)."""
        out = np.empty(len(items), dtype=np.float32)
        step = max(_BLOCK_ENTRIES // 32, 1)
        for at in range(0, len(items), step):
            part = slice(at, at + step)
            shared = self.rows[items[part]].multiply(self.rows[others[part]])
            out[part] = np.asarray(shared.sum(axis=1)).ravel()
        return out


def _row_of(indptr: IntArray) -> IntArray:
    """Return the row of each entry."""
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
