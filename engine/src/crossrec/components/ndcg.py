"""How good an order of a pool is: ndcg against what really came next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD
from crossrec.numeric.gain import discounts, ideal_gains
from crossrec.numeric.ragged import Ragged


def relevance(index: NDArray[np.int64], targets: Ragged) -> NDArray[np.bool_]:
    """Return which candidates are targets of their query, bool of `index`'s shape (n, m)."""
    return targets.contains(index)


class NdcgScorer:
    """Judges orders of the same candidates again and again; what does not change is computed once.

    Parameters
    ----------
    index : int64 array, shape (n, m)
        Candidates, `PAD` allowed.
    targets : Ragged, n rows
        What really came next.
    k : int
        Length of the judged list.
    """

    def __init__(self, index: NDArray[np.int64], targets: Ragged, k: int = 10) -> None:
        self._padding = index == PAD
        self._relevant = relevance(index, targets)
        self._discount = discounts(k)
        distinct = np.array([len(np.unique(targets.row(i))) for i in range(len(targets))], int)
        self._best = ideal_gains(k)[np.minimum(distinct, k)]
        self._k = k

    def gains(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return ndcg@k of each query when its candidates are ordered by `scores`, float64 (n,).

        Järvelin & Kekäläinen (2002), binary gains; the ideal holds min(k, number of targets)
        hits, so a target outside the candidates counts as a miss.
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
