"""The candidates of a single query, without a pass over all relations of the whole catalogue.

They are those of `ranking.candidates.propose`, which answers batches in dense passes, but for what
rounding and the order of equals decide. Behaviour is summed up where the rows of the history have
entries, popular items come in an order that is kept, and text is compared roughly with the whole
catalogue, by the heaviest terms and the leading axes of vectors, and exactly with twice as many
items as are wanted. This last step may lose some: of the 300 candidates .9999 are found on
Scientific (4,385 items, 300 users, at worst .993), .9988 and .9994 on generated catalogues of
20,000 and 100,000 items (300 and 100 users, at worst .967).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.components.topk import padded
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import largest, leading
from numpy.typing import NDArray

from crossrec_backbone.ranking.candidates import QUOTAS
from crossrec_backbone.ranking.indexes import TermProfile
from crossrec_backbone.ranking.search import Scan, TextIndex
from crossrec_backbone.relations.config import HistoryConfig
from crossrec_backbone.relations.pairs import RelatedRows
from crossrec_backbone.relations.scores import weighted_history
from crossrec_backbone.relations.statistics import Statistics

#: How many entries of the lists "term → items" are read for a query and lexical relation at most.
POSTINGS = 30_000
#: For each place in the list so many items are scored exactly.
_EXACT = 2
#: Narrower vectors are read whole: their leading axes hold too little.
_NARROW = 64
#: In a smaller catalogue there is nothing to leave out: the dense pass takes as long.
LEAST_ITEMS = 1_200
#: From so many items on the queries of a batch too are answered one by one: with 100,000 items in
#: half the time of dense passes.
LARGE_ITEMS = 50_000


@dataclass(frozen=True, eq=False)
class Shortlist:
    """A catalogue, laid out for single queries."""

    statistics: Statistics

    def propose(self, query: QueryBatch, kappa: float, size: int = 300) -> IntArray:
        """Return the candidates of a single query with a history.

        Parameters
        ----------
        size : int
            At least the sum of the quotas.

        Returns
        -------
        int64 array, shape (1, size or, where fewer are open, as many)
            Distinct items, ascending, none of ``query.exclude``.
        """
        statistics = self.statistics
        taken = np.zeros(statistics.n_items, dtype=bool)
        taken[query.exclude.values] = True
        near = _Near.of(statistics, query)
        texts = _Texts.of(self.text, query, statistics.config.history)
        rough = texts.rough
        rough[taken] = -np.inf
        found = [leading(rough, _EXACT * QUOTAS["consensus"])]
        summed = near.items, np.float32(kappa) * near.sums("prior_ease")
        rough[summed[0]] += summed[1]
        found.append(leading(rough, _EXACT * size))
        items = _distinct(np.concatenate(found), statistics.n_items)[0]
        items = items[~taken[items]]
        scores = texts.exact(items)
        chosen = np.zeros(statistics.n_items, dtype=bool)
        chosen[items[largest(np.maximum(scores, 0.0), QUOTAS["consensus"])]] = True
        for best in (*near.best(taken), self.most_popular(taken)):
            chosen[best] = True
        whole = np.zeros(statistics.n_items, dtype=np.float32)
        whole[summed[0]] = summed[1]
        rest = ~chosen[items]
        own = np.flatnonzero(chosen)
        items, scores = items[rest], scores[rest] + whole[items[rest]]
        more = leading(scores, size - len(own))
        return np.sort(np.concatenate([own, items[more]]))[None]

    def propose_each(self, queries: QueryBatch, kappa: float, size: int = 300) -> IntArray:
        """Return the candidates of each query, one after the other.

        A query without a history has the most popular items.

        Returns
        -------
        int64 array, shape (n, ≤ size)
            As of `ranking.candidates.propose`.
        """
        n_items, config = self.statistics.n_items, self.statistics.config.history
        found = []
        for row in range(len(queries)):
            query = queries.take(np.array([row]))
            if len(weighted_history(query, n_items, config).items.values):
                found.append(self.propose(query, kappa, size)[0])
                continue
            taken = np.zeros(n_items, dtype=bool)
            taken[query.exclude.values] = True
            found.append(self.most_popular(taken))
        return padded(found) if found else np.zeros((0, 0), dtype=np.int64)

    def prepare(self) -> Shortlist:
        """Lay everything out, before threads ask for it at once."""
        _ = self.text, self.popular, self._falling
        return self

    @cached_property
    def text(self) -> TextIndex:
        """The text relations of the consensus, laid out for search."""
        relations, n = self.statistics.text.relations, self.statistics.n_items
        weights = self.statistics.mixture
        return TextIndex.build(relations, weights, np.ones(n, dtype=bool), POSTINGS)

    @cached_property
    def popular(self) -> IntArray:
        """The items with events, the most popular first, int64."""
        popularity = self.statistics.behaviour.popularity
        order = np.argsort(-popularity, kind="stable")
        return order[: np.count_nonzero(popularity)]

    @cached_property
    def _falling(self) -> FloatArray:
        """The negated popularity of `popular`, ascending."""
        return -self.statistics.behaviour.popularity[self.popular]

    def most_popular(self, taken: NDArray[np.bool_]) -> IntArray:
        """Return the most popular items that are not taken, ties as `largest` has them."""
        quota, popularity = QUOTAS["popular"], self.statistics.behaviour.popularity
        first = self.popular[: quota + int(np.count_nonzero(taken))]
        first = first[~taken[first]][:quota]
        if not len(first):
            return first
        last = int(np.searchsorted(self._falling, -popularity[first[-1]], side="right"))
        open_ = self.popular[:last]
        open_ = np.sort(open_[~taken[open_]])
        return open_[largest(popularity[open_], quota)]


@dataclass(frozen=True, eq=False)
class _Near:
    """What a history's rows have entries for.

    Attributes
    ----------
    names : tuple of str
    items : int64 array, shape (u,), ascending
    table : float32 array, shape (len(names), u)
        The decayed sum of the rows under each behaviour relation.
    latest : tuple of arrays
        Items and weights of the transitions from the last item.
    """

    names: tuple[str, ...]
    items: IntArray
    table: FloatArray
    latest: tuple[IntArray, FloatArray]

    @classmethod
    def of(cls, statistics: Statistics, query: QueryBatch) -> _Near:
        """Sum up the rows of a single query's history."""
        pairs, n = statistics.behaviour_pairs, statistics.n_items
        history = weighted_history(query, n, statistics.config.history)
        names, recent = pairs.names[:-1], history.items.row(0)
        rows = pairs.rows(recent)
        entries = int(rows.bounds[len(names) * len(recent)])
        columns = rows.columns[:entries]
        items, place = _distinct(columns, n)
        lengths = np.diff(rows.bounds[: len(names) * len(recent) + 1])
        weights = np.repeat(np.tile(history.of(0), len(names)), lengths)
        kind = np.repeat(np.arange(len(names)) * len(items), lengths.reshape(len(names), -1).sum(1))
        sums = np.bincount(
            kind + place, weights * rows.values[:entries], minlength=len(names) * len(items)
        )
        table = sums.astype(np.float32).reshape(len(names), len(items))
        return cls(names, items, table, _latest(names, rows, len(recent)))

    def sums(self, name: str) -> FloatArray:
        """Return the sums of one relation, float32 (u,)."""
        found: FloatArray = self.table[self.names.index(name)]
        return found

    def best(self, taken: NDArray[np.bool_]) -> list[IntArray]:
        """Return the best items of each relation, and those after the last item."""
        open_ = ~taken[self.items]
        items, table = self.items[open_], np.maximum(self.table[:, open_], 0.0)
        found = [items[largest(sums, QUOTAS["relation"])] for sums in table]
        after, weights = self.latest
        weights = np.where(taken[after], np.float32(0.0), np.maximum(weights, 0.0))
        return [*found, after[largest(weights, QUOTAS["last"])]]


