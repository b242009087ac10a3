"""Lexical similarity: TF-IDF of words or of character n-grams, looked up in posting lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossrec_text.asked import Asked, Doubles, Floats, Ints, Weights
from crossrec_text.terms import terms_of


@dataclass(frozen=True, eq=False)
class TermProfile:
    """The heaviest terms of one history.

    Attributes
    ----------
    terms : int64 array, shape (t,), ascending
    weights : float32 array, shape (t,)
    """

    terms: Ints
    weights: Floats


@dataclass(frozen=True, eq=False)
class TermIndex:
    """TF-IDF of one field of all items, by item and by term.

    Attributes
    ----------
    rows : scipy CSR, float32 (n_items, n_terms), rows of norm 1
    postings : scipy CSR, (n_terms, n_items), in the types that numpy counts in
    budget : int
        Only the heaviest terms of a profile are looked up, until their lists together are this
        long; the very heaviest always is. The light ones stand in most texts, so that their lists
        are the longest and say the least.
    """

    rows: Any
    postings: Any
    budget: int

    @classmethod
    def build(cls, rows: Any, budget: int) -> TermIndex:
        """Turn the rows into posting lists; memory maps are seen as plain arrays, for speed."""
        for name in ("data", "indices", "indptr"):
            setattr(rows, name, np.asarray(getattr(rows, name)))
        postings = rows.T.tocsr()
        postings.indices = postings.indices.astype(np.intp)
        postings.data = postings.data.astype(np.float64)
        return cls(rows, postings, budget)

    def profiles(self, weights: Weights) -> list[TermProfile]:
        """Return the heaviest terms of each query; of equally heavy ones the first."""
        bounds = weights.rows.indptr
        parts = [slice(bounds[i], bounds[i + 1]) for i in range(len(weights))]
        return [self._profile(weights.rows.values[at], weights.values[at]) for at in parts]

    def _profile(self, items: Ints, values: Floats) -> TermProfile:
        terms, found, lengths = terms_of(self.rows, items)
        if len(items) == 1:  # its terms are distinct and ascending already
            chosen, sums = terms.astype(np.int64), found * values
        else:
            every = np.bincount(terms, found * np.repeat(values, lengths), self.rows.shape[1])
            chosen = np.flatnonzero(every > 0)
            sums = every[chosen].astype(np.float32)
        lists = self.postings.indptr[chosen + 1] - self.postings.indptr[chosen]
        if lists.sum() > self.budget:
            heaviest = np.argsort(-sums, kind="stable")
            within = np.searchsorted(np.cumsum(lists[heaviest]), self.budget, side="right")
            kept = np.sort(heaviest[: max(int(within), 1)])
            chosen, sums = chosen[kept], sums[kept]
        return TermProfile(chosen, sums)

    def similarity(
        self, asked: Asked, profiles: Sequence[TermProfile], own_weights: Doubles
    ) -> Floats:
        """Return the similarity of all items to `profiles`, float32 (n, n_items).

        Without what an item of the history has from itself: `own_weights` are the weights of
        ``asked.own`` in the profiles. The time grows with the lists looked up, up to the budget.
        """
        found = np.zeros((len(profiles), self.rows.shape[0]), dtype=np.float32)
        for row, profile in enumerate(profiles):
            if len(profile.terms):
                found[row] = self._summed(profile)
        own = asked.own
        if len(own):
            norms = self._norms(asked, profiles)
            found[own.rows, own.items] -= (own_weights * norms).astype(np.float32)
        return found

    def _summed(self, profile: TermProfile) -> Doubles:
        """Return the weighted sum of a profile's lists, float64 (n_items,).

        A third faster than scipy's choice of rows and product.
        """
        lists = self.postings
        starts, stops = lists.indptr[profile.terms], lists.indptr[profile.terms + 1]
        parts = [slice(*ends) for ends in zip(starts.tolist(), stops.tolist(), strict=True)]
        items = np.concatenate([lists.indices[part] for part in parts])
        weights = np.concatenate([lists.data[part] for part in parts])
        weights *= np.repeat(profile.weights, stops - starts)
        return np.bincount(items, weights, self.rows.shape[0]).astype(np.float64, copy=False)

    def _norms(self, asked: Asked, profiles: Sequence[TermProfile]) -> Doubles:
        """Return the squared norm of each own item over the terms looked up, float64."""
        terms, weights, lengths = terms_of(self.rows, asked.own.items)
        of = np.repeat(np.arange(len(lengths)), lengths)
        width = self.rows.shape[1]
        looked_up = [row * width + one.terms for row, one in enumerate(profiles)]
        keys = asked.own.rows[of] * width + terms
        counts = np.isin(keys, np.concatenate(looked_up))
        squares = np.bincount(of[counts], weights[counts].astype(float) ** 2, len(lengths))
        return squares.astype(np.float64, copy=False)

    def between(self, items: Ints, others: Ints, profile: TermProfile) -> Floats:
        """Return the similarity of each of `items` to each of `others`, float32 (m, h).

        Counts only the terms of `profile`.
        """
        between: Floats = self._over(items, profile.terms) @ self._over(others, profile.terms).T
        return between

    def _over(self, items: Ints, terms: Ints) -> Floats:
        """Return the weights of items over a few terms, ascending: dense float32 (m, t)."""
        found, weights, lengths = terms_of(self.rows, items)
        at = np.minimum(np.searchsorted(terms, found), max(len(terms) - 1, 0))
        known = terms[at] == found if len(terms) else np.zeros(len(found), dtype=bool)
        dense = np.zeros((len(items), len(terms)), dtype=np.float32)
        rows = np.repeat(np.arange(len(items)), lengths)
        dense[rows[known], at[known]] = weights[known]
        return dense

    def terms(self, item: int) -> dict[int, float]:
        """Return the terms of one item with their weights, ascending."""
        start, stop = self.rows.indptr[item : item + 2].tolist()
        terms, weights = self.rows.indices[start:stop], self.rows.data[start:stop]
        return dict(zip(terms.tolist(), weights.tolist(), strict=True))
