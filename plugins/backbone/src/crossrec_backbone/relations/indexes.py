"""Text relations laid out to find the best items of a whole catalogue without reading all of it.

Dense vectors are read along their leading axes first. Words and n-grams are looked up in posting
lists, the heaviest terms of a query first and only so many entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import gathered_rows
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class DenseIndex:
    """A dense relation with its leading axes laid out for a scan.

    The axes of a relation ascend by their spread (see `Projection`), so the last ones hold most of
    a similarity: a third of them 79 % of the squared lengths of all-MiniLM-L6-v2's vectors of a
    shop of 20,000 items, half whitened.

    Attributes
    ----------
    rows : float32 array, shape (n_items, width)
        Of length 1 or 0; may be a memory map.
    others : float32 array, shape (n_items, other axes)
        The rows without the leading axes: what is read of a few items after a scan.
    lead : float32 array, shape (leading axes, n_items)
        The last third of the axes, one axis a row: what a scan reads.
    rest : float32 array, shape (n_items,)
        Length of each of `others`.
    total, squares : float64 arrays, shape (other axes,)
        Sums along the other axes, and sums of squares.
    """

    rows: FloatArray
    others: FloatArray
    lead: FloatArray
    rest: FloatArray
    total: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def build(cls, rows: FloatArray) -> DenseIndex:
        """Lay out a relation; its rows are kept as they are."""
        cut = rows.shape[1] * 2 // 3
        others = np.ascontiguousarray(rows[:, :cut])
        squares = np.square(others)
        return cls(
            np.asarray(rows),
            others,
            np.ascontiguousarray(rows[:, cut:].T),
            np.sqrt(squares.sum(axis=1)),
            others.sum(axis=0, dtype=np.float64),
            squares.sum(axis=0, dtype=np.float64),
        )

    @property
    def cut(self) -> int:
        """Number of axes before the leading ones."""
        return len(self.total)

    def between(self, items: IntArray, others: IntArray) -> FloatArray:
        """Return the similarity of each of `items` to each of `others`."""
        similar: FloatArray = self.rows[items] @ self.rows[others].T
        return similar


@dataclass(frozen=True, eq=False)
class TermProfile:
    """The terms of a history that are looked up.

    Attributes
    ----------
    terms : int64 array, shape (t,), ascending
    weights : float32 array, shape (t,)
    """

    terms: IntArray
    weights: FloatArray


@dataclass(frozen=True, eq=False)
class PostingLists:
    """A lexical relation by item and by term.

    Attributes
    ----------
    rows : scipy CSR, float32, shape (n_items, n_terms)
    lists : scipy CSR, shape (n_terms, n_items), in the types that numpy counts in
    budget : int
        Only the heaviest terms of a query are looked up, until their lists together are this long;
        the very heaviest always is. Light terms occur in most texts, so their lists are the longest
        and contribute the least.
    """

    rows: Any
    lists: Any
    budget: int

    @classmethod
    def build(cls, rows: Any, budget: int) -> PostingLists:
        """Turn the rows into posting lists; memory maps are seen as plain arrays, for speed."""
        from scipy.sparse import csr_matrix

        parts = (np.asarray(rows.data), np.asarray(rows.indices), np.asarray(rows.indptr))
        plain = csr_matrix(parts, shape=rows.shape)
        lists = plain.T.tocsr()
        lists.indices, lists.data = lists.indices.astype(np.intp), lists.data.astype(np.float64)
        return cls(plain, lists, budget)

    def entries(self, items: IntArray) -> tuple[IntArray, FloatArray, IntArray]:
        """Return terms and weights of some items, and for each entry the place of its item."""
        at, bounds = gathered_rows(self.rows.indptr, items)
        place = np.repeat(np.arange(len(items)), np.diff(bounds))
        return self.rows.indices[at], self.rows.data[at], place

    def profile(
        self, items: IntArray, weights: FloatArray, decayed: float, last: float
    ) -> tuple[TermProfile, float]:
        """Return the heaviest terms of a history, the last item at the end of `items`.

        Parameters
        ----------
        decayed, last : float
            Length that the decayed sum of the history is given, and weight of the last item.

        Returns
        -------
        profile : TermProfile
        scale : float
            What the decayed sum was multiplied with.
        """
        found, values, place = self.entries(items)
        terms, back = np.unique(found, return_inverse=True)
        sums = np.bincount(back, values * weights[place], len(terms)).astype(np.float64, copy=False)
        length = float(np.sqrt(sums @ sums))
        scale = decayed / length if length > 1e-9 else 0.0
        sums *= scale
        own = place == len(items) - 1
        sums += last * np.bincount(back[own], values[own], len(terms))
        return self._heaviest(terms.astype(np.int64), sums.astype(np.float32)), scale

    def _heaviest(self, terms: IntArray, sums: FloatArray) -> TermProfile:
        """Keep the heaviest terms within the budget; of equally heavy ones the first."""
        lengths = self.lists.indptr[terms + 1] - self.lists.indptr[terms]
        if lengths.sum() > self.budget:
            order = np.argsort(-sums, kind="stable")
            within = np.searchsorted(np.cumsum(lengths[order]), self.budget, side="right")
            kept = np.sort(order[: max(int(within), 1)])
            terms, sums = terms[kept], sums[kept]
        return TermProfile(terms, sums)

    def add_to(self, scores: FloatArray, profile: TermProfile) -> None:
        """Add the similarity of all items to a profile, float32 (n_items,), in place.

        A third faster than scipy's choice of rows and product.
        """
        if not len(profile.terms):
            return
        starts, stops = self.lists.indptr[profile.terms], self.lists.indptr[profile.terms + 1]
        parts = [slice(*ends) for ends in zip(starts.tolist(), stops.tolist(), strict=True)]
        items = np.concatenate([self.lists.indices[part] for part in parts])
        weights = np.concatenate([self.lists.data[part] for part in parts])
        weights *= np.repeat(profile.weights, stops - starts)
        scores += np.bincount(items, weights, len(scores))

    def between(
        self, items: IntArray, others: IntArray, profile: TermProfile
    ) -> tuple[FloatArray, FloatArray]:
        """Return the similarity of each of `items` to each of `others`: whole, and by a profile.

        The second one counts the terms of `profile` only.
        """
        found, weights, place = self.entries(items)
        column = np.full(self.rows.shape[1], -1, dtype=np.int64)
        column[found] = np.arange(len(found))  # of equal terms the last one stays
        left = np.zeros((len(items), len(found)), dtype=np.float32)
        left[place, column[found]] = weights
        found, weights, place = self.entries(others)
        known = np.flatnonzero(column[found] >= 0)
        right = np.zeros((len(others), left.shape[1]), dtype=np.float32)
        right[place[known], column[found[known]]] = weights[known]
        chosen = column[profile.terms]
        counted = np.zeros(left.shape[1], dtype=np.float32)
        counted[chosen[chosen >= 0]] = 1.0
        whole: FloatArray = left @ right.T
        left *= counted
        by_profile: FloatArray = left @ right.T
        return whole, by_profile

    def over(self, items: IntArray, terms: IntArray) -> FloatArray:
        """Return the weights of items over a few terms, ascending: dense float32 (m, t)."""
        found, weights, place = self.entries(items)
        at = np.minimum(np.searchsorted(terms, found), max(len(terms) - 1, 0))
        known = terms[at] == found if len(terms) else np.zeros(len(found), dtype=bool)
        dense = np.zeros((len(items), len(terms)), dtype=np.float32)
        dense[place[known], at[known]] = weights[known]
        return dense
