"""What was shown to the user, aligned with a pool."""

from __future__ import annotations

import numpy as np
from crossrec.components.policy_context import PolicyContext
from numpy.typing import NDArray


def impressions_of(
    context: PolicyContext, index: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how often each item was shown to the user, and how many seconds ago it was last.

    Returns
    -------
    times : int64 array, shape (n,)
        0 for what was never shown.
    ago : float64 array, shape (n,)
        Infinite for what was never shown; never below 0.
    """
    shown = context.user.impressions
    times, ago = np.zeros(len(index), dtype=np.int64), np.full(len(index), np.inf)
    if not shown:
        return times, ago
    id_of = context.items.catalog.items.id
    for at, item in enumerate(index.tolist()):
        found = shown.get(id_of(item))
        if found is not None:
            times[at], ago[at] = found.times, max(context.now - found.last, 0.0)
    return times, ago
