"""Net evidence: what all events of one person about one item add up to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Share of the positive weights that rounding may leave of a sum that is nothing.
_ROUNDING = 1e-6


def net_evidence(
    users: NDArray[np.int64], items: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what negative events leave of each event's weight.

    A purchase and its refund, a like and a later dislike are one person's evidence for one item:
    their weights are added. Where the sum is positive the positive events share it in proportion;
    where it is not, none of them counts.

    Parameters
    ----------
    users, items : int64 arrays, shape (n,)
    weights : float32 array, shape (n,)
        Signed.

    Returns
    -------
    float32 array, shape (n,)
        At most the weight; 0 for negative events, and where the sum is 0 or less.
    """
    positive = np.maximum(weights, 0.0).astype(np.float32)
    against = np.flatnonzero(weights < 0)
    if not len(against):
        return positive
    width = int(items.max()) + 1
    pairs = users * width + items
    disputed = np.unique(pairs[against])
    at = np.minimum(np.searchsorted(disputed, pairs), len(disputed) - 1)
    rows = np.flatnonzero(disputed[at] == pairs)
    pair, own = at[rows], weights[rows].astype(np.float64)
    total = np.bincount(pair, weights=own, minlength=len(disputed))
    gained = np.bincount(pair, weights=np.maximum(own, 0.0), minlength=len(disputed))
    left = total > _ROUNDING * gained
    share = np.divide(total, gained, out=np.zeros_like(total), where=left)
    positive[rows] = (np.maximum(own, 0.0) * share[pair]).astype(np.float32)
    return positive
