"""Hashing arrays of 64-bit integers, and recognising rows that a model was fitted with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import Ragged

Hashes = NDArray[np.uint64]

#: 2⁶⁴ over the golden ratio: multiples of it lie far apart.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def mixed(values: Hashes) -> Hashes:
    """Scatter the bits: the finaliser of splitmix64 (Steele, Lea and Flood, 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))


def fingerprints(rows: Ragged) -> Hashes:
    """Return one number for each row that depends on its values, not on their order; 0 if empty.

    Sum of the values' hashes: two different rows agree with a chance of 2⁻⁶⁴, so a fitted model
    needs no copy of the histories to recognise them.
    """
    with np.errstate(over="ignore"):
        hashes = mixed((rows.values.astype(np.uint64) + np.uint64(1)) * GOLDEN)
        before = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(hashes, dtype=np.uint64)])
        sums: Hashes = before[rows.indptr[1:]] - before[rows.indptr[:-1]]
    return sums
