"""Since when each item is there, and which of them are new at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from crossrec.components.consumption import DAY
from crossrec.components.item_columns import DATES
from crossrec.components.settings import Settings
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import IntArray
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.base import not_fitted
from crossrec_collaborative.shelves.lists import ListSource, dates_in

Dates = NDArray[np.float64]


class ArrivalSettings(Settings):
    """Which items are new.

    Attributes
    ----------
    days : float
        Items that came within so many days before the newest one that is there; 0 for all.
    fields : tuple of str
        Fields that say since when an item is there; the first that does counts, and where none does
        the item's first event.
    most : int
        At most so many of the newest are looked at.
    """

    days: Annotated[float, Field(ge=0)] = 30.0
    fields: Annotated[tuple[str, ...], Field(min_length=1)] = DATES
    most: Annotated[int, Field(ge=1)] = 2000


def arrivals_of(dataset: Dataset, fields: Sequence[str]) -> Dates:
    """Return since when each item is there, seconds since 1970; NaN where nothing says so."""
    dates = dates_in(dataset.catalog, fields)
    if not dataset.has_clock:
        return dates
    first = np.full(dataset.n_items, np.inf)
    np.minimum.at(first, dataset.events.items, dataset.events.times)
    return np.where(np.isnan(dates) & np.isfinite(first), first, dates)


def with_new_items(dates: Dates, catalog: Catalog, fields: Sequence[str]) -> Dates:
    """Return the dates of a catalogue that has become longer.

    An item that joins without a date has come just now: it is as new as the newest.
    """
    known = len(dates)
    later = dates_in(catalog.take(range(known, len(catalog))), fields)
    both = np.concatenate([dates, later])
    latest = np.nan if np.isnan(both).all() else np.nanmax(both)
    both[known:] = np.where(np.isnan(later), latest, later)
    return both


def new_items(dates: Dates, now: float, days: float, among: IntArray | None = None) -> IntArray:
    """Return the items that are new, the newest first, ties in the order of the index, int64.

    Parameters
    ----------
    now : float
        What comes later is not there yet.
    days : float
        Before the newest item that is there, so that a catalogue that rests still has new ones.
    among : int64 array, optional
        Ascending; only these items.
    """
    there = dates <= now
    if not there.any():
        return np.zeros(0, dtype=np.int64)
    oldest = dates[there].max() - days * DAY if days else -np.inf
    found = np.flatnonzero(there & (dates >= oldest))
    if among is not None:
        found = found[np.isin(found, among)]
    return found[np.argsort(-dates[found], kind="stable")]


class DatedSource(ListSource):
    """Base: lists that know since when each item is there."""

    _dates: Dates | None = None

    @property
    def dates(self) -> Dates:
        """Since when each item is there, float64 (n_items,), NaN where it is not known.

        Raises
        ------
        NotFittedError
            Before `fit` or `restore`.
        """
        if self._dates is None:
            raise not_fitted(self.name)
        return self._dates

    @property
    def n_items(self) -> int:
        """Number of items that the source knows."""
        return len(self.dates)
