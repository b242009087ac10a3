"""What a fit of `next-basket` learns, and the parts that a score is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.history import WeightedHistory
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray

from crossrec_collaborative.baskets.counts import BasketCounts
from crossrec_collaborative.baskets.lines import BasketLines, FloatArray, IntArray
from crossrec_collaborative.relations import SparseRelation


@dataclass(frozen=True, eq=False)
class Habits:
    """What is learnt of items.

    Attributes
    ----------
    rates : float32 array, shape (n_items,)
        By how much buying an item once tells that it is bought again; 1 is the mean.
    popular : float32 array, shape (n_items,)
        Share of the most popular item's baskets.
    people : int64 array, shape (n_items,)
    followers : SparseRelation
        Share of an item's baskets that each follower comes after.
    """

    rates: NDArray[np.float32]
    popular: NDArray[np.float32]
    people: IntArray
    followers: SparseRelation

    @classmethod
    def of(cls, counts: BasketCounts, shrinkage: float, neighbours: int) -> Habits:
        """Make them of counts; a rate is the root of how much more often an item comes back."""
        most = max(float(counts.popular.max(initial=0.0)), 1e-12)
        return cls(
            np.sqrt(counts.rates).astype(np.float32),
            (counts.popular / most).astype(np.float32),
            counts.people,
            counts.relation(shrinkage, neighbours),
        )

    @property
    def n_items(self) -> int:
        """Number of items at the fit."""
        return len(self.people)

    def own(self, lines: BasketLines, decay: float, prior: float) -> FloatArray:
        """Return what each line adds to the user's own part of its item, float64 (n_lines,).

        Parameters
        ----------
        decay : float
            Weight of a basket relative to the one after it.
        prior : float
            Baskets without anything that each user is given.
        """
        decayed = np.power(decay, lines.ages)
        total = np.bincount(lines.owners, decayed, minlength=lines.n_rows)
        share = decayed[lines.baskets] / (total[lines.rows] + prior)
        own: FloatArray = share * self.rates[lines.items]
        return own

    def latest(self, lines: BasketLines, recency: float) -> WeightedHistory:
        """Return the items of the baskets with their weights: 1 in all, the latest the most."""
        decayed = np.power(recency, lines.ages)
        total = np.bincount(lines.owners, decayed, minlength=lines.n_rows)
        sizes = np.maximum(lines.sizes[lines.baskets], 1)
        weights = decayed[lines.baskets] / (total[lines.rows] * sizes)
        return WeightedHistory(Ragged(lines.indptr, lines.items), weights, self.n_items)
