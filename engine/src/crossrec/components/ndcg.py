"""ndcg: how early an order shows what really came next (Järvelin & Kekäläinen, 2002)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD
from crossrec.numeric.gain import TOP, discount, discounts, ideal_gains
from crossrec.numeric.ragged import Ragged


def target_places(
    scores: NDArray[Any], targets: NDArray[np.int64], exclude: Ragged | None = None
) -> NDArray[np.float64]:
    """Return how many candidates are ahead of the one target of each row, float64 (n,).

    Equal scores share their places, so that the order of the columns, which may follow time,
    favours nobody.

    Parameters
    ----------
    scores : float array, shape (n, m)
        -inf and NaN are no candidates; such a target has the place infinity.
    targets : int64 array, shape (n,)
        The column of each target.
    exclude : Ragged, n rows, optional
        Columns that are no candidates of their row either.
    """
    clean = np.where(np.isnan(scores), -np.inf, scores)
    if exclude is not None:
        clean[exclude.row_of, exclude.values] = -np.inf
    own = clean[np.arange(len(targets)), targets][:, None]
    ahead = (clean > own).sum(axis=1) + ((clean == own).sum(axis=1) - 1) / 2
    return np.where(np.isfinite(own[:, 0]), ahead, np.inf)


def target_gains(
    scores: NDArray[Any], targets: NDArray[np.int64], exclude: Ragged | None = None
) -> NDArray[np.float64]:
    """Return ndcg@10 of the one target of each row, as `target_places` places it, float64 (n,)."""
    return discount(target_places(scores, targets, exclude))


def relevance(index: NDArray[np.int64], targets: Ragged) -> NDArray[np.bool_]:
    """Return which candidates are targets of their query, bool of `index`'s shape (n, m)."""
    return targets.contains(index)


class NdcgScorer:
    """Scores orders of the same candidates repeatedly; what stays the same is computed once.

    Parameters
    ----------
    index : int64 array, shape (n, m)
        Candidates, `PAD` allowed.
    targets : Ragged, n rows
        What really came next.
    k : int
        Length of the scored list.
    """

    def __init__(self, index: NDArray[np.int64], targets: Ragged, k: int = TOP) -> None:
        self._padding = index == PAD
        self._relevant = relevance(index, targets)
        self._discount = discounts(k)
        self._best = ideal_gains(k)[np.minimum(targets.distinct().lengths, k)]
        self._k = k

    def gains(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Return ndcg@k of each query when its candidates are ordered by `scores`, float64 (n,).

        Binary gains; the ideal holds min(k, number of targets) hits, so a target outside the
        candidates counts as a miss.
        """
        n, m = self._padding.shape
        got = np.zeros(n)
        width = min(self._k, m)
        if width:
            keyed = np.where(self._padding, -np.inf, scores)
            top = np.argpartition(-keyed, width - 1, axis=1)[:, :width]
            order = np.argsort(-np.take_along_axis(keyed, top, axis=1), axis=1, kind="stable")
            top = np.take_along_axis(top, order, axis=1)
            hits = np.take_along_axis(self._relevant, top, axis=1)
            got = (hits * self._discount[:width]).sum(axis=1)
        gains: NDArray[np.float64] = np.divide(
            got, self._best, out=np.zeros(n), where=self._best > 0
        )
        return gains

    def mean(self, scores: NDArray[np.float32]) -> float:
        """Return the mean ndcg@k over the queries; 0 where there are none."""
        return float(self.gains(scores).mean()) if len(self._padding) else 0.0
