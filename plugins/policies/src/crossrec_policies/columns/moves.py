"""New orders of a pool, with what is recorded of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from crossrec.components.ranked import PolicyChange, Ranked
from numpy.typing import NDArray

#: From a place in the pool to the numbers behind its change.
Details = Callable[[int], Mapping[str, Any]]


def completed(front: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return an order of `n` places: those of `front`, then all others as they stood."""
    rest = np.ones(n, dtype=bool)
    rest[front] = False
    return np.concatenate([front, np.flatnonzero(rest)])


def put_off(ranked: Ranked, order: NDArray[np.int64], code: str, n: int, of: Details) -> Ranked:
    """Return the pool in a new order; records the items that a worse one was put before.

    Parameters
    ----------
    order : int64 array, shape (m,)
        The places of the pool in their new order.
    n : int
        Only items that stood among the first `n` are recorded.
    """
    late = np.flatnonzero(np.maximum.accumulate(order) > order)
    return _recorded(ranked, order, late[order[late] < n], code, of)


def put_forward(ranked: Ranked, order: NDArray[np.int64], code: str, n: int, of: Details) -> Ranked:
    """Return the pool in a new order; records the items that were put before a better one.

    Parameters
    ----------
    n : int
        Only items that now stand among the first `n` are recorded.
    """
    early = np.flatnonzero(order > np.minimum.accumulate(order[::-1])[::-1])
    return _recorded(ranked, order, early[early < n], code, of)


def _recorded(
    ranked: Ranked, order: NDArray[np.int64], places: NDArray[np.int64], code: str, of: Details
) -> Ranked:
    """Record what stands at some of the new places; the pool itself where nothing moves."""
    if (order[1:] > order[:-1]).all():
        return ranked
    changes = [
        PolicyChange(
            int(ranked.index[was]), "moved", code, {"from": was + 1, "to": now + 1, **of(was)}
        )
        for now, was in zip(places.tolist(), order[places].tolist(), strict=True)
    ]
    return ranked.take(order, *changes)
