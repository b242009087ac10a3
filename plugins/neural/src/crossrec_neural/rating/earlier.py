"""Sums over what came earlier: what keeps a rating from seeing itself and what follows it."""

from __future__ import annotations

import numpy as np
from crossrec.numeric.biased_factors import IntArray, RealArray


def earlier_sums(groups: IntArray, times: RealArray, values: RealArray) -> RealArray:
    """Return for each row the sum over the rows of its group whose time is strictly earlier.

    Rows of the same time do not see each other: with times of a day's resolution, what was written
    on one day is as good as at once.

    Parameters
    ----------
    groups : int64 array, shape (n,)
    times : float64 array, shape (n,)
    values : float64 array, shape (n, width)

    Returns
    -------
    float64 array, shape (n, width)
    """
    order = np.lexsort((times, groups))
    group, time = groups[order], times[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = group[1:] != group[:-1]
    later = first.copy()
    later[1:] |= time[1:] != time[:-1]
    place = np.arange(len(order))
    began = np.maximum.accumulate(np.where(first, place, 0))
    tied = np.maximum.accumulate(np.where(later, place, 0))
    running = np.zeros((len(order) + 1, values.shape[1]))
    np.cumsum(values[order], axis=0, out=running[1:])
    sums = np.empty((len(order), values.shape[1]))
    sums[order] = running[tied] - running[began]
    return sums


def group_sums(groups: IntArray, values: RealArray, n: int) -> RealArray:
    """Return the sum of the rows of each of `n` groups, float64 (n, width)."""
    sums = np.zeros((n, values.shape[1]))
    for column in range(values.shape[1]):
        sums[:, column] = np.bincount(groups, values[:, column], minlength=n)
    return sums