def _latest(names: tuple[str, ...], rows: RelatedRows, length: int) -> tuple[IntArray, FloatArray]:
    """Return the transitions from the last history item; none without events."""
    if "transitions" not in names or not length:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    return rows.row(names.index("transitions") * length + length - 1)


def _distinct(values: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Return the distinct values, all from 0 to n - 1, ascending, and where each value is there."""
    there = np.zeros(n, dtype=bool)
    there[values] = True
    distinct = np.flatnonzero(there)
    place = np.empty(n, dtype=np.int64)
    place[distinct] = np.arange(len(distinct))
    return distinct, place.take(values)


@dataclass(frozen=True, eq=False)
class _Texts:
    """The text consensus of a single query.

    Attributes
    ----------
    index : TextIndex
    terms : TermProfile
        All terms of the history.
    vectors : mapping of dense relation to float32 array
    rough : float32 array, shape (n_items,)
        By the heaviest terms, and by the leading axes of vectors.
    """

    index: TextIndex
    terms: TermProfile
    vectors: Mapping[str, FloatArray]
    rough: FloatArray

    @classmethod
    def of(cls, index: TextIndex, query: QueryBatch, config: HistoryConfig) -> _Texts:
        """Compare a history with the whole catalogue, roughly."""
        scan = index.scan(query, config, own=True)
        history, weights = scan.history.items.row(0), scan.history.of(0)
        terms, _ = index.lexical.profile(history, weights, index.weights, whole=True)
        return cls(index, terms, scan.profiles[0].vectors, _rough(scan))

    def exact(self, items: IntArray) -> FloatArray:
        """Return the consensus of some items, float32 (len(items),)."""
        scores = self.index.lexical.scores_at(self.terms, items)
        for name, vector in self.vectors.items():
            scores += self.index.dense[name].exact(vector, items)
        return scores


def _rough(scan: Scan) -> FloatArray:
    """Return the scores of a single query as far as they are known without reading much."""
    dense = scan.index.dense.values()
    if any(one.rows.shape[1] > _NARROW for one in dense):
        return scan.coarse()[0]
    rough: FloatArray = scan.whole[0] if dense else scan.base[0].copy()
    return rough
