"""The best items of a whole catalogue by text consensus, reading no more than they need.

Lexical relations are looked up in posting lists. Dense ones are read roughly and along their
leading axes alone, then along most axes; by Cauchy and Schwarz what is left out adds to no score
more than the product of two lengths, so of a single query only the items that can still be among
the best are read on, and few exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from crossrec.components.candidates import Candidates
from crossrec.components.history import WeightedHistory
from crossrec.components.query import QueryBatch
from crossrec.components.topk import ABOVE_ZERO, best_places, moments_with_zeros, top_k
from crossrec.numeric.ragged import FloatArray, IntArray, Ragged
from numpy.typing import NDArray

from crossrec_backbone.ranking.indexes import (
    SHORTEST,
    DenseIndex,
    PostingLists,
    TermProfile,
)
from crossrec_backbone.relations.config import HistoryConfig
from crossrec_backbone.relations.scores import weighted_history
from crossrec_backbone.relations.text import TextRelations

#: Scores are rounded, so that items of equal text tie whatever the order of summation was.
_DECIMALS = 5
#: What rounding may add to a score or take from it, with a margin.
_SLACK = 1e-4
#: Where more than one item in so many may be among the best, all are scored exactly.
_MOST = 4
#: Below every score.
_LOWEST = np.finfo(np.float32).min


@dataclass(frozen=True, eq=False)
class Profiles:
    """What one history is compared by.

    Attributes
    ----------
    vectors : mapping of dense relation to float32 array, shape (width,)
        Its product with an item's row is the weighted similarity.
    terms : TermProfile
        Of all lexical relations.
    scales : mapping of relation to float
        What the decayed sum of the history was multiplied with.
    """

    vectors: Mapping[str, FloatArray]
    terms: TermProfile
    scales: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class TextIndex:
    """The text relations of a catalogue, laid out for search.

    Attributes
    ----------
    described : bool array, shape (n_items,)
        Whether the item has text; others neither get a score nor add to one.
    weights : mapping of relation to (decayed history, last item)
        The weights of the consensus over the spread of the relation.
    dense : mapping of relation to DenseIndex
    lexical : PostingLists
        The lexical relations, side by side.
    """

    described: NDArray[np.bool_]
    weights: Mapping[str, tuple[float, float]]
    dense: Mapping[str, DenseIndex]
    lexical: PostingLists

    @classmethod
    def build(
        cls,
        relations: TextRelations,
        weights: Mapping[str, tuple[float, float]],
        described: NDArray[np.bool_],
        postings: int,
    ) -> TextIndex:
        """Lay out the relations that have a weight; `postings` may be read of each lexical one."""
        spread = relations.spread
        sparse = {name: rows for name, rows in relations.sparse.items() if name in weights}
        return cls(
            described,
            {name: (a / spread[name], b / spread[name]) for name, (a, b) in weights.items()},
            {n: DenseIndex.build(r) for n, r in relations.dense.items() if n in weights},
            PostingLists.build(sparse, relations.n_items, postings),
        )

    @cached_property
    def undescribed(self) -> IntArray:
        """The items without text."""
        return np.flatnonzero(~self.described)

    def scan(self, queries: QueryBatch, config: HistoryConfig, *, own: bool = False) -> Scan:
        """Compare the histories with the catalogue.

        Needs memory for several float32 arrays of (n, n_items): call it in blocks.

        Parameters
        ----------
        own : bool
            Whether an item of a history that the query admits gets something from itself.
        """
        n = len(self.described)
        keep = self.described[queries.history.values]
        if not keep.all():
            queries = replace(queries, history=queries.history.where(keep))
        history = weighted_history(queries, n, config)
        rows = [self._profiles(history.items.row(i), history.of(i)) for i in range(len(queries))]
        base = np.empty((len(queries), n), dtype=np.float32)
        for i, row in enumerate(rows):
            base[i] = self.lexical.scores(row.terms) if len(history.items.row(i)) else np.nan
        found = Scan(self, history, tuple(rows), base)
        if not own:
            found.leave_out_own(queries.exclude)
        base[:, self.undescribed] = np.nan
        return found

    def _profiles(self, items: IntArray, weights: FloatArray) -> Profiles:
        """Return what one history is compared by."""
        vectors: dict[str, FloatArray] = {}
        terms, scales = self.lexical.profile(items, weights, self.weights)
        for name, index in self.dense.items():
            decayed, last = self.weights[name]
            rows = index.rows.take(items, axis=0)
            sums = np.einsum("h,ha->a", weights, rows)  # BLAS would call other threads
            length = float(np.sqrt(sums @ sums))
            scales[name] = scale = decayed / length if length > SHORTEST else 0.0
            vectors[name] = sums * np.float32(scale)
            if last and len(rows):
                vectors[name] += rows[-1] * np.float32(last)
        return Profiles(vectors, terms, scales)


@dataclass(frozen=True, eq=False)
class Scan:
    """The scores of n queries over the whole catalogue, as far as they are needed.

    The score of an item is the text consensus of `relations.scores`, with two differences: only the
    heaviest terms are looked up, and an item of the history that the query admits gets nothing from
    itself. What an item shares with itself is no evidence of the user's taste, so it is left out,
    as the diagonal is in every item-item model (Steck 2019).

    Attributes
    ----------
    index : TextIndex
    history : WeightedHistory
        The items with text, decayed, not averaged.
    profiles : tuple of Profiles, length n
    base : float32 array, shape (n, n_items)
        The score but for the dense relations; NaN for items without text, and in rows whose history
        has no item with text.
    """

    index: TextIndex
    history: WeightedHistory
    profiles: tuple[Profiles, ...]
    base: FloatArray

    def __len__(self) -> int:
        return len(self.base)

    @cached_property
    def whole(self) -> FloatArray:
        """The score of every item, float32 (n, n_items), NaN where `base` is."""
        scores = self.base.copy()
        for name, index in self.index.dense.items():
            vectors = np.array([one.vectors[name] for one in self.profiles], dtype=np.float32)
            vectors = vectors.reshape(len(self), index.rows.shape[1])
            if len(self) == 1:
                scores += np.einsum("d,nd->n", vectors[0], index.rows)
            else:
                scores += vectors @ index.rows.T
        return np.round(scores, _DECIMALS, out=scores)

    @cached_property
    def _exact(self) -> FloatArray:
        """The scores of a single query that are known already, float32 (n_items,), else NaN."""
        return np.full(self.base.shape[1], np.nan, dtype=np.float32)

    def at(self, row: int, items: IntArray) -> FloatArray:
        """Return the scores of a few items for one of the queries, float32 (m,)."""
        if not self.index.dense:
            rounded: FloatArray = np.round(self.base[row, items], _DECIMALS)
            return rounded
        if "whole" in self.__dict__ or len(self) > 1:
            known: FloatArray = self.whole[row, items]
            return known
        new = items[np.isnan(self._exact.take(items))]
        if len(new):
            scores = self.base[0].take(new)
            for name, index in self.index.dense.items():
                scores += index.exact(self.profiles[0].vectors[name], new)
            self._exact[new] = np.round(scores, _DECIMALS)
        exact: FloatArray = self._exact.take(items)
        return exact

    def best(self, k: int, exclude: Ragged) -> Candidates:
        """Return the best ≤ k items of each query that it does not exclude.

        A batch, and a query of which the leading axes hold too little, is scored as a whole; the
        answers are the same. Only `mean` and `std` of a single query are estimates, off by some
        tenths of a percent of `std` on a large catalogue.
        """
        found = None
        if len(self) == 1 and k > 0:
            prune = self._pruned if self.index.dense else self._sharing
            found = prune(k, exclude)
        return top_k(self.whole.copy(), k, exclude) if found is None else found

    def _sharing(self, k: int, exclude: Ragged) -> Candidates | None:
        """Order only what shares a word with a single history; None where that is too little."""
        described, barred = self.index.described, np.unique(exclude.values)
        items = np.flatnonzero(self.base[0] > 0)
        items = items[~np.isin(items, barred)]
        scores = np.round(self.base[0].take(items), _DECIMALS)
        order = best_places(scores, k, ABOVE_ZERO)
        if len(order) < k:
            return None
        n = len(described) - len(self.index.undescribed) - int(described[barred].sum())
        moments = moments_with_zeros(scores.astype(np.float64), n)
        mean, std = np.array(moments, dtype=np.float32)[:, None]
        return Candidates(items[order][None], scores[order][None], "", mean, std)

    def _pruned(self, k: int, exclude: Ragged) -> Candidates | None:
        """Score exactly what may be among the best of a single query; None where that is much.

        The k-th best of some exact scores bounds that of all from below.
        """
        n_items, some = self.base.shape[1], k + k // 2
        if k * _MOST > n_items:
            return None
        coarse, missing, off = self.coarse()
        barred = np.array([*{*exclude.values.tolist()}], dtype=np.int64)
        coarse[self.index.undescribed] = coarse[barred] = -np.inf
        likely = np.argpartition(coarse, n_items - some)[n_items - some :]
        if not coarse[likely].min() > -np.inf:
            return None
        least = np.partition(self.at(0, likely), some - k)[some - k] - off
        missing += coarse
        near = np.flatnonzero(missing >= least)
        finer, missing, off = self._finer(coarse, near)
        missing += finer
        items = near[missing >= least - off]
        if len(items) > k + n_items // _MOST:
            return None
        scores = self.at(0, items)
        order = best_places(scores, k, _LOWEST)
        mean, std = self._moments(coarse, barred, near, finer)
        return Candidates(items[order][None], scores[order][None], "", mean, std)

    def coarse(self) -> tuple[FloatArray, FloatArray, float]:
        """Return the scores of a single query by the leading axes alone, and how far they are off.

        Returns
        -------
        coarse : float32 array, shape (n_items,)
        missing : float32 array, shape (n_items,)
            No more is missing of each score, but for
        off : float
            what rounding takes from any of them.
        """
        coarse, missing, off = self.base[0].copy(), np.zeros_like(self.base[0]), _SLACK
        for name, index in self.index.dense.items():
            products, more, error = index.coarse(self.profiles[0].vectors[name])
            coarse += products
            missing += more
            off += error
        return coarse, missing, off

    def _finer(self, coarse: FloatArray, items: IntArray) -> tuple[FloatArray, FloatArray, float]:
        """Return the same of a few items by most axes; `off` comes on top of that of `coarse`."""
        finer, missing, off = coarse.take(items), np.zeros(len(items), dtype=np.float32), 0.0
        for name, index in self.index.dense.items():
            products, more, error = index.finer(self.profiles[0].vectors[name], items)
            finer += products
            missing += more
            off += error
        return finer, missing, off

    def _moments(
        self, coarse: FloatArray, barred: IntArray, items: IntArray, finer: FloatArray
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean and standard deviation of the scores, from those along the leading axes.

        What is missing spreads as it does over the catalogue but for `barred` items, independent of
        all else but at `items`, whose `finer` scores are known. `coarse` is overwritten.
        """
        described = self.index.described
        n = len(coarse) - len(self.index.undescribed) - int(np.count_nonzero(described[barred]))
        rough = coarse[items]
        coarse[self.index.undescribed] = coarse[barred] = 0.0
        mean = float(coarse.sum()) / n
        variance = float(np.einsum("n,n->", coarse, coarse)) / n - mean**2
        variance += 2.0 * float((rough - mean) @ (finer - rough)) / n
        for name, index in self.index.dense.items():
            vector = self.profiles[0].vectors[name][: index.cut].astype(np.float64)
            rows = index.rows.take(barred, axis=0)[:, : index.cut]
            mean += float(vector @ (index.total - rows.sum(axis=0))) / n
            squares = index.squares - np.square(rows).sum(axis=0)
            variance += float(np.square(vector) @ squares) / n
        std = np.sqrt(max(variance, 0.0))
        return np.array([mean], dtype=np.float32), np.array([std], dtype=np.float32)

    def shares(self, items: IntArray) -> tuple[IntArray, FloatArray, dict[str, FloatArray]]:
        """Split the scores of items among the history of a single query.

        Returns
        -------
        history : int64 array, shape (h,)
            Its distinct items with text, ascending.
        shares : float32 array, shape (h, len(items))
            Columns sum to the score.
        similar : mapping of relation to float32 array, shape (h, len(items))
            The similarity of each history item and each item.
        """
        history, weights = self.history.merged
        shares = np.zeros((len(history), len(items)), dtype=np.float32)
        similar: dict[str, FloatArray] = {}
        lexical = self.index.lexical.between(history, items, self.profiles[0].terms)
        for name, scale in self._weights(0, history, weights).items():
            if name in self.index.dense:
                counted = similar[name] = self.index.dense[name].between(history, items)
            else:
                similar[name], counted = lexical[name]
            shares += scale[:, None] * counted
        return history, shares * (history[:, None] != items), similar

    def leave_out_own(self, exclude: Ragged) -> None:
        """Take what each admitted item of a history has from itself out of its score."""
        for row in range(len(self)):
            items, weights = self.history.items.row(row), self.history.of(row)
            own = np.array(sorted({*items.tolist()} - {*exclude.row(row).tolist()}), np.int64)
            if not len(own):
                continue
            sums = np.array([weights[items == item].sum() for item in own], dtype=np.float64)
            terms = self.profiles[row].terms.terms
            over, parts = self.index.lexical.over(own, terms), self.index.lexical.parts(terms)
            for name, scale in self._weights(row, own, sums).items():
                dense = name in self.index.dense
                rows = self.index.dense[name].rows[own] if dense else over[:, parts[name]]
                self.base[row, own] -= scale * np.square(rows).sum(axis=1)

    def _weights(
        self, row: int, items: IntArray, decayed: NDArray[np.float64]
    ) -> dict[str, FloatArray]:
        """Return what one unit of similarity to each item of a history is worth, by relation."""
        history = self.history.items.row(row)
        last = items == history[-1] if len(history) else np.zeros(0, dtype=bool)
        return {
            name: (decayed * scale + last * self.index.weights[name][1]).astype(np.float32)
            for name, scale in self.profiles[row].scales.items()
        }
