"""The conditional logit: weights of columns from what was chosen among alternatives.

McFadden: Conditional logit analysis of qualitative choice behavior (1974). The likelihood is
concave; with a ridge it has one maximum, which Newton's method finds in a few steps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_STEPS, _HALVINGS, _ENOUGH = 30, 20, 1e-7

Floats = NDArray[np.float64]


def fit_choices(
    columns: Floats,
    valid: NDArray[np.bool_],
    chosen: NDArray[np.bool_],
    prior: Floats,
    reg: float,
) -> Floats:
    """Return the weights, float64 (d,), that make the choices most likely.

    Rows without a choice, or with nothing else to choose, say nothing. With several choices in a
    row each counts for a part of one.

    Parameters
    ----------
    columns : float64 array, shape (n, m, d)
    valid : bool array, shape (n, m)
        The alternatives of each row.
    chosen : bool array, shape (n, m)
        Among the valid.
    prior : float64 array, shape (d,)
        What the weights are held to.
    reg : float
        Weight of the squared distance from the prior, above 0.
    """
    counts = chosen.sum(axis=1)
    rows = np.flatnonzero((counts > 0) & (counts < valid.sum(axis=1)))
    weights = prior.astype(np.float64)
    if not len(rows) or not len(prior):
        return weights
    x, there = columns[rows], valid[rows]
    share = chosen[rows] / counts[rows][:, None]
    wanted = np.einsum("nm,nmd->d", share, x)

    def loss(at: Floats) -> float:
        utility = np.where(there, x @ at, -np.inf)
        top = utility.max(axis=1)
        total = top + np.log(np.exp(utility - top[:, None]).sum(axis=1))
        return float(total.sum() - wanted @ at + 0.5 * reg * np.square(at - prior).sum())

    value = loss(weights)
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(x, there, weights)
        gradient += reg * (weights - prior) - wanted
        curvature[np.diag_indices(len(prior))] += reg
        step = np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)
        weights, before, value = _descended(loss, weights, step, value)
        if before - value <= _ENOUGH * max(1.0, abs(value)):
            break
    return weights


def _derivatives(x: Floats, there: NDArray[np.bool_], weights: Floats) -> tuple[Floats, Floats]:
    """Return the expected columns and their covariance under the model, summed over the rows."""
    utility = np.where(there, x @ weights, -np.inf)
    chance = np.exp(utility - utility.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    mean = np.einsum("nm,nmd->nd", chance, x)
    flat = x.reshape(-1, x.shape[2])
    second = (flat * chance.reshape(-1, 1)).T @ flat
    return mean.sum(axis=0), second - mean.T @ mean


def _descended(
    loss: Callable[[Floats], float], weights: Floats, step: Floats, value: float
) -> tuple[Floats, float, float]:
    """Halve the step until it gains; return the weights, the loss before and the loss after."""
    for halving in range(_HALVINGS):
        trial = weights - step * 0.5**halving
        reached = loss(trial)
        if reached < value:
            return trial, value, reached
    return weights, value, value
