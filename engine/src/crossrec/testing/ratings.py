"""Conformance of feature sets with the capability ``rate``."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.rating import RATE
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.testing import toy as toys
from crossrec.testing.features import FeatureTests
from crossrec.testing.toy import Toy


class RatingTests(FeatureTests, kit=True):
    """What every feature set must do that predicts ratings."""

    def toy(self, *, clock: bool = True) -> Toy:
        """Return the shop with the vectors that this set reads, and reviews."""
        return toys.with_reviews(super().toy(clock=clock), self.encoder_name())

    def test_what_rates_can_forget(self) -> None:
        """A set that keeps what users rated and wrote gives it back, and says so."""
        assert self.registration().capabilities >= {RATE, "forget"}

    def ratings(self, one: Any, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[Any]:
        """Predict ratings and check their contract: within the shop's scale, 1 to 5."""
        found: NDArray[np.float32] = one.rate(queries, index)
        assert found.dtype == np.float32, f"ratings are {found.dtype}, not float32"
        assert found.shape == index.shape, f"ratings of shape {found.shape}, not {index.shape}"
        assert np.isnan(found[index == PAD]).all(), "ratings of padding must be NaN"
        known = found[~np.isnan(found)]
        assert ((known >= 1.0) & (known <= 5.0)).all(), "ratings leave the scale of the events"
        return found

    def test_ratings_are_predicted_for_every_query(self) -> None:
        """Known and unknown users, with and without a history, get a rating of every item."""
        toy = self.toy()
        one, n = self.fitted(toy.dataset), toy.dataset.n_items
        index = self.index(toy.queries, n)
        assert not np.isnan(self.ratings(one, toy.queries, index)[:, :n]).any()
        batch = toys.batch([[], [11], [0, 1, 2], list(range(n))], toy.queries)
        assert not np.isnan(self.ratings(one, batch, self.index(batch, n))[:, :n]).any()
        none = batch.take(np.zeros(0, dtype=np.int64))
        assert self.ratings(one, none, self.index(none, n)).shape == (0, n + 2)

    def test_items_after_the_fit_are_not_rated(self) -> None:
        """An item that the fit did not know has no rating yet, and is no error."""
        toy = self.toy()
        one, n = self.fitted(toy.dataset), toy.dataset.n_items
        assert np.isnan(self.ratings(one, toy.queries, np.full((10, 1), n))).all()

    def test_ratings_follow_those_of_the_fit(self) -> None:
        """Predictions of what was rated are nearer to it than the mean of all ratings is."""
        toy = self.toy()
        one, events = self.fitted(toy.dataset), toy.dataset.events
        predicted = self.ratings(one, toy.queries.take(events.users), events.items[:, None])[:, 0]
        assert events.reviews is not None
        truth = events.reviews.ratings
        wrong = ((predicted - truth) ** 2).mean()
        assert wrong < truth.var(), "predictions are further off than the mean of all ratings"

    def test_texts_are_rated(self) -> None:
        """A text that is no item has a rating; one without a vector has one, too."""
        toy = self.toy()
        one = self.fitted(toy.dataset)
        encoder = self.encoder_name()
        vectors = np.array(toy.dataset.vectors[encoder][[0, 5]]) if encoder else np.zeros((2, 8))
        found = one.rate_texts(toy.queries, np.concatenate([vectors, np.zeros((1, 8))]))
        assert found.shape == (len(toy.queries), 3)
        assert ((found >= 1.0) & (found <= 5.0)).all()
        assert one.rate_texts(toy.queries, vectors[:0]).shape == (len(toy.queries), 0)

    def test_a_pair_does_not_read_its_own_review(self) -> None:
        """Of a user with one review, another text of it changes no rating of the same item."""
        toy = self.toy()
        reviews = toy.dataset.events.reviews
        assert reviews is not None
        row = int(np.flatnonzero(toy.dataset.events.users == 8)[0])
        numbers = np.array(reviews.numbers)
        numbers[row] = -1
        bare = toy.dataset.with_reviews(replace(reviews, numbers=numbers))
        index = toy.dataset.events.items[[row]][None]
        query = toy.queries.take(np.array([8]))
        before = self.ratings(self.fitted(toy.dataset), query, index)
        after = self.ratings(self.fitted(bare), query, index)
        np.testing.assert_allclose(after, before, atol=0.05)

    def test_without_ratings_nothing_is_predicted(self) -> None:
        """A fit without ratings is none that fails: every rating is NaN."""
        toy = self.prepared(toys.shop())
        one = self.fitted(toy.dataset)
        assert np.isnan(one.rate(toy.queries, self.index(toy.queries, 3))).all()
        assert np.isnan(one.rate_texts(toy.queries, np.zeros((2, 8), np.float32))).all()

    def test_a_forgotten_user_is_rated_as_a_stranger(self) -> None:
        """What a user rated and wrote is gone; the original is left as it was."""
        toy = self.toy()
        one, n = self.fitted(toy.dataset), toy.dataset.n_items
        index = self.index(toy.queries, n)
        before = self.ratings(one, toy.queries, index)
        fresh = copy(one)
        fresh.forget(change_of(toy.dataset, 0))
        np.testing.assert_array_equal(self.ratings(one, toy.queries, index), before)
        known = toy.queries.take(np.array([0]))
        stranger = replace(known, users=np.array([-1]))
        np.testing.assert_allclose(
            self.ratings(fresh, known, index[:1]),
            self.ratings(fresh, stranger, index[:1]),
            rtol=1e-5,
        )


def change_of(dataset: Dataset, user: int) -> EventChange:
    """Return the change that forgets one user of a dataset."""
    own = dataset.events.take(dataset.events.users == user)
    return EventChange.between(
        dataset.users, dataset.catalog, own, Events.empty(), has_clock=dataset.has_clock
    )
