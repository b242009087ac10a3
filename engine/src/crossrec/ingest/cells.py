"""Which cells of a column hold nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossrec.data.ids import NULL_MARKERS, trimmed

if TYPE_CHECKING:
    import pandas as pd

_NOTHING = frozenset({"", *NULL_MARKERS})
_LISTED = sorted(_NOTHING)


def is_nothing(text: str) -> bool:
    """Whether a text is blank or a null marker: ``NULL``, ``NaN``, ``None`` …"""
    return text in _NOTHING or trimmed(text) in _NOTHING


def nothing(column: pd.Series[Any]) -> NDArray[np.bool_]:
    """Return which cells are missing, blank or a null marker, bool (n,)."""
    import pandas as pd

    empty = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return empty
    empty = empty | column.isin(_LISTED).to_numpy(dtype=bool)
    rest = np.flatnonzero(~empty)
    # Spaces around a marker are rare, and all texts with any are few.
    cells = column.to_numpy(dtype=object)
    spaced = [row for row in rest.tolist() if _is_spaced(cells[row])]
    empty[spaced] = True
    return empty


def _is_spaced(cell: object) -> bool:
    return type(cell) is str and (cell[0] <= " " or cell[-1] <= " ") and is_nothing(cell)


def blanked(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the column with "" for what is nothing, so that markers are no texts."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    empty = nothing(column)
    return column.mask(empty, "") if empty.any() else column
