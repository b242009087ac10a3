"""Ratings from biases and factors: what any model that reads more has to beat.

A rating is predicted as ``mean + user bias + item bias + user factors · item factors`` (Koren, Bell
& Volinsky, 2009). With no factors this is ridge regression on who rates and what is rated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
RealArray = NDArray[np.float64]

#: Sweeps over users and items at most, and the change of a parameter at which they end.
_SWEEPS, _STILL = 50, 1e-6
#: Penalties that are tried for the biases, and sizes and penalties for factors.
_BIAS_GRID = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_SIZES, _FACTOR_GRID = (2, 4, 8), (2.0, 5.0, 10.0, 20.0)


@dataclass(frozen=True, eq=False)
class RatingRows:
    """Ratings as columns of one length.

    Attributes
    ----------
    users, items : int64 arrays, shape (n,)
    ratings : float64 array, shape (n,)
    """

    users: IntArray
    items: IntArray
    ratings: RealArray

    def __len__(self) -> int:
        return len(self.ratings)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> RatingRows:
        """Return the chosen rows (indexes or a mask)."""
        return RatingRows(self.users[rows], self.items[rows], self.ratings[rows])


@dataclass(frozen=True)
class Penalties:
    """Ridge penalties, in ratings: a bias from so many ratings is halved.

    Attributes
    ----------
    users, items : float
        Of the biases.
    factors : float
    size : int
        Number of factors; 0 for biases alone.
    """

    users: float
    items: float
    factors: float = 1.0
    size: int = 0


@dataclass(frozen=True, eq=False)
class BiasedFactors:
    """A fitted model.

    Attributes
    ----------
    mean : float
    users, items : float64 arrays, shape (n_users, 1 + size) and (n_items, 1 + size)
        Bias, then factors.
    """

    mean: float
    users: RealArray
    items: RealArray

    def predict(self, users: IntArray, items: IntArray) -> RealArray:
        """Return the predicted ratings; index -1 stands for a user or an item without ratings."""
        left, right = _rows(self.users, users), _rows(self.items, items)
        predicted: RealArray = self.mean + left[:, 0] + right[:, 0]
        predicted += (left[:, 1:] * right[:, 1:]).sum(axis=1)
        return predicted


def fit_biased_factors(
    rows: RatingRows, n_users: int, n_items: int, penalties: Penalties, seed: int = 0
) -> BiasedFactors:
    """Fit by alternating least squares; the same seed gives the same model.

    Without any rating everything is 0. Each half of a sweep costs ratings × (1 + size)².
    """
    size = penalties.size
    users, items = np.zeros((n_users, 1 + size)), np.zeros((n_items, 1 + size))
    mean = float(rows.ratings.mean()) if len(rows) else 0.0
    items[:, 1:] = np.random.default_rng(seed).normal(0, 0.1, (n_items, size))
    for _ in range(_SWEEPS if len(rows) else 0):
        before = users, items
        left = rows.ratings - mean - items[rows.items, 0]
        users = _solved(rows.users, items[rows.items], left, n_users, penalties.users, penalties)
        left = rows.ratings - mean - users[rows.users, 0]
        items = _solved(rows.items, users[rows.users], left, n_items, penalties.items, penalties)
        change = max(np.abs(users - before[0]).max(), np.abs(items - before[1]).max())
        if change < _STILL:
            break
    return BiasedFactors(mean, users, items)


def choose_biases(
    train: RatingRows, validation: RatingRows, n_users: int, n_items: int
) -> Penalties:
    """Return the penalties of the biases with the least squared error on `validation`."""
    grid = (Penalties(users, items) for users, items in product(_BIAS_GRID, repeat=2))
    return _best(grid, train, validation, n_users, n_items)


def choose_factors(
    train: RatingRows, validation: RatingRows, n_users: int, n_items: int, biases: Penalties
) -> Penalties:
    """Return size and penalty of the factors with the least squared error on `validation`."""
    grid = (
        Penalties(biases.users, biases.items, factors, size)
        for size, factors in product(_SIZES, _FACTOR_GRID)
    )
    return _best(grid, train, validation, n_users, n_items)


def _best(
    grid: Iterable[Penalties], train: RatingRows, validation: RatingRows, n_users: int, n_items: int
) -> Penalties:
    def error(penalties: Penalties) -> float:
        model = fit_biased_factors(train, n_users, n_items, penalties)
        wrong = model.predict(validation.users, validation.items) - validation.ratings
        return float((wrong**2).sum())

    return min(grid, key=error)


def _solved(
    groups: IntArray,
    others: RealArray,
    left: RealArray,
    n: int,
    bias: float,
    penalties: Penalties,
) -> RealArray:
    """Return bias and factors of each group by ridge regression on the other side's rows.

    Parameters
    ----------
    others : float64 array, shape (n_ratings, 1 + size)
        Of each rating's other side; its bias is in `left` already, and its place stands for 1.
    left : float64 array, shape (n_ratings,)
        What is left of the ratings.
    """
    width = others.shape[1]
    features = np.concatenate([np.ones((len(others), 1)), others[:, 1:]], axis=1)
    gram = np.zeros((n, width, width))
    for a in range(width):
        for b in range(a, width):
            summed = np.bincount(groups, features[:, a] * features[:, b], minlength=n)
            gram[:, a, b] = gram[:, b, a] = summed
    gram += np.diag([bias, *[penalties.factors] * penalties.size])
    right = np.stack(
        [np.bincount(groups, features[:, a] * left, minlength=n) for a in range(width)], axis=1
    )
    return np.asarray(np.linalg.solve(gram, right[:, :, None])[:, :, 0], dtype=np.float64)


def _rows(table: RealArray, index: IntArray) -> RealArray:
    """Return the chosen rows, zeros for index -1."""
    if not len(table):
        return np.zeros((len(index), table.shape[1]))
    rows: RealArray = np.where(index[:, None] >= 0, table[np.maximum(index, 0)], 0.0)
    return rows
