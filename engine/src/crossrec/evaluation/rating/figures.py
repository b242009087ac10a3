"""Squared error, absolute error and AUC of liking, with draws of the bootstrap over users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.evaluation.significance import draws
from crossrec.numeric.ragged import IntArray

RealArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ErrorFigures:
    """One model's figures.

    Attributes
    ----------
    metrics : mapping of ``"mse"``, ``"mae"``, ``"auc"`` to float
        Over all ratings. The AUC is the share of pairs of a liked and a disliked rating that are
        predicted in their order, ties by half; NaN where there is no such pair.
    by_user : mapping of ``"mse"``, ``"mae"`` to float64 array, shape (n_users,)
        What each user adds: the mean over users is the figure over ratings.
    drawn : mapping of metric to float64 array, shape (resamples,)
    """

    metrics: dict[str, float]
    by_user: dict[str, RealArray]
    drawn: dict[str, RealArray]


def error_figures(
    predicted: RealArray,
    truth: RealArray,
    users: IntArray,
    neutral: float,
    *,
    resamples: int,
    seed: int,
) -> ErrorFigures:
    """Measure predictions; users are drawn with all their ratings, the same for every model.

    Parameters
    ----------
    users : int64 array, shape (n,)
        Whose ratings they are; any numbers.
    neutral : float
        What is rated above it was liked.
    """
    _, own = np.unique(users, return_inverse=True)
    n_users = int(own.max()) + 1
    wrong = predicted - truth
    sums = {
        "mse": np.bincount(own, wrong**2, n_users),
        "mae": np.bincount(own, np.abs(wrong), n_users),
    }
    sizes = np.bincount(own, minlength=n_users).astype(np.float64)
    liking = Liking.of(predicted, truth > neutral)
    metrics = {name: float(total.sum() / sizes.sum()) for name, total in sums.items()}
    metrics["auc"] = float(liking.auc(np.ones((1, len(truth))))[0])
    drawn: dict[str, list[RealArray]] = {name: [] for name in metrics}
    for counts in draws(n_users, resamples, seed, width=len(truth)):
        for name, total in sums.items():
            drawn[name].append(counts @ total / (counts @ sizes))
        drawn["auc"].append(liking.auc(counts[:, own]))
    return ErrorFigures(
        metrics,
        {name: total * n_users / sizes.sum() for name, total in sums.items()},
        {name: np.concatenate(parts) for name, parts in drawn.items()},
    )


@dataclass(frozen=True, eq=False)
class Liking:
    """Ratings in the order of their predictions, equal predictions in one group.

    Attributes
    ----------
    order : int64 array, shape (n,)
    starts : int64 array
        Where each group begins in that order.
    liked : bool array, shape (n,)
        In that order.
    """

    order: IntArray
    starts: IntArray
    liked: NDArray[np.bool_]

    @classmethod
    def of(cls, predicted: RealArray, liked: NDArray[np.bool_]) -> Liking:
        """Sort the predictions."""
        order = np.argsort(predicted, kind="stable")
        ascending = predicted[order]
        starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))
        return cls(order, starts, liked[order])

    def auc(self, weights: RealArray) -> RealArray:
        """Return the area under the ROC curve for each row of weights, float64 (m,).

        Parameters
        ----------
        weights : float64 array, shape (m, n)
            How often each rating counts.
        """
        sorted_ = weights[:, self.order]
        liked = np.add.reduceat(sorted_ * self.liked, self.starts, axis=1)
        others = np.add.reduceat(sorted_ * ~self.liked, self.starts, axis=1)
        below = np.cumsum(others, axis=1) - others
        won = (liked * (below + others / 2.0)).sum(axis=1)
        pairs = liked.sum(axis=1) * others.sum(axis=1)
        found: RealArray = np.where(pairs > 0, won / np.where(pairs > 0, pairs, 1.0), np.nan)
        return found
