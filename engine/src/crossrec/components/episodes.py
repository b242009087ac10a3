"""The episodes of all series of a catalogue, in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.components.item_columns import first_codes, values_of
from crossrec.components.live_items import LiveItems
from crossrec.components.policies import number
from crossrec.numeric.ragged import Ragged, offsets

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Episodes:
    """Which item belongs to which series, and what comes after what.

    Attributes
    ----------
    names : tuple of str
        Of the series.
    series : int64 array, shape (n_items,)
        -1 for an item of none.
    order : int64 array, shape (n_episodes,)
        The numbered items of all series: series by series, by season and episode.
    bounds : int64 array, shape (n_series + 1,)
        Where each series begins in `order`.
    place : int64 array, shape (n_items,)
        Where an item stands in `order`; -1 for what has no number.
    """

    names: tuple[str, ...]
    series: IntArray
    order: IntArray
    bounds: IntArray
    place: IntArray

    @classmethod
    def of(cls, items: LiveItems, series: str, season: str, episode: str) -> Episodes | None:
        """Put the items of a catalogue in order; None where none belongs to a series."""
        _, entities = values_of(items, series)
        if entities is None:
            return None
        code = first_codes(entities.codes)
        episodes = items.numbers(episode, number)
        seasons = np.nan_to_num(items.numbers(season, number), nan=1.0)
        numbered = np.flatnonzero((code >= 0) & ~np.isnan(episodes))
        order = numbered[np.lexsort((episodes[numbered], seasons[numbered], code[numbered]))]
        counts = np.bincount(code[numbered], minlength=len(entities.names))
        place = np.full(len(items), -1, dtype=np.int64)
        place[order] = np.arange(len(order))
        return cls(entities.names, code, order, offsets(counts), place)

    def next_of(self, series: IntArray, start: IntArray, usable: IntArray) -> IntArray:
        """Return the first usable episode of each series from `start` on, int64; -1 for none.

        Parameters
        ----------
        start : int64 array, aligned with `series`
            Places in `order`.
        usable : int64 array, ascending
            Places of the episodes that may be shown.
        """
        if not len(usable):
            return np.full(len(series), -1, dtype=np.int64)
        at = np.searchsorted(usable, start)
        found = usable[np.minimum(at, len(usable) - 1)]
        there = (at < len(usable)) & (found < self.bounds[series + 1])
        return np.where(there, self.order[found], -1)

    def places_of(self, series: IntArray) -> IntArray:
        """Return the places of all episodes of some series, int64, ascending."""
        return Ragged(self.bounds, self.order).positions(np.sort(series))
