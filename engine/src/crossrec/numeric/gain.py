"""The discounts of ndcg (Järvelin & Kekäläinen, 2002), in one place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Length of the lists that choices and reports are made on.
TOP = 10


def discount(places: NDArray[Any], k: int = TOP) -> NDArray[np.float64]:
    """Return the gain of a target at each place: ``1 / log2(place + 2)``, and 0 from place k on.

    Places start at 0; they may be fractional or infinite.
    """
    within = places < k
    return np.where(within, 1.0 / np.log2(np.where(within, places, 0) + 2.0), 0.0)


def discounts(k: int) -> NDArray[np.float64]:
    """Return the gain of a hit at each of the first k places, float64 (k,)."""
    return discount(np.arange(k), k)


def ideal_gains(k: int) -> NDArray[np.float64]:
    """Return the gain of a list whose first 0, 1 … k places are hits, float64 (k + 1,)."""
    return np.concatenate([[0.0], np.cumsum(discounts(k))])
