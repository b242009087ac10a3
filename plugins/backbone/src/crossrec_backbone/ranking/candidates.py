"""The candidates of a query for the backbone's ranker: the best of every relation, then of the sum.

Every relation proposes a few of its own, so that the ranker sees what the closed form overlooks;
a slice of popular items catches what follows from no history; the rest of the room goes to the best
by ``A = T + κ · S``. Filling the room up is what raises the ceiling most: on validation targets of
Scientific .46 of the targets are among 300 so chosen, against .34 in the 140 of a union of top-40
lists.
"""

from __future__ import annotations

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows, largest

from crossrec_backbone.relations.scores import behaviour_scores, decayed_history, text_scores
from crossrec_backbone.relations.statistics import Statistics

#: How many items each list may add, whatever their sum.
QUOTAS = {"consensus": 60, "relation": 30, "last": 15, "popular": 45}


def propose(
    statistics: Statistics, queries: QueryBatch, size: int = 300, kappa: float | None = None
) -> IntArray:
    """Return the candidates of each query.

    Returns
    -------
    int64 array, shape (n, ≤ size)
        Distinct items, ascending, none of ``queries.exclude``; then `PAD`.
    """
    n_items = statistics.n_items
    weight = statistics.config.consensus.kappa if kappa is None else kappa
    parts = []
    for rows in queries.blocks(max(1, block_rows(n_items) // 4)):
        parts.append(_block(statistics, queries.take(rows), min(size, n_items), weight))
    width = max((part.shape[1] for part in parts), default=0)
    out = np.full((len(queries), width), PAD, dtype=np.int64)
    start = 0
    for part in parts:
        out[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    return out


def _block(statistics: Statistics, queries: QueryBatch, size: int, kappa: float) -> IntArray:
    """Return the candidates of one block of queries."""
    config, relations = statistics.config, statistics.behaviour.relations
    decayed = decayed_history(queries, statistics.n_items, config.history)
    total = text_scores(statistics.text.relations, queries, config.consensus, config.history)
    open_ = np.ones(total.shape, dtype=bool)
    open_[queries.exclude.row_of, queries.exclude.values] = False
    chosen = np.zeros(total.shape, dtype=bool)
    _mark(chosen, total, open_, QUOTAS["consensus"])
    for name, matrix in relations.items():
        scores = behaviour_scores(matrix, queries, config.history, decayed)
        _mark(chosen, scores, open_, QUOTAS["relation"])
        if name == "prior_ease":
            total += kappa * scores
        if name == "transitions":
            last = queries.last_items()
            latest = np.where(last[:, None] >= 0, matrix[last].toarray(), 0.0)
            _mark(chosen, latest.astype(np.float32), open_, QUOTAS["last"])
    popular = np.broadcast_to(statistics.behaviour.popularity, total.shape)
    _mark(chosen, popular, open_, QUOTAS["popular"])
    return _filled_up(total, chosen, open_, size)


def _mark(chosen: np.ndarray, scores: FloatArray, open_: np.ndarray, quota: int) -> None:
    """Choose the best `quota` of each row that are open and have a score above 0."""
    allowed = np.where(open_ & (scores > 0), scores, np.float32(0.0))
    for row, sizes in enumerate(allowed):
        chosen[row, largest(sizes, quota)] = True


def _filled_up(total: FloatArray, chosen: np.ndarray, open_: np.ndarray, size: int) -> IntArray:
    """Return the chosen items and, up to `size`, the best others by `total`, ascending."""
    if size == 0 or not len(total):
        return np.zeros((len(total), 0), dtype=np.int64)
    reach = float(np.abs(total).max(initial=0.0)) * 2 + 1
    order = np.where(open_, total + reach * chosen, -np.inf)
    best = np.argpartition(order, -size, axis=1)[:, -size:]
    valid = np.take_along_axis(order, best, axis=1) > -np.inf
    last = np.iinfo(np.int64).max
    index = np.sort(np.where(valid, best, last), axis=1)
    index = index[:, : int(valid.sum(axis=1).max(initial=0))]
    return np.where(index == last, PAD, index)
