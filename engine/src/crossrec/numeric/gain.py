"""The discounts of ndcg (Järvelin & Kekäläinen, 2002), in one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def discounts(k: int) -> NDArray[np.float64]:
    """Return the gain of a hit at each of the first k places, 1 / log2(place + 1), float64 (k,)."""
    return 1.0 / np.log2(np.arange(2, k + 2))


def ideal_gains(k: int) -> NDArray[np.float64]:
    """Return the gain of a list whose first 0, 1 … k places are hits, float64 (k + 1,)."""
    return np.concatenate([[0.0], np.cumsum(discounts(k))])
