"""Rows about parts of a history: one item each, or items that are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.components.consumption import DAY
from crossrec.errors import UsageError
from crossrec.numeric.kmeans import spherical_kmeans
from crossrec.pipeline.config import RowsConfig
from crossrec.pipeline.serving import Serving

#: Items of a history that make a row of their own, at least.
_LEAST = 5
#: Items that are named with a row, at most.
_NAMED = 3


@dataclass(frozen=True, eq=False)
class History:
    """What a user has evidence for; aligned arrays, oldest first.

    Attributes
    ----------
    items : int64 array, shape (n,)
    weights : float array, shape (n,)
    ages : float64 array, shape (n,)
        Days before the request; NaN where times are not known.
    """

    items: NDArray[np.int64]
    weights: NDArray[np.floating]
    ages: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        items: NDArray[np.int64],
        weights: NDArray[np.floating],
        times: NDArray[np.float64],
        now: float | None,
    ) -> History:
        """Return a history at a moment; None where the data have no clock."""
        ages = np.full(len(items), np.nan) if now is None else (now - times) / DAY
        return cls(items, weights, ages)

    def where(self, keep: NDArray[np.bool_]) -> History:
        """Return the chosen events."""
        return History(self.items[keep], self.weights[keep], self.ages[keep])


@dataclass(frozen=True, eq=False)
class Row:
    """What one row is about.

    Attributes
    ----------
    items : int64 array
        In the order of the history.
    named : int64 array
        Those that stand for them, the best first.
    """

    items: NDArray[np.int64]
    named: NDArray[np.int64]


def row_of(serving: Serving, rows: RowsConfig, history: History, number: int) -> Row | str:
    """Return what a row is about, or why there is none.

    Raises
    ------
    UsageError
        If the surface has fewer rows.
    """
    if number > rows.most:
        raise UsageError(f"there is no row {number}: the surface has {rows.most}")
    recent = np.isnan(history.ages) | (history.ages <= rows.days) | (not rows.days)
    there = ~np.isin(history.items, serving.deleted)
    useful = history.where(recent & there & (history.weights >= rows.weight))
    found = _by_item(useful) if rows.by == "item" else _by_cluster(serving, useful, rows.most)
    if number <= len(found):
        return found[number - 1]
    since = f" of the last {rows.days:g} days" if rows.days else ""
    return f"the history{since} makes {len(found)} of these rows"


def _by_item(history: History) -> list[Row]:
    """Return a row for each item, the latest first."""
    latest = history.items[::-1]
    distinct = latest[np.sort(np.unique(latest, return_index=True)[1])]
    return [Row(distinct[at : at + 1], distinct[at : at + 1]) for at in range(len(distinct))]


def _by_cluster(serving: Serving, history: History, most: int) -> list[Row]:
    """Return a row for each group of items that are alike, the one with most evidence first."""
    items, first, which = np.unique(history.items, return_index=True, return_inverse=True)
    weights = np.bincount(which, history.weights, minlength=len(items)).astype(np.float64)
    n_groups = min(most, len(items) // _LEAST) or min(len(items), 1)
    labels = spherical_kmeans(_features(serving, items), n_groups, weights)
    totals = np.bincount(labels, weights)
    found = []
    for label in np.argsort(-totals, kind="stable").tolist():
        members = np.flatnonzero(labels == label)
        heaviest = members[np.argsort(-weights[members], kind="stable")]
        in_order = members[np.argsort(first[members])]
        found.append(Row(items[in_order], items[heaviest[:_NAMED]]))
    return found


def _features(serving: Serving, items: NDArray[np.int64]) -> NDArray[np.floating]:
    """Return what items are compared by, float (n, dim): vectors, else categories and creators."""
    vectors = serving.pipeline.item_vectors
    if vectors is not None:
        return vectors[items]
    live, parts = serving.items, [np.zeros((len(items), 1))]
    for name in (live.schema.categories, live.schema.creator):
        if name and live.has(name):
            rows = live.entities(name).codes.take(items)
            values, codes = np.unique(rows.values, return_inverse=True)
            table = np.zeros((len(items), len(values)))
            table[rows.row_of, codes] = 1.0
            parts.append(table)
    return np.concatenate(parts, axis=1)
