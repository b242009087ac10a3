"""The text graph: each item tied to the items whose texts are nearest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from crossrec.components.threads import in_threads
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows, keep_largest, sparse_rows, top_entries
from numpy.typing import NDArray

from crossrec_backbone.relations.config import GraphConfig
from crossrec_backbone.relations.near_texts import NearTexts
from crossrec_backbone.relations.pairs import TextPairs
from crossrec_backbone.relations.text import TextRelations

#: The relations whose mean similarity makes the graph.
GRAPH_RELATIONS = ("text_words", "title_grams", "text_dense", "title_dense")

#: Nearness is the mean similarity to so many items.
_NEAREST = 10
#: For each neighbour so many items are compared exactly, where words choose whom to compare.
_LISTED = 2


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
    relations: TextRelations, config: GraphConfig, start: int = 0, threads: int = 1
) -> tuple[Any, FloatArray]:
    """Return the text graph and how near the nearest items are.

    Similarity to the power of ``config.power`` over the nearest ``config.neighbours``. An item
    without text has an empty row. Work is quadratic in the items up to ``config.exact_up_to``
    (20,000 items: about a minute on one core); beyond it, a shortlist comes first: the nearest by
    dense vectors, still quadratic, or where there are none by the heaviest words.

    Parameters
    ----------
    start : int
        Only the rows from here on are made; those before are empty.
    threads : int
        How many may compare words; products of vectors have the threads of BLAS.

    Returns
    -------
    graph : scipy CSR, float32, shape (n, n)
        No loops; rows sum to ``config.mass``.
    nearness : float32 array, shape (n - start,)
        Mean similarity to the ten nearest.
    """
    n = relations.n_items
    near = _near(relations, config)
    empty = np.zeros(0, dtype=np.int32)
    nothing = (empty, empty, np.zeros(0, dtype=np.float32))
    nearness = np.zeros(n - start, dtype=np.float32)

    def block(first: int) -> tuple[NDArray[np.int32], NDArray[np.int32], FloatArray]:
        stop = min(first + near.block_rows, n)
        row, column, value, nearness[first - start : stop - start] = near.of(first, stop)
        return row.astype(np.int32), column.astype(np.int32), value**config.power

    starts = range(start, n, near.block_rows)
    words = isinstance(near, _ByWords)
    parts = in_threads(block, starts, threads) if words else [block(first) for first in starts]
    rows, columns, values = (np.concatenate(part) for part in zip(nothing, *parts, strict=True))
    del parts
    total = np.bincount(rows, weights=values, minlength=n)
    values *= (config.mass / np.maximum(total, 1e-12)).astype(np.float32)[rows]
    return sparse_rows(rows, columns, values, (n, n)), nearness


#: Row, column and similarity of the nearest items, and the mean similarity to the ten nearest.
_Nearest = tuple[IntArray, IntArray, FloatArray, FloatArray]


class _Near(Protocol):
    """A way to find the nearest items of those from `first` to `stop` - 1."""

    @property
    def block_rows(self) -> int: ...

    def of(self, first: int, stop: int) -> _Nearest: ...


def _near(relations: TextRelations, config: GraphConfig) -> _Near:
    """Return the way that suits a catalogue."""
    if relations.n_items <= config.exact_up_to:
        return _AllPairs(relations, config)
    if relations.dense:
        return _ByVectors(relations, config)
    used = [relations.sparse[name] for name in GRAPH_RELATIONS if name in relations.sparse]
    if not used:
        return _AllPairs(relations, config)
    return _ByWords(NearTexts.of(used, config.postings), config)


@dataclass(frozen=True, eq=False)
class _AllPairs:
    """All pairs are compared."""

    relations: TextRelations
    config: GraphConfig

    @property
    def block_rows(self) -> int:
        return block_rows(self.relations.n_items)

    def of(self, first: int, stop: int) -> _Nearest:
        rows = np.arange(first, stop)
        columns = np.broadcast_to(
            np.arange(self.relations.n_items), (len(rows), self.relations.n_items)
        )
        return _leading(rows, columns, similarity_block(self.relations, rows), self.config)


@dataclass(frozen=True, eq=False)
class _ByVectors(_AllPairs):
    """Only the nearest by dense vectors are compared."""

    @cached_property
    def pairs(self) -> TextPairs:
        return TextPairs(self.relations)

    def of(self, first: int, stop: int) -> _Nearest:
        rows = np.arange(first, stop)
        found = _shortlisted(self.relations, self.pairs, rows, self.config.shortlist)
        return _leading(rows, *found, self.config)


@dataclass(frozen=True, eq=False)
class _ByWords:
    """Only the items that share most of the heaviest words are compared."""

    texts: NearTexts
    config: GraphConfig

    @property
    def block_rows(self) -> int:
        return self.texts.block_rows

    def of(self, first: int, stop: int) -> _Nearest:
        listed = self.texts.nearest(first, stop, _LISTED * self.config.neighbours)
        ten = keep_largest(listed, _NEAREST, first)
        nearness = np.asarray(ten.sum(axis=1) / _NEAREST, dtype=np.float32).ravel()
        kept = keep_largest(listed, self.config.neighbours, first).tocoo()
        return first + kept.row.astype(np.int64), kept.col.astype(np.int64), kept.data, nearness


def _leading(
    rows: IntArray, columns: IntArray, scores: FloatArray, config: GraphConfig
) -> _Nearest:
    """Return the nearest of some items by their similarity to some `columns`; overwrites it."""
    scores[columns == rows[:, None]] = 0.0
    near = min(_NEAREST, scores.shape[1])
    nearness = np.partition(scores, -near, axis=1)[:, -near:].mean(axis=1)
    row, place, value = top_entries(scores, config.neighbours, int(rows[0]))
    return rows[row], columns[row, place], value, nearness


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
