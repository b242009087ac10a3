"""Groups of vectors that point the same way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 25


def spherical_kmeans(
    vectors: NDArray[np.floating], k: int, weights: NDArray[np.floating] | None = None
) -> NDArray[np.int64]:
    """Group vectors by their direction; the same vectors always get the same groups.

    Spherical k-means (Dhillon and Modha 2001). It starts from the heaviest vector, then each time
    from the one that is least like those before it.

    Parameters
    ----------
    vectors : float array, shape (n, dim)
        Of any length; vectors of length 0 stay with the first group.
    k : int
        Groups that are wanted; fewer where there are not as many directions.
    weights : float array, shape (n,), optional
        How much each vector draws its centre; all alike where None.

    Returns
    -------
    int64 array, shape (n,)
        The group of each vector, from 0 and without gaps.
    """
    n = len(vectors)
    heavy = np.ones(n) if weights is None else np.array(weights, dtype=np.float64)
    if not n:
        return np.zeros(0, dtype=np.int64)
    unit = _unit(np.asarray(vectors, dtype=np.float64))
    centres = unit[_spread(unit, min(k, n), heavy)]
    labels = np.argmax(unit @ centres.T, axis=1)
    for _ in range(_ROUNDS):
        sums = np.zeros_like(centres)
        np.add.at(sums, labels, unit * heavy[:, None])
        filled = np.bincount(labels, minlength=len(centres)) > 0
        centres = np.where(filled[:, None], _unit(sums), centres)
        after = np.argmax(unit @ centres.T, axis=1)
        if np.array_equal(after, labels):
            break
        labels = after
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _spread(unit: NDArray[np.float64], k: int, weights: NDArray[np.float64]) -> list[int]:
    """Return which vectors the groups start from."""
    empty = ~unit.any(axis=1)
    chosen = [int(np.argmax(np.where(empty, -1.0, weights)))]
    nearest = np.where(empty, np.inf, unit @ unit[chosen[0]])
    while len(chosen) < k:
        far = int(np.argmin(nearest))
        if nearest[far] >= 1.0 - 1e-9:
            break
        chosen.append(far)
        nearest = np.maximum(nearest, unit @ unit[far])
    return chosen


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows with length 1; 0 stays 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = vectors / np.where(lengths > 0, lengths, 1.0)
    return unit
