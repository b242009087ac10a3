"""Conformance of feature sets."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from crossrec.components.candidates import PAD
from crossrec.components.live_items import LiveItems
from crossrec.components.query import QueryBatch
from crossrec.components.rating import RATE
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.numeric.ragged import Ragged
from crossrec.testing import toy as toys
from crossrec.testing.base import RUN, Conformance, through_disk
from crossrec.testing.toy import Toy


class FeatureTests(Conformance, kit=True):
    """What every feature set must do."""

    kind: ClassVar[str] = "features"

    def toy(self, *, clock: bool = True) -> Toy:
        """Return the shop with the vectors that this set reads, and reviews where it rates."""
        toy = self.prepared(toys.shop(clock=clock))
        if RATE in self.registration().capabilities:
            return toys.with_reviews(toy, self.encoder_name())
        return toy

    def fitted(self, dataset: Dataset) -> Any:
        """Return a new set, fitted."""
        one = self.build()
        one.fit(dataset, RUN)
        return one

    def index(self, queries: QueryBatch, n_items: int) -> NDArray[np.int64]:
        """Return all items as the candidates of each query, with padding behind them."""
        row = np.append(np.arange(n_items), [PAD, PAD])
        return np.tile(row, (len(queries), 1))

    def compute(
        self, one: Any, queries: QueryBatch, dataset: Dataset, index: Any = None
    ) -> NDArray[np.float32]:
        """Compute the columns of all items and check their contract."""
        items = LiveItems(dataset.catalog, toys.SCHEMA)
        index = self.index(queries, len(items)) if index is None else index
        values: NDArray[np.float32] = one.compute(queries, index, items)
        assert values.dtype == np.float32, f"features are {values.dtype}, not float32"
        shape = (*index.shape, len(one.columns))
        assert values.shape == shape, f"features of shape {values.shape}, not {shape}"
        assert not np.isinf(values).any(), "a feature is infinite: NaN says that it is not known"
        assert np.isnan(values[index == PAD]).all(), "features of padding must be NaN"
        return values

    def test_columns_have_names(self) -> None:
        """The names are a tuple of distinct ones without a dot, the same for every object."""
        columns = self.build().columns
        assert isinstance(columns, tuple)
        assert columns
        assert len(set(columns)) == len(columns), "two columns of one name"
        assert all(name.strip() and "." not in name for name in columns)
        assert self.build().columns == columns

    @pytest.mark.parametrize("clock", [True, False])
    def test_something_is_known(self, clock: bool) -> None:
        """On the shop at least one column tells items from each other, with and without a clock."""
        toy = self.toy(clock=clock)
        values = self.compute(self.fitted(toy.dataset), toy.queries, toy.dataset)
        spread = [np.unique(column[~np.isnan(column)]).size for column in values.T]
        assert max(spread) > 1, "no column tells anything"

    def test_every_query_is_valid(self) -> None:
        """Unknown users, empty and odd histories, surfaces about items, no query at all."""
        toy = self.toy()
        one, n = self.fitted(toy.dataset), toy.dataset.n_items
        batch = toys.batch([[], [10], [11], [0, 0, 0], list(range(n))], toy.queries)
        self.compute(one, batch, toy.dataset)
        about = replace(batch, about=Ragged.from_rows([[2], [3, 4], [11], [5], [10]]))
        self.compute(one, about, toy.dataset)
        self.compute(one, replace(batch, now=None), toy.dataset)
        none = batch.take(np.zeros(0, dtype=np.int64))
        self.compute(one, none, toy.dataset)
        self.compute(one, batch, toy.dataset, np.zeros((len(batch), 0), dtype=np.int64))
        self.compute(one, batch, toy.dataset, np.full((len(batch), 3), PAD))

    def test_items_that_came_after_the_fit(self) -> None:
        """New items in a pool are no error, and change nothing for the others."""
        toy = self.toy()
        one = self.fitted(toy.dataset)
        before = self.compute(one, toy.queries, toy.dataset)
        grown = toys.with_items_like(toy, [0, 5])
        after = self.compute(one, toy.queries, grown)
        n = toy.dataset.n_items
        np.testing.assert_array_equal(after[:, :n], before[:, :n])

    def test_a_catalog_without_anything(self) -> None:
        """Where items have neither texts nor attributes, what is not known is NaN."""
        toy = self.toy()
        catalog = toy.dataset.catalog
        n = len(catalog)
        bare = replace(
            catalog,
            titles=("",) * n,
            texts=("",) * n,
            categories=((),) * n,
            creators=("",) * n,
            attributes={},
        )
        dataset = replace(toy.dataset, catalog=bare)
        self.compute(self.fitted(dataset), toy.queries, dataset)

    def test_no_events(self) -> None:
        """A scenario without events is fitted too."""
        toy = self.toy()
        empty = toy.dataset.with_events(toy.dataset.events.take(np.zeros(0, dtype=np.int64)))
        self.compute(self.fitted(empty), toys.batch([[], [3]], toy.queries), empty)

    def test_batch_equals_single(self) -> None:
        """A query gets the same features alone and in a batch."""
        toy = self.toy()
        one = self.fitted(toy.dataset)
        together = self.compute(one, toy.queries, toy.dataset)
        for row in range(len(toy.queries)):
            alone = self.compute(one, toy.queries.take(np.array([row])), toy.dataset)
            np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=1e-6)

    def test_a_candidate_has_its_own_features(self) -> None:
        """An item's features do not depend on its place among the candidates."""
        toy = self.toy()
        one = self.fitted(toy.dataset)
        index = self.index(toy.queries, toy.dataset.n_items)
        order = np.random.default_rng(4).permutation(index.shape[1])
        plain = self.compute(one, toy.queries, toy.dataset, index)
        mixed = self.compute(one, toy.queries, toy.dataset, np.ascontiguousarray(index[:, order]))
        np.testing.assert_allclose(mixed, plain[:, order], rtol=1e-5, atol=1e-6)

    def test_save_and_load(self, tmp_path: Path) -> None:
        """After a round trip through an artifact on disk, the features are the same."""
        toy = self.toy()
        one, restored = self.fitted(toy.dataset), self.build()
        restored.restore(through_disk(one.state(), tmp_path), toy.dataset.catalog)
        before = self.compute(one, toy.queries, toy.dataset)
        np.testing.assert_allclose(
            self.compute(restored, toy.queries, toy.dataset), before, rtol=1e-6
        )

    def test_a_second_fit_starts_anew(self) -> None:
        """Nothing remains of the fit before; one seed gives one result."""
        toy = self.toy()
        half = toy.dataset.with_events(toy.dataset.events.take(np.arange(9)))
        one = self.fitted(half)
        one.fit(toy.dataset, RUN)
        fresh = self.compute(self.fitted(toy.dataset), toy.queries, toy.dataset)
        np.testing.assert_array_equal(self.compute(one, toy.queries, toy.dataset), fresh)

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
        self.able(RATE)
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
        self.able(RATE)
        toy = self.toy()
        one, n = self.fitted(toy.dataset), toy.dataset.n_items
        assert np.isnan(self.ratings(one, toy.queries, np.full((10, 1), n))).all()

    def test_ratings_are_those_of_other_users_too(self) -> None:
        """A stranger is predicted to rate near the mean, and all predictions follow the ratings."""
        self.able(RATE)
        toy = self.toy()
        one, events = self.fitted(toy.dataset), toy.dataset.events
        predicted = self.ratings(one, toy.queries.take(events.users), events.items[:, None])[:, 0]
        assert events.reviews is not None
        truth = events.reviews.ratings
        wrong = ((predicted - truth) ** 2).mean()
        assert wrong < truth.var(), "predictions are further off than the mean of all ratings"

    def test_texts_are_rated(self) -> None:
        """A text that is no item has a rating; one without a vector has one, too."""
        self.able(RATE)
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
        self.able(RATE)
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
        self.able(RATE)
        toy = self.prepared(toys.shop())
        one = self.fitted(toy.dataset)
        assert np.isnan(one.rate(toy.queries, self.index(toy.queries, 3))).all()
        assert np.isnan(one.rate_texts(toy.queries, np.zeros((2, 8), np.float32))).all()

    def test_a_forgotten_user_is_rated_as_a_stranger(self) -> None:
        """What a user rated and wrote is gone; the original is left as it was."""
        self.able(RATE)
        self.able("forget")
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

    def test_what_rates_can_forget(self) -> None:
        """A set that keeps what users rated and wrote gives it back."""
        self.able(RATE)
        assert "forget" in self.registration().capabilities


def change_of(dataset: Dataset, user: int) -> EventChange:
    """Return the change that forgets one user of a dataset."""
    own = dataset.events.take(dataset.events.users == user)
    return EventChange.between(
        dataset.users, dataset.catalog, own, Events.empty(), has_clock=dataset.has_clock
    )
