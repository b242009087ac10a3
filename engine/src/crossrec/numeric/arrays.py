"""Small operations on arrays that every request needs, quicker than numpy's general ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def among(values: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which values an ascending array holds, bool of the shape of `values`.

    For few values it takes a tenth of the time of ``numpy.isin``.
    """
    if not len(ascending):
        return np.zeros(values.shape, dtype=bool)
    at = np.minimum(ascending.searchsorted(values), len(ascending) - 1)
    found: NDArray[np.bool_] = ascending[at] == values
    return found


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return numbers as float32, the same array where it is; too large ones become infinite."""
    if values.dtype == np.float32:
        return values
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
