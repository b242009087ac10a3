"""Top entries of rows, and the text graph: each item tied to the items whose texts are nearest."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossrec.backbone.config import GraphConfig
from crossrec.backbone.pairs import TextPairs
from crossrec.backbone.text import TextRelations
from crossrec.data.ragged import FloatArray, IntArray

#: The relations whose mean similarity makes the graph.
GRAPH_RELATIONS = ("xl", "tc", "xd", "td")

_BLOCK_CELLS = 1 << 23
#: How many of the nearest items tell how near the nearest are.
_NEAREST = 10


def block_rows(n_columns: int) -> int:
    """Return how many rows of a dense float32 block keep it near 32 MB."""
    return max(1, _BLOCK_CELLS // max(n_columns, 1))


def top_entries(block: FloatArray, k: int, first: int = 0) -> tuple[IntArray, IntArray, FloatArray]:
    """Return row, column and value of the `k` largest entries in size of each row of a block.

    Zeros are never returned. Columns ascend within a row. Of columns that tie for the last places
    each row, numbered from `first` on, takes others: none of them is the neighbour of all.
    """
    found = [largest(row, k, turn) for turn, row in enumerate(np.abs(block), first)]
    rows = np.repeat(np.arange(len(block)), [len(columns) for columns in found])
    columns = np.concatenate([np.zeros(0, dtype=np.int64), *found])
    return rows, columns, block[rows, columns].astype(np.float32, copy=False)


def largest(sizes: FloatArray, k: int, turn: int = 0) -> IntArray:
    """Return the places of the `k` largest numbers above 0, ascending.

    What ties for the last places is taken in even steps, from the `turn`-th on, and not from the
    front: item numbers may follow time.
    `sizes` (n,) has no negative ones. Only what is above 0 is partitioned: of a row that is mostly
    zeros numpy takes thirty times as long for the whole.
    """
    places: IntArray = np.flatnonzero(sizes)
    if len(places) <= k:
        return places
    if k <= 0:
        return places[:0]
    told = sizes[places]
    least = np.partition(told, len(told) - k)[len(told) - k]
    kept = told > least
    level, room = np.flatnonzero(told == least), k - int(kept.sum())
    kept[level[(turn + np.arange(room) * len(level) // room) % len(level)]] = True
    chosen: IntArray = places[kept]
    return chosen


def keep_top(matrix: Any, k: int) -> Any:
    """Return a CSR matrix with only the `k` largest entries of each row, columns ascending."""
    csr = matrix.tocsr()
    csr.eliminate_zeros()
    csr.sort_indices()
    lengths = np.diff(csr.indptr)
    if not len(lengths) or lengths.max(initial=0) <= k:
        return csr.astype(np.float32)
    row = np.repeat(np.arange(csr.shape[0]), lengths)
    order = np.lexsort((-np.abs(csr.data), row))
    place = np.arange(len(order)) - np.repeat(csr.indptr[:-1], lengths)
    kept = np.sort(order[place < k])
    return sparse_rows(row[kept], csr.indices[kept], csr.data[kept], csr.shape)


def sparse_rows(
    rows: IntArray, columns: IntArray, values: FloatArray, shape: tuple[int, int]
) -> Any:
    """Return scipy CSR, float32, of entries that are already sorted by row and column."""
    from scipy.sparse import csr_matrix

    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=shape[0]))])
    return csr_matrix((values.astype(np.float32), columns, indptr), shape=shape)


def wider(matrix: Any, n_items: int) -> Any:
    """Return a square CSR matrix with empty rows and columns behind, over the same entries."""
    from scipy.sparse import csr_matrix

    more = n_items - matrix.shape[0]
    indptr = np.concatenate([matrix.indptr, np.full(more, matrix.indptr[-1])])
    return csr_matrix((matrix.data, matrix.indices, indptr), shape=(n_items, n_items))


def similarity_block(relations: TextRelations, rows: IntArray) -> FloatArray:
    """Return the mean similarity of some items to all, float32 (len(rows), n); never negative."""
    used = [name for name in GRAPH_RELATIONS if name in relations.spread]
    total = np.zeros((len(rows), relations.n_items), dtype=np.float32)
    for name in used:
        factor = relations.factor(name)
        product = factor[rows] @ factor.T
        scores = product if name in relations.dense else product.toarray()
        total += np.maximum(scores, 0.0)
    total /= max(len(used), 1)
    return total


def text_graph(
    relations: TextRelations, config: GraphConfig, start: int = 0
) -> tuple[Any, FloatArray]:
    """Return the text graph and how near the nearest items are.

    Similarity to the power of ``config.power`` over the nearest ``config.neighbours``. An item
    without text has an empty row. Work is quadratic in the items up to ``config.exact_up_to``
    (20,000 items: about a minute on one core); beyond it, dense vectors choose a shortlist first.

    Parameters
    ----------
    start : int
        Only the rows from here on are made; those before are empty.

    Returns
    -------
    graph : scipy CSR, float32, shape (n, n)
        No loops; rows sum to ``config.mass``.
    nearness : float32 array, shape (n - start,)
        Mean similarity to the ten nearest.
    """
    n = relations.n_items
    exact = n <= config.exact_up_to or not relations.dense
    pairs = TextPairs(relations)
    size = block_rows(n)
    empty = np.zeros(0, dtype=np.int64)
    parts = [(empty, empty, np.zeros(0, dtype=np.float32))]
    nearness = np.zeros(n - start, dtype=np.float32)
    for first in range(start, n, size):
        rows = np.arange(first, min(first + size, n))
        if exact:
            columns = np.broadcast_to(np.arange(n), (len(rows), n))
            scores = similarity_block(relations, rows)
        else:
            columns, scores = _shortlisted(relations, pairs, rows, config.shortlist)
        scores[columns == rows[:, None]] = 0.0
        near = min(_NEAREST, scores.shape[1])
        nearness[rows - start] = np.partition(scores, -near, axis=1)[:, -near:].mean(axis=1)
        row, place, value = top_entries(scores, config.neighbours, first)
        parts.append((row + first, columns[row, place], value**config.power))
    rows, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    total = np.bincount(rows, weights=values, minlength=n)
    values = config.mass * values / np.maximum(total, 1e-12)[rows]
    return sparse_rows(rows, columns, values.astype(np.float32), (n, n)), nearness


def _shortlisted(
    relations: TextRelations, pairs: TextPairs, rows: IntArray, shortlist: int
) -> tuple[IntArray, FloatArray]:
    """Return the nearest items of each row by dense vectors, ascending, and their similarity."""
    used = [at for at, name in enumerate(pairs.names) if name in GRAPH_RELATIONS]
    dense = np.zeros((len(rows), relations.n_items), dtype=np.float32)
    for factor in relations.dense.values():
        dense += factor[rows] @ factor.T
    width = min(shortlist, dense.shape[1])
    columns = np.sort(np.argpartition(dense, -width, axis=1)[:, -width:], axis=1)
    scores = np.empty(columns.shape, dtype=np.float32)
    for at, near in enumerate(columns):
        told = pairs.pairs(near, rows[[at]])[used, 0]
        scores[at] = np.maximum(told, 0.0).mean(axis=0)
    return columns, scores
