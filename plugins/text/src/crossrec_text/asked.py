"""A block of queries as the content source sees it: only items that have text count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
class Asked:
    """What n queries ask of a catalog.

    Attributes
    ----------
    decayed : scipy CSR, float32 (n, n_items)
        Recency-decayed weights of the history, each row of sum 1, or empty.
    last : scipy CSR, float32 (n, n_items)
        1 at the last item of the history.
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

    decayed: Any
    last: Any
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
    passed = QueryBatch.from_histories(history, exclude=only(queries.exclude, described))
    decayed = passed.profile(n_items, decay=decay, limit=limit)
    last_items = passed.last_items()
    excluded = np.unique(passed.exclude.row_of * n_items + passed.exclude.values)
    rows = np.repeat(np.arange(len(passed)), np.diff(decayed.indptr))
    keys = rows * n_items + decayed.indices
    kept = ~np.isin(keys, excluded, assume_unique=True)
    own = Pairs(rows[kept], decayed.indices[kept].astype(np.int64))
    out = Pairs(excluded // max(n_items, 1), excluded % max(n_items, 1))
    dropped = np.bincount(out.rows, minlength=len(passed))
    return Asked(
        decayed=decayed,
        last=_one_hot(last_items, n_items),
        answerable=history.lengths > 0,
        excluded=out,
        own=own,
        own_decayed=decayed.data[kept].astype(np.float64),
        own_last=(last_items[own.rows] == own.items).astype(np.float64),
        admitted=(described.sum() - dropped).astype(np.float64),
    )


def only(rows: Ragged, described: NDArray[np.bool_]) -> Ragged:
    """Return the rows without the items that have no text."""
    keep = described[rows.values]
    before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
    return Ragged(before[rows.indptr], rows.values[keep])


def _one_hot(items: Ints, n_items: int) -> Any:
    """Return n × n_items as scipy CSR with a 1 in each row at `items`; none where that is -1."""
    from scipy.sparse import csr_matrix

    filled = items >= 0
    indptr = np.concatenate([[0], np.cumsum(filled)])
    ones = np.ones(int(indptr[-1]), dtype=np.float32)
    return csr_matrix((ones, items[filled], indptr), (len(items), n_items))
