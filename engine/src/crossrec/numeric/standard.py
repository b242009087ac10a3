"""Standard scores: less the mean, over the spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: A spread below it is none: then every score is 0.
_LEAST = 1e-9


def standardised(
    scores: NDArray[np.float32], valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return the standard scores of each row, float32 of the same shape (n, m); 0 where all agree.

    Parameters
    ----------
    valid : bool array, shape (n, m), optional
        What counts; the others become 0.
    """
    known = np.ones(scores.shape, dtype=bool) if valid is None else valid
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    clean = np.where(known, scores, 0.0)
    mean = clean.sum(axis=1, keepdims=True, dtype=np.float64) / count
    centred = np.where(known, clean - mean, 0.0)
    spread = np.sqrt(np.square(centred).sum(axis=1, keepdims=True) / count)
    standard: NDArray[np.float32] = (centred / np.where(spread > _LEAST, spread, 1.0)).astype(
        np.float32
    )
    return standard
