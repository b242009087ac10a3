"""Places of a list that are given away, and pools with items put there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.numeric.arrays import among
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def given_places(share: float, slots: Sequence[int], k: int) -> IntArray:
    """Return the places of a list that are given away, from 0, int64, ascending.

    Parameters
    ----------
    share : float
        Share of the places, evenly spread: of 0.3 the fourth, seventh and tenth.
    slots : sequence of int
        Places from 1 on; they take the place of the share where there are any.
    """
    if slots:
        chosen = np.unique(np.array(slots, dtype=np.int64)) - 1
        return chosen[chosen < k]
    steps = np.floor(np.arange(k + 1) * share + 1e-9)
    return np.flatnonzero(steps[1:] > steps[:-1])


def placed(
    ranked: Ranked,
    items: IntArray,
    places: IntArray,
    propensity: NDArray[np.float64] | None,
    changes: Sequence[PolicyChange],
) -> Ranked:
    """Return the pool with some items at some places, and the others around them in their order.

    Where the pool is too short for a place, the item stands at its end. Each gets the score of the
    item that it stands before, so that the order of the scores is that of the list.

    Parameters
    ----------
    items : int64 array, shape (n,)
        Distinct; in the pool or not.
    places : int64 array, shape (n,)
        From 0, ascending.
    propensity : float64 array, shape (n,), or None
        Theirs; None leaves 1.
    """
    rest = ~among(ranked.index, np.sort(items))
    size = int(np.count_nonzero(rest)) + len(items)
    at = np.minimum(places, size - len(items) + np.arange(len(items)))
    own = np.zeros(size, dtype=bool)
    own[at] = True
    index = np.empty(size, dtype=np.int64)
    score, chance = np.empty(size), np.empty(size)
    index[~own], index[at] = ranked.index[rest], items
    chance[~own] = ranked.propensity[rest]
    chance[at] = 1.0 if propensity is None else propensity
    others = ranked.score[rest]
    score[~own] = others
    behind = np.minimum(at - np.arange(len(items)), len(others) - 1)
    score[at] = others[behind] if len(others) else 1.0
    return Ranked(index, score, chance, (*ranked.changes, *changes))
