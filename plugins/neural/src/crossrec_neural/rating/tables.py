"""What is known of users, items and their pairs when ratings are predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from crossrec.numeric.biased_factors import IntArray, Penalties, RealArray, fit_biased_factors
from crossrec.numeric.ragged import FloatArray, Ragged
from numpy.typing import NDArray

from crossrec_neural.rating.data import RatingData
from crossrec_neural.rating.earlier import group_sums
from crossrec_neural.rating.inputs import PairInputs, above_usual


@dataclass(frozen=True, eq=False)
class RatingTables:
    """Sums over all ratings of a fit, from which those of a pair itself are taken out.

    Attributes
    ----------
    user_bias, item_bias : float64 arrays, shape (n_users,) and (n_items,)
    text : float32 array, shape (n_items, d)
    liked : float32 array, shape (n_users, d)
        As `PairInputs.liked`.
    user_ratings, item_ratings : int64 arrays, shape (n_users,) and (n_items,)
        How many there are.
    own, others : float32 arrays, shape (n_users, r + 1) and (n_items, r + 1)
        Sums of reviews, and in the last column how many.
    pairs : int64 array, shape (p,)
        ``user * n_items + item`` of every rated pair, ascending.
    pair_ratings : int64 array, shape (p,)
    pair_above : float64 array, shape (p,)
        Sum of how far the pair's ratings are above the item's usual one.
    pair_written : float32 array, shape (p, r + 1)
    """

    user_bias: RealArray
    item_bias: RealArray
    text: FloatArray
    liked: FloatArray
    user_ratings: IntArray
    item_ratings: IntArray
    own: FloatArray
    others: FloatArray
    pairs: IntArray
    pair_ratings: IntArray
    pair_above: RealArray
    pair_written: FloatArray

    @classmethod
    def of(cls, data: RatingData, penalties: Penalties) -> tuple[float, RatingTables]:
        """Return the mean rating, and the tables."""
        rows, n_users, n_items = data.rows, data.n_users, data.n_items
        model = fit_biased_factors(rows, n_users, n_items, penalties)
        above = above_usual(rows, n_items, penalties.items)
        liked = group_sums(rows.users, above[:, None] * data.items[rows.items], n_users)
        pairs, place = np.unique(rows.users * n_items + rows.items, return_inverse=True)
        return model.mean, cls(
            model.users[:, 0],
            model.items[:, 0],
            data.items,
            liked.astype(np.float32),
            np.bincount(rows.users, minlength=n_users),
            np.bincount(rows.items, minlength=n_items),
            group_sums(rows.users, data.written, n_users).astype(np.float32),
            group_sums(rows.items, data.written, n_items).astype(np.float32),
            pairs,
            np.bincount(place, minlength=len(pairs)),
            group_sums(place, above[:, None], len(pairs))[:, 0],
            group_sums(place, data.written, len(pairs)).astype(np.float32),
        )

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]]) -> RatingTables:
        """Take back what `arrays` returned."""
        return cls(*(arrays[f"table.{field.name}"] for field in fields(cls)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the tables by name."""
        return {f"table.{field.name}": getattr(self, field.name) for field in fields(self)}

    @property
    def n_items(self) -> int:
        """Items of the fit."""
        return len(self.item_bias)

    def inputs(self, users: IntArray, items: IntArray, taste: RealArray) -> PairInputs:
        """Return the inputs of pairs of a user, -1 for one without ratings, and a fitted item.

        What the user wrote or rated about the item itself is not in them, but for the biases.
        """
        own, liked, by_user = self._of_users(users)
        pair, rated = self._pair(users, items)
        written = np.where(rated[:, None], self.pair_written[pair], 0.0) if len(self.pairs) else 0.0
        above = np.where(rated, self.pair_above[pair], 0.0) if len(self.pairs) else 0.0
        times = np.where(rated, self.pair_ratings[pair], 0) if len(self.pairs) else 0
        text = self.text[items].astype(np.float64)
        own = own - written
        others = self.others[items].astype(np.float64) - written
        counts = [
            by_user[:, 1] - times,
            self.item_ratings[items] - times,
            own[:, -1],
            others[:, -1],
        ]
        return PairInputs(
            users,
            items,
            np.stack([by_user[:, 0], self.item_bias[items]], axis=1),
            text,
            taste,
            liked - np.reshape(above, (-1, 1)) * text,
            own[:, :-1],
            others[:, :-1],
            np.stack(counts, axis=1).astype(np.float64),
        )

    def inputs_of_texts(self, users: IntArray, text: RealArray, taste: RealArray) -> PairInputs:
        """Return the inputs of users and items of which nothing but a text is known."""
        own, liked, by_user = self._of_users(users)
        none = np.zeros(len(users))
        counts = np.stack([by_user[:, 1], none, own[:, -1], none], axis=1)
        bias = np.stack([by_user[:, 0], none], axis=1)
        others = np.zeros((len(users), self.others.shape[1] - 1))
        return PairInputs(
            users, np.full(len(users), -1), bias, text, taste, liked, own[:, :-1], others, counts
        )

    def tastes(self, history: Ragged) -> RealArray:
        """Return the mean text of each history, float64 (n, d); newer items are left out."""
        rows = np.repeat(np.arange(len(history)), history.lengths)
        inside = history.values < self.n_items
        rows, items = rows[inside], history.values[inside]
        sums = group_sums(rows, self.text[items].astype(np.float64), len(history))
        number = np.bincount(rows, minlength=len(history))
        taste: RealArray = sums / np.maximum(number, 1)[:, None]
        return taste

    def without(self, users: IntArray) -> RatingTables:
        """Return the tables as if these users had written nothing and rated nothing.

        The biases of the items stay: they are sums over many, and come new with the next fit.
        """
        owners = self.pairs // max(self.n_items, 1)
        gone = np.isin(owners, users)
        items = self.pairs[gone] % max(self.n_items, 1)
        others = self.others - group_sums(
            items, self.pair_written[gone].astype(np.float64), self.n_items
        ).astype(np.float32)
        others[others[:, -1] < 0.5] = 0.0  # not what rounding leaves
        ratings = np.bincount(items, self.pair_ratings[gone], minlength=self.n_items)

        def cleared(table: NDArray[Any]) -> NDArray[Any]:
            fresh = np.array(table)
            fresh[users] = 0
            return fresh

        return RatingTables(
            cleared(self.user_bias),
            self.item_bias,
            self.text,
            cleared(self.liked),
            cleared(self.user_ratings),
            self.item_ratings - ratings.astype(np.int64),
            cleared(self.own),
            others,
            self.pairs[~gone],
            self.pair_ratings[~gone],
            self.pair_above[~gone],
            self.pair_written[~gone],
        )

    def _of_users(self, users: IntArray) -> tuple[RealArray, RealArray, RealArray]:
        """Return the sums of reviews and of likings, and bias with number of ratings, by user."""
        n = len(self.user_bias)
        known, at = ((users >= 0) & (users < n))[:, None], np.clip(users, 0, max(n - 1, 0))
        both = np.stack([self.user_bias, self.user_ratings.astype(np.float64)], axis=1)
        own, liked, by_user = (
            np.where(known, table[at], 0.0).astype(np.float64)
            for table in (self.own, self.liked, both)
        )
        return own, liked, by_user

    def _pair(self, users: IntArray, items: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
        """Return where each pair stands among those that were rated, and whether it does."""
        keys = users * max(self.n_items, 1) + items
        place = np.minimum(np.searchsorted(self.pairs, keys), max(len(self.pairs) - 1, 0))
        if not len(self.pairs):
            return place, np.zeros(len(keys), dtype=bool)
        return place, (users >= 0) & (self.pairs[place] == keys)
