"""The two baselines that stand in every table: popularity, and the user's own latest items.

RecGPT's published zero-shot figure on Steam is what repeat-last gives on the same file: without
these two rows no figure can be read.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import IntArray, Ragged


class Popularity:
    """The items with the most training interactions; items without any are left out.

    Ties stand in the order of the item index.
    """

    def __init__(self, train: Dataset, name: str = "popularity") -> None:
        started = time.perf_counter()
        self.name = name
        counts = train.item_counts
        order = np.argsort(-counts, kind="stable")
        self._order: IntArray = order[: int((counts > 0).sum())].astype(np.int64)
        self._counts = counts.astype(np.float32)
        self._rank = np.full(train.n_items, train.n_items, dtype=np.int64)
        self._rank[self._order] = np.arange(len(self._order))
        self.fit_seconds = time.perf_counter() - started

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the k most popular items that each query admits."""
        exclude = queries.exclude
        # Only the first k + (longest exclusion) places can ever be reached.
        width = min(len(self._order), k + int(exclude.lengths.max(initial=0)))
        admitted = np.ones((len(queries), width), dtype=bool)
        rank = self._rank[exclude.values]
        reached = rank < width
        admitted[exclude.row_of[reached], rank[reached]] = False
        return _lists(admitted, np.broadcast_to(self._order[:width], admitted.shape), k, self)

    def scores(self, index: IntArray) -> NDArray[np.float32]:
        """Return the number of training interactions of each item."""
        return self._counts[index]


class RepeatLast:
    """The user's own latest distinct items, most recent first. Learns nothing.

    Where history is no candidate it has nothing to show, and its row is zero.
    """

    def __init__(self, train: Dataset, name: str = "repeat-last") -> None:
        self.name = name
        self.fit_seconds = 0.0
        self._n_items = train.n_items

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the last ≤ k distinct items of each history that the query admits."""
        latest = latest_distinct(queries.history)
        key = latest.row_of * self._n_items + latest.values
        excluded = queries.exclude.row_of * self._n_items + queries.exclude.values
        width = int(latest.lengths.max(initial=0))
        index = np.full((len(queries), width), PAD, dtype=np.int64)
        place = (latest.row_of, np.arange(len(key)) - np.repeat(latest.indptr[:-1], latest.lengths))
        index[place] = latest.values
        admitted = np.zeros(index.shape, dtype=bool)
        admitted[place] = ~np.isin(key, excluded)
        return _lists(admitted, index, k, self)

    def scores(self, index: IntArray) -> NDArray[np.float32]:
        """Return scores that fall along the list: 1, 1/2, 1/3, …"""
        falling = (1.0 / np.arange(1, index.shape[1] + 1)).astype(np.float32)
        return np.broadcast_to(falling, index.shape)


def latest_distinct(history: Ragged) -> Ragged:
    """Return the distinct items of each row, the most recent first."""
    width = int(history.values.max(initial=0)) + 1
    # Reversing everything reverses rows and values at once; rows are then numbered from the end.
    key = (history.row_of * width + history.values)[::-1]
    _, first = np.unique(key, return_index=True)
    keep = np.sort(first)
    rows = history.row_of[::-1][keep]
    order = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=len(history))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Ragged(indptr, history.values[::-1][keep][order])


def _lists(
    admitted: NDArray[np.bool_], items: IntArray, k: int, model: Popularity | RepeatLast
) -> Candidates:
    """Keep the first k admitted items of each row and move them to the front."""
    position = np.cumsum(admitted, axis=1)
    rows, columns = np.nonzero(admitted & (position <= k))
    place = position[rows, columns] - 1
    used = int(place.max(initial=-1)) + 1
    index = np.full((len(items), used), PAD, dtype=np.int64)
    index[rows, place] = items[rows, columns]
    score = np.where(index == PAD, -np.inf, model.scores(index)).astype(np.float32)
    return Candidates(index, score, model.name)
