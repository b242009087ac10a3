"""A block of queries as the content source sees it: only items that have text count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Distinct pairs of a query and an item, sorted by both.

    Attributes
    ----------
    rows, items : int64 arrays, shape (p,)
    """

    rows: Ints
    items: Ints

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of items in n queries: sparse rows.

    Attributes
    ----------
    rows : Ragged, n rows
        Distinct items of each query, ascending.
    values : float32 array, aligned with ``rows.values``
    """

    rows: Ragged
    values: Floats

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def pairs(self) -> Pairs:
        """The queries and items that have a weight."""
        return Pairs(self.rows.row_of, self.rows.values)


@dataclass(frozen=True, eq=False)
class Asked:
    """What n queries ask of a catalog.

    Attributes
    ----------
    decayed : Weights
        Recency-decayed weights of the history; those of a query sum to 1.
    last : Weights
        1 for the last item of the history.
    answerable : bool array, shape (n,)
        False where the history holds no item with text.
    excluded : Pairs
        Items with text that a query excludes.
    own : Pairs
        Items of the history that the query does not exclude. What such an item shares with itself
        says nothing about the user, so it is left out of its score, as the diagonal is in every
        item-item model (Steck 2019).
    own_decayed, own_last : float64 arrays, aligned with `own`
        Their weights in `decayed` and in `last`.
    admitted : float64 array, shape (n,)
        Number of items with text that each query may get.
    """

    decayed: Weights
    last: Weights
    answerable: NDArray[np.bool_]
    excluded: Pairs
    own: Pairs
    own_decayed: Doubles
    own_last: Doubles
    admitted: Doubles

    def __len__(self) -> int:
        return len(self.answerable)


def ask(queries: QueryBatch, described: NDArray[np.bool_], decay: float, limit: int) -> Asked:
    """Reduce `queries` to the items that are `described` (bool, (n_items,)), i.e. have text.

    Query by query, in plain Python: histories are short, and for one query dozens of calls of numpy
    take ten times as long.
    """
    history = only(queries.history, described)
    decayed, last = decayed_weights(history, decay, limit), _last(history)
    exclude = only(queries.exclude, described)
    out = [sorted(set(row)) for row in _rows(exclude)]
    own: list[tuple[int, int, float, float]] = []
    ends = zip(_rows(decayed.rows), _rows(last.rows), strict=True)
    weights = iter(decayed.values.tolist())
    for row, (items, ending) in enumerate(ends):
        barred = set(out[row])
        for item, weight in zip(items, weights):
            if item not in barred:
                own.append((row, item, weight, float(item == ending[0])))
    rows, items_, own_decayed, own_last = zip(*own, strict=True) if own else ((), (), (), ())
    excluded = _ragged(out)
    return Asked(
        decayed=decayed,
        last=last,
        answerable=history.lengths > 0,
        excluded=Pairs(excluded.row_of, excluded.values),
        own=Pairs(np.array(rows, dtype=np.int64), np.array(items_, dtype=np.int64)),
        own_decayed=np.array(own_decayed, dtype=np.float64),
        own_last=np.array(own_last, dtype=np.float64),
        admitted=np.count_nonzero(described) - excluded.lengths.astype(np.float64),
    )


def only(rows: Ragged, described: NDArray[np.bool_]) -> Ragged:
    """Return the rows without the items that have no text."""
    keep = described[rows.values]
    if keep.all():
        return rows
    before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
    return Ragged(before[rows.indptr], rows.values[keep])


def decayed_weights(history: Ragged, decay: float, limit: int) -> Weights:
    """Return the recency-decayed weights of the last `limit` items of each history.

    The last item weighs 1, the one before `decay`, then `decay` squared; the weights of a history
    are then divided by their sum. An item that occurs twice gets both its weights.
    """
    items: list[list[int]] = []
    values: list[float] = []
    for row in _rows(history):
        weights: dict[int, float] = {}
        weight, total = 1.0, 0.0
        for item in row[: -limit - 1 : -1]:
            weights[item] = weights.get(item, 0.0) + weight
            total += weight
            weight *= decay
        distinct = sorted(weights)
        items.append(distinct)
        values.extend(weights[item] / total for item in distinct)
    return Weights(_ragged(items), np.array(values, dtype=np.float32))


def _rows(rows: Ragged) -> Iterator[list[int]]:
    """Give each row as a list."""
    values = rows.values.tolist()
    for start, stop in pairwise(rows.indptr.tolist()):
        yield values[start:stop]


def _ragged(rows: list[list[int]]) -> Ragged:
    """Return lists as rows, with two arrays made in all."""
    ends = np.array([0, *accumulate(map(len, rows))], dtype=np.int64)
    return Ragged(ends, np.array([item for row in rows for item in row], dtype=np.int64))


def _last(history: Ragged) -> Weights:
    ends = history.indptr[1:]
    filled = ends > history.indptr[:-1]
    indptr = np.concatenate([[0], np.cumsum(filled)]).astype(np.int64)
    return Weights(
        Ragged(indptr, history.values[ends[filled] - 1]),
        np.ones(int(indptr[-1]), dtype=np.float32),
    )
