"""What the sources of this room share: a scored list for each query, and the fields they read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.item_columns import dates_of
from crossrec.components.live_items import LiveItems
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.topk import moments_with_zeros, padded
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import IntArray, Ragged
from crossrec.scenario import EventType, ItemSchema
from numpy.typing import NDArray

from crossrec_collaborative.costs import shelf_cost

#: Sources read fields by name; which of them a scenario declares does not matter to them.
_SCHEMA = ItemSchema(fields=(), text_template="", creator="creator")
#: The column of the creators, whatever the scenario calls them.
CREATOR = _SCHEMA.creator


@dataclass(frozen=True, eq=False)
class Lists:
    """A list of scored items for each query.

    Attributes
    ----------
    items : Ragged, n rows
        Distinct in each row.
    score : float64 array, aligned with ``items.values``
        Above 0.
    say : callable
        Position in ``items.values`` → the evidence for that item.
    """

    items: Ragged
    score: NDArray[np.float64]
    say: Callable[[int], Evidence]


class ListSource:
    """Base: the best items of each query's own list, less those that the query excludes."""

    name: ClassVar[str] = ""

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return shelf_cost(size)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items of each list, ties in the order of the index."""
        lists, n = self._lists(queries), len(queries)
        kept = ~lists.items.isin(queries.exclude)
        items, score = lists.items.where(kept), lists.score[kept]
        order = np.lexsort((items.values, -score, items.row_of))
        best = Ragged(items.indptr, items.values[order])
        chosen = best.from_start() < max(k, 0)
        index = padded(_rows(best.where(chosen)))
        table = np.full(index.shape, -np.inf, dtype=np.float32)
        table[index != PAD] = score[order][chosen]
        admitted = np.maximum(self.n_items - queries.exclude.within(self.n_items).lengths, 1)
        moments = np.zeros((n, 2), dtype=np.float32)
        for row in range(n):
            own = score[items.indptr[row] : items.indptr[row + 1]]
            moments[row] = moments_with_zeros(own, max(int(admitted[row]), len(own)))
        return Candidates(index, table, self.name, moments[:, 0], moments[:, 1])

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN where a list lacks them."""
        lists = self._lists(queries)
        at = _places(lists.items, index)
        out = np.full(index.shape, np.nan, dtype=np.float32)
        out[at >= 0] = lists.score[at[at >= 0]]
        return out

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Say why each item of `index` is in the list, for a batch of one query."""
        lists = self._lists(queries)
        places = _places(lists.items, index[None, :])[0].tolist()
        return [None if place < 0 else lists.say(place) for place in places]

    @property
    def n_items(self) -> int:
        """Number of items that the source knows."""
        raise NotImplementedError

    def _lists(self, queries: QueryBatch) -> Lists:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Past:
    """The items of histories that a source knows, with what is known of each; aligned arrays.

    Attributes
    ----------
    items : Ragged, n rows
        Oldest first.
    ages : float64 array or None
        Seconds before the query; None where times are not known.
    types : int64 array
        -1 where only the item is known.
    weights : float64 array
        NaN where only the item is known.
    """

    items: Ragged
    ages: NDArray[np.float64] | None
    types: IntArray
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, queries: QueryBatch, n_items: int) -> Past:
        """Read the histories; columns that do not belong to them are taken as missing."""
        history = queries.history
        known = (history.values >= 0) & (history.values < n_items)
        size = len(history.values)

        def column(values: NDArray[Any] | None, missing: float) -> NDArray[Any]:
            there = values is not None and len(values) == size
            return (values if there else np.full(size, missing))[known]  # type: ignore[index]

        ages = None
        if queries.now is not None and queries.times is not None and len(queries.times) == size:
            ages = np.maximum(queries.now[history.row_of] - queries.times, 0.0)[known]
        types = column(queries.types, -1).astype(np.int64)
        weights = column(queries.weights, np.nan).astype(np.float64)
        return cls(history.where(known), ages, types, weights)

    def where(self, keep: NDArray[np.bool_]) -> Past:
        """Return the chosen events of the same rows."""
        ages = None if self.ages is None else self.ages[keep]
        return Past(self.items.where(keep), ages, self.types[keep], self.weights[keep])


def last_and_count(items: Ragged, n_items: int) -> tuple[IntArray, IntArray]:
    """Return where each row has each of its items for the last time, and how often it has it.

    Returns
    -------
    last : int64 array, ascending
        Positions in ``items.values``.
    counts : int64 array, same shape
    """
    keys = items.row_of * max(n_items, 1) + items.values
    _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
    last = np.full(len(counts), -1, dtype=np.int64)
    np.maximum.at(last, which, np.arange(len(keys)))
    order = np.argsort(last)
    return last[order], counts[order]


def columns_of(catalog: Catalog) -> LiveItems:
    """Return the fields of a catalogue as columns; its creators are called `CREATOR`."""
    return LiveItems(catalog, _SCHEMA)


def dates_in(catalog: Catalog, fields: Sequence[str]) -> NDArray[np.float64]:
    """Return since when each item is there, seconds since 1970; NaN where no field says so."""
    return dates_of(columns_of(catalog), fields, np.arange(len(catalog)))


def follow_types(types: tuple[EventType, ...]) -> NDArray[np.int64]:
    """Return the events by which a creator is followed: positive ones that act on a relation."""
    found = [at for at, one in enumerate(types) if one.relation and one.polarity > 0]
    return np.array(found, dtype=np.int64)


def _rows(items: Ragged) -> list[IntArray]:
    return [items.row(row) for row in range(len(items))]


def _places(items: Ragged, index: NDArray[np.int64]) -> IntArray:
    """Return where in ``items.values`` each row's item stands, int64 (n, m); -1 for nowhere."""
    width = int(max(items.values.max(initial=0), index.max(initial=0))) + 2
    keys = items.row_of * width + items.values
    order = np.argsort(keys, kind="stable")
    wanted = np.arange(len(index))[:, None] * width + np.where(index < 0, width - 1, index)
    if not len(keys):
        return np.full(index.shape, -1, dtype=np.int64)
    at = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    return np.where(keys[at] == wanted, at, -1)
