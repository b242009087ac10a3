"""Recognising a history that a model was fitted with."""

from __future__ import annotations

import numpy as np

from crossrec.numeric.hashing import GOLDEN, Hashes, mixed
from crossrec.numeric.ragged import Ragged


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
