"""The two baselines of every table: popularity, and the user's own latest items.

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
from crossrec.numeric.ragged import IntArray


class Popularity:
    """The items with the most training interactions; items without any are left out.

    Ties are in the order of the item index.
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
        """Return the k most popular items that are eligible for each query."""
        exclude = queries.exclude
        # Only the first k + (longest exclusion) places can ever be reached.
        width = min(len(self._order), k + int(exclude.lengths.max(initial=0)))
        eligible = np.ones((len(queries), width), dtype=bool)
        rank = self._rank[exclude.values]
        reached = rank < width
        eligible[exclude.row_of[reached], rank[reached]] = False
        return _lists(eligible, np.broadcast_to(self._order[:width], eligible.shape), k, self)

    def scores(self, index: IntArray) -> NDArray[np.float32]:
        """Return the number of training interactions of each item."""
        return self._counts[index]


class RepeatLast:
    """The user's own latest distinct items, most recent first. Learns nothing.

    Where history items are no candidates its lists are empty, and its row is zero.
    """

    def __init__(self, train: Dataset, name: str = "repeat-last") -> None:
        self.name = name
        self.fit_seconds = 0.0

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the last ≤ k distinct items of each history that are eligible."""
        latest = queries.history.reversed().distinct()
        width = int(latest.lengths.max(initial=0))
        index = np.full((len(queries), width), PAD, dtype=np.int64)
        place = (latest.row_of, latest.from_start())
        index[place] = latest.values
        eligible = np.zeros(index.shape, dtype=bool)
        eligible[place] = ~latest.isin(queries.exclude)
        return _lists(eligible, index, k, self)

    def scores(self, index: IntArray) -> NDArray[np.float32]:
        """Return scores that fall along the list: 1, 1/2, 1/3, …"""
        falling = (1.0 / np.arange(1, index.shape[1] + 1)).astype(np.float32)
        return np.broadcast_to(falling, index.shape)


def _lists(
    eligible: NDArray[np.bool_], items: IntArray, k: int, model: Popularity | RepeatLast
) -> Candidates:
    """Keep the first k eligible items of each row and move them to the front."""
    position = np.cumsum(eligible, axis=1)
    rows, columns = np.nonzero(eligible & (position <= k))
    place = position[rows, columns] - 1
    used = int(place.max(initial=-1)) + 1
    index = np.full((len(items), used), PAD, dtype=np.int64)
    index[rows, place] = items[rows, columns]
    score = np.where(index == PAD, -np.inf, model.scores(index)).astype(np.float32)
    return Candidates(index, score, model.name)
