"""The faults of the rows of a chunk, and what is worth a notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]
_SHOWN = 40


class RowFaults:
    """The faults of the rows of one chunk; the first fault of a row counts.

    Attributes
    ----------
    good : bool array, shape (n,)
    faults : list of (str, int64 array)
        Causes and the rows that they reject.
    examples : dict of str to str
        The first cell that was rejected, by cause.
    notices : list of (str, int64 array)
        Findings about rows; they count where the row is good.
    """

    def __init__(self, n: int) -> None:
        self.good: Mask = np.ones(n, dtype=bool)
        self.faults: list[tuple[str, NDArray[np.int64]]] = []
        self.examples: dict[str, str] = {}
        self.notices: list[tuple[str, NDArray[np.int64]]] = []

    def reject(self, bad: Mask, cause: str, cells: pd.Series[Any] | None = None) -> None:
        """Reject the rows of the mask, apart from those rejected before.

        The first of their `cells` is kept as an example.
        """
        rows = np.flatnonzero(bad & self.good)
        if len(rows):
            self.good[rows] = False
            self.faults.append((cause, rows))
            if cells is not None:
                cell = cells.iloc[rows[0]]
                text = f"{cell:g}" if isinstance(cell, float) else str(cell)
                self.examples.setdefault(cause, short(text))

    def notice(self, rows: Mask, text: str) -> None:
        """Note something about the rows of the mask."""
        if rows.any():
            self.notices.append((text, np.flatnonzero(rows)))


def short(text: str) -> str:
    """Return a text as it is shown in a message."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
