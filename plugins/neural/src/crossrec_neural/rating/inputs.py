"""What the network reads of a pair of a user and an item, in training and when it serves."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from crossrec.numeric.biased_factors import (
    IntArray,
    Penalties,
    RatingRows,
    RealArray,
    fit_biased_factors,
)
from crossrec.numeric.ragged import FloatArray

from crossrec_neural.rating.data import RatingData
from crossrec_neural.rating.earlier import earlier_sums

#: Parts of the ratings that are held out in turn, so that no bias has seen the rating it predicts.
_FOLDS = 5


@dataclass(frozen=True, eq=False)
class PairInputs:
    """Columns of `n` pairs. Sums are with the number of what was summed, so that few count less.

    Attributes
    ----------
    users, items : int64 arrays, shape (n,)
        Indexes, -1 for a user or an item without any of its own.
    bias : float64 array, shape (n, 2)
        Of user and item.
    text, taste : float64 arrays, shape (n, d)
        Of the item, and the mean text of what the user chose.
    liked : float64 array, shape (n, d)
        Sum of the texts of the items that the user rated, times how far above the item's usual
        rating.
    own, others : float64 arrays, shape (n, r)
        Sums of the user's reviews, and of those that others wrote of the item.
    counts : float64 array, shape (n, 4)
        Ratings of the user and of the item, reviews in `own` and in `others`.
    """

    users: IntArray
    items: IntArray
    bias: RealArray
    text: RealArray
    taste: RealArray
    liked: RealArray
    own: RealArray
    others: RealArray
    counts: RealArray

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: IntArray) -> PairInputs:
        """Return the chosen pairs."""
        return PairInputs(*(getattr(self, field.name)[rows] for field in fields(self)))

    def features(self, evidence: float) -> FloatArray:
        """Return what the network reads, float32 (n, width).

        Parameters
        ----------
        evidence : float
            Ratings or reviews at which half of their mean counts.
        """
        by_user, _, by_own, by_others = (self.counts[:, [at]] for at in range(4))
        liked = self.liked / (by_user + evidence)
        own = self.own / (by_own + evidence)
        others = self.others / (by_others + evidence)
        parts = [
            self.text, self.taste, liked, own, others,
            self.text * self.taste, self.text * liked, own * others,
            np.log1p(self.counts), self.bias,
        ]  # fmt: skip
        found: FloatArray = np.concatenate(parts, axis=1).astype(np.float32)
        return found

    def gate(self, evidence: float) -> FloatArray:
        """Return how much the vectors of user and item count, float32 (n,)."""
        share = self.counts[:, :2] / (self.counts[:, :2] + evidence)
        gate: FloatArray = share.prod(axis=1).astype(np.float32)
        return gate


def feature_width(text: int, reviews: int) -> int:
    """Return how many features there are with so many directions of texts and reviews."""
    return 5 * text + 3 * reviews + 6


def usual_ratings(rows: RatingRows, n_items: int, penalty: float) -> RealArray:
    """Return how far each item's mean rating is from that of all, drawn to 0 where few rate it."""
    away = rows.ratings - rows.ratings.mean()
    total = np.bincount(rows.items, away, minlength=n_items)
    offsets: RealArray = total / (np.bincount(rows.items, minlength=n_items) + penalty)
    return offsets


def above_usual(rows: RatingRows, n_items: int, penalty: float) -> RealArray:
    """Return how far each rating is above its item's usual one, float64 (n,)."""
    usual = usual_ratings(rows, n_items, penalty)[rows.items]
    above: RealArray = rows.ratings - rows.ratings.mean() - usual
    return above


def earlier_inputs(data: RatingData, bias: RealArray, above: RealArray) -> PairInputs:
    """Return the inputs of every rating, as they were before it: nothing of the rating is in them.

    Reviews and tastes are those of an earlier time. Ratings of the user and of the item are counted
    without the one itself.

    Parameters
    ----------
    bias : float64 array, shape (n, 2)
        That has not seen the rating, such as `unseen_biases` returns.
    above : float64 array, shape (n,)
    """
    rows, times = data.rows, data.times
    pairs = rows.users * max(data.n_items, 1) + rows.items
    text = data.items[rows.items].astype(np.float64)
    liked = earlier_sums(rows.users, times, above[:, None] * text)
    own = earlier_sums(rows.users, times, data.written)
    others = earlier_sums(rows.items, times, data.written)
    others -= earlier_sums(pairs, times, data.written)
    counts = np.stack(
        [
            np.bincount(rows.users, minlength=data.n_users)[rows.users] - 1.0,
            np.bincount(rows.items, minlength=data.n_items)[rows.items] - 1.0,
            own[:, -1],
            others[:, -1],
        ],
        axis=1,
    )
    return PairInputs(
        rows.users, rows.items, bias, text, data.taste, liked, own[:, :-1], others[:, :-1], counts
    )


def unseen_biases(
    data: RatingData, learnt: IntArray, penalties: Penalties, seed: int
) -> tuple[RealArray, RealArray]:
    """Return biases of every rating from ratings that it is not among, and what they predict.

    Those of `learnt` are held out in folds; the others get the biases of all learnt ones.

    Returns
    -------
    bias : float64 array, shape (n, 2)
    predicted : float64 array, shape (n,)
    """
    rows = data.rows
    fold = np.full(len(rows), -1)
    shuffled = np.random.default_rng(seed).permutation(learnt)
    fold[shuffled] = np.arange(len(shuffled)) % _FOLDS
    bias, predicted = np.zeros((len(rows), 2)), np.zeros(len(rows))
    for number in range(-1, _FOLDS):
        held = np.flatnonzero(fold == number)
        seen = learnt if number < 0 else np.flatnonzero((fold >= 0) & (fold != number))
        model = fit_biased_factors(rows.take(seen), data.n_users, data.n_items, penalties)
        users, items = rows.users[held], rows.items[held]
        bias[held, 0], bias[held, 1] = model.users[users, 0], model.items[items, 0]
        predicted[held] = model.predict(users, items)
    return bias, predicted
