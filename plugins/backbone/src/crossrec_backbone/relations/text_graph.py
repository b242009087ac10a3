"""The text graph: each item tied to the items whose texts are nearest."""

from __future__ import annotations

from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows, sparse_rows, top_entries

from crossrec_backbone.relations.config import GraphConfig
from crossrec_backbone.relations.pairs import TextPairs
from crossrec_backbone.relations.text import TextRelations

#: The relations whose mean similarity makes the graph.
GRAPH_RELATIONS = ("text_words", "title_grams", "text_dense", "title_dense")

#: Nearness is the mean similarity to so many items.
_NEAREST = 10


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
        similar = pairs.pairs(near, rows[[at]])[used, 0]
        scores[at] = np.maximum(similar, 0.0).mean(axis=0)
    return columns, scores
