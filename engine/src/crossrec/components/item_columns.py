"""Fields of items as arrays: values, dates, who shares what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crossrec.components.live_items import Entities, LiveItems
from crossrec.components.policies import seconds
from crossrec.numeric.ragged import Ragged

#: Fields that say since when an item is there; the first that does counts.
DATES = ("available_at", "created_at", "release_date")


def values_of(items: LiveItems, field: str) -> tuple[str, Entities | None]:
    """Return the name of a field and which items share which of its values.

    Parameters
    ----------
    field : str
        "" for the creator of the scenario's items: brand, author, artist, channel.

    Returns
    -------
    (str, Entities or None)
        None where no item has the field.
    """
    name = field or items.schema.creator
    return name, items.entities(name) if name and items.has(name) else None


def codes_of(entities: Entities | None, index: NDArray[np.int64]) -> Ragged:
    """Return the value codes of some items, a row for each; empty rows where there is no field."""
    return Ragged.empty(len(index)) if entities is None else entities.codes.take(index)


def first_codes(rows: Ragged) -> NDArray[np.int64]:
    """Return the first value of each row, int64 (n,); -1 where a row is empty."""
    found = np.full(len(rows), -1, dtype=np.int64)
    filled = rows.lengths > 0
    found[filled] = rows.values[rows.indptr[:-1][filled]]
    return found


def dates_of(
    items: LiveItems, fields: Sequence[str], index: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return since when each item is there, seconds since 1970, float64 (n,); NaN if unknown."""
    dates = np.full(len(index), np.nan)
    for name in fields:
        if items.has(name):
            dates = np.where(np.isnan(dates), items.numbers(name, seconds)[index], dates)
    return dates
