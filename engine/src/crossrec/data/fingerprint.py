"""Tells whether a history is the one that a model was fitted with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import Ragged


def fingerprints(rows: Ragged) -> NDArray[np.uint64]:
    """Return one number for each row that depends on its values, not on their order; 0 if empty.

    Sum of the values' splitmix64 hashes (Steele et al. 2014): two unlike rows agree with a chance
    of 2⁻⁶⁴, so a fitted model needs no copy of the histories to know them again.
    """
    with np.errstate(over="ignore"):
        x = (rows.values.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
        before = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(x, dtype=np.uint64)])
        sums: NDArray[np.uint64] = before[rows.indptr[1:]] - before[rows.indptr[:-1]]
    return sums
