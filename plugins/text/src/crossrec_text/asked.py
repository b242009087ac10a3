"""A block of queries as the content source sees it: only items that have text count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.data.ragged import Ragged
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
    """Reduce `queries` to the items that are `described` (bool, (n_items,)), i.e. have text."""
    n_items = len(described)
    history = only(queries.history, described)
    decayed = decayed_weights(history, n_items, decay, limit)
    last = _last(history)
    out, out_keys = _distinct(only(queries.exclude, described), n_items)
    at = decayed.pairs
    kept = ~_among(at.rows * n_items + at.items, out_keys)
    own = Pairs(at.rows[kept], at.items[kept])
    last_item = np.full(len(history), -1, dtype=np.int64)
    last_item[last.pairs.rows] = last.pairs.items
    return Asked(
        decayed=decayed,
        last=last,
        answerable=history.lengths > 0,
        excluded=out,
        own=own,
        own_decayed=decayed.values[kept].astype(np.float64),
        own_last=(last_item[own.rows] == own.items).astype(np.float64),
        admitted=np.count_nonzero(described)
        - np.bincount(out.rows, minlength=len(history)).astype(float),
    )


def only(rows: Ragged, described: NDArray[np.bool_]) -> Ragged:
    """Return the rows without the items that have no text."""
    keep = described[rows.values]
    if keep.all():
        return rows
    before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
    return Ragged(before[rows.indptr], rows.values[keep])


def decayed_weights(history: Ragged, n_items: int, decay: float, limit: int) -> Weights:
    """Return the recency-decayed weights of the last `limit` items of each history.

    The last item weighs 1, the one before `decay`, then `decay` squared; the weights of a history
    are then divided by their sum. An item that occurs twice gets both its weights.
    """
    recent = history.tail(limit) if history.lengths.max(initial=0) > limit else history
    row_of = recent.row_of
    weights = np.power(decay, recent.from_end())
    weights /= np.bincount(row_of, weights, minlength=len(recent))[row_of]
    keys = row_of * n_items + recent.values
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    fresh = _fresh(keys)
    at = np.cumsum(fresh) - 1
    distinct = keys[fresh]
    values = np.bincount(at, weights[order], minlength=len(distinct))
    rows, items = np.divmod(distinct, max(n_items, 1))
    return Weights(_ragged(rows, items, len(recent)), values.astype(np.float32))


def _last(history: Ragged) -> Weights:
    last = history.tail(1)
    return Weights(last, np.ones(len(last.values), dtype=np.float32))


def _distinct(rows: Ragged, n_items: int) -> tuple[Pairs, Ints]:
    """Return the pairs and their keys, ascending."""
    keys = np.sort(rows.row_of * n_items + rows.values)
    keys = keys[_fresh(keys)]
    row, items = np.divmod(keys, max(n_items, 1))
    return Pairs(row, items), keys


def _fresh(ascending: Ints) -> NDArray[np.bool_]:
    """Return where a value is not the one before it."""
    fresh = np.ones(len(ascending), dtype=bool)
    np.not_equal(ascending[1:], ascending[:-1], out=fresh[1:])
    return fresh


def _among(values: Ints, ascending: Ints) -> NDArray[np.bool_]:
    """Return which values stand in `ascending`."""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    among: NDArray[np.bool_] = ascending[at] == values
    return among


def _ragged(rows: Ints, items: Ints, n: int) -> Ragged:
    lengths = np.bincount(rows, minlength=n)
    return Ragged(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), items)
