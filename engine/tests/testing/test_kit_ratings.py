"""The kit passes right raters and finds faulty ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.state import State
from crossrec.plugins.registration import Registration
from crossrec.testing import RatingTests
from crossrec.testing.features import FeatureTests


class Means:
    """The mean of all ratings, and what each user and each item is above it, half."""

    columns: Any = ("mean",)

    def fit(self, dataset: Any, run: Any) -> None:
        rows = dataset.ratings
        self.mean = float(rows.ratings.mean()) if len(rows) else float("nan")
        above = rows.ratings - self.mean
        self.users, self.items = (
            np.bincount(index, above, minlength=n) / (1 + np.bincount(index, minlength=n))
            for index, n in ((rows.users, dataset.n_users), (rows.items, dataset.n_items))
        )

    def compute(self, queries: Any, index: Any, items: Any) -> Any:
        return self.rate(queries, index)[..., None]

    def of_users(self, queries: Any) -> Any:
        return np.append(self.users, 0.0)[queries.users][:, None]

    def rate(self, queries: Any, index: Any) -> Any:
        known = (index != PAD) & (index < len(self.items))
        found = self.mean + self.of_users(queries) + self.items[np.where(known, index, 0)]
        return np.where(known, np.clip(found, 1, 5), np.nan).astype(np.float32)

    def rate_texts(self, queries: Any, vectors: Any) -> Any:
        found = np.clip(self.mean + self.of_users(queries) + np.zeros(len(vectors)), 1, 5)
        return found.astype(np.float32)

    def forget(self, change: Any) -> None:
        self.users = np.array(self.users)
        self.users[change.users] = 0.0

    def state(self) -> State:
        return State({"users": self.users, "items": self.items}, {"mean": self.mean})

    def restore(self, state: State, catalog: Any) -> None:
        self.users, self.items = state.arrays["users"], state.arrays["items"]
        self.mean = state.values["mean"]


def registered(factory: Any, able: frozenset[str] = frozenset({"rate", "forget"})) -> Registration:
    return Registration("features", "mine", factory, capabilities=able, summary="a rater")


class TestMeans(RatingTests):
    registered = registered(Means)


def kit_for(one: type[Any]) -> RatingTests:
    able = getattr(one, "able", frozenset({"rate", "forget"}))
    return type("T", (RatingTests,), {"registered": registered(one, able)})()


class KeepsAll(Means):
    """Declares no `forget`."""

    able = frozenset({"rate"})


class LeavesTheScale(Means):
    def rate(self, queries: Any, index: Any) -> Any:
        return super().rate(queries, index) + np.float32(4)


class OfDoubles(Means):
    def rate(self, queries: Any, index: Any) -> Any:
        return super().rate(queries, index).astype(np.float64)


class RatesPadding(Means):
    def rate(self, queries: Any, index: Any) -> Any:
        return np.nan_to_num(super().rate(queries, index), nan=3.0)


class NoStrangers(Means):
    def rate(self, queries: Any, index: Any) -> Any:
        found = super().rate(queries, index)
        found[queries.users < 0] = np.nan
        return found


class ClaimsNewItems(Means):
    def rate(self, queries: Any, index: Any) -> Any:
        inside = np.where(index == PAD, PAD, np.minimum(index, len(self.items) - 1))
        return super().rate(queries, inside)


class Backwards(Means):
    def rate(self, queries: Any, index: Any) -> Any:
        return np.float32(6) - super().rate(queries, index)


class OneTextForAll(Means):
    def rate_texts(self, queries: Any, vectors: Any) -> Any:
        return super().rate_texts(queries, vectors)[:1]


class WildTexts(Means):
    def rate_texts(self, queries: Any, vectors: Any) -> Any:
        return super().rate_texts(queries, vectors) * np.float32(9)


class ReadsTheAnswer(Means):
    """Adds what was written about the item to the rating of the pair."""

    def fit(self, dataset: Any, run: Any) -> None:
        super().fit(dataset, run)
        events = dataset.events
        self.said = np.zeros((dataset.n_users, dataset.n_items))
        if events.reviews is not None:
            wrote = events.reviews.numbers >= 0
            self.said[events.users[wrote], events.items[wrote]] = 1.0

    def rate(self, queries: Any, index: Any) -> Any:
        said = np.append(self.said, np.zeros((1, self.said.shape[1])), axis=0)
        said = np.take_along_axis(said[queries.users], np.clip(index, 0, None), axis=1)
        return np.clip(super().rate(queries, index) - said, 1, 5).astype(np.float32)


class GuessesThree(Means):
    def rate(self, queries: Any, index: Any) -> Any:
        return np.where(index == PAD, np.nan, 3.0).astype(np.float32)


class NeedsRatings(Means):
    def fit(self, dataset: Any, run: Any) -> None:
        super().fit(dataset, run)
        self.mean = self.mean if self.mean == self.mean else 3.0


class RemembersAll(Means):
    def forget(self, change: Any) -> None:
        pass


class ForgetsForEverybody(Means):
    def forget(self, change: Any) -> None:
        self.users[change.users] = 0.0


FAULTS: list[tuple[type[Any], str]] = [
    (KeepsAll, "test_what_rates_can_forget"),
    (LeavesTheScale, "test_ratings_are_predicted_for_every_query"),
    (OfDoubles, "test_ratings_are_predicted_for_every_query"),
    (RatesPadding, "test_ratings_are_predicted_for_every_query"),
    (NoStrangers, "test_ratings_are_predicted_for_every_query"),
    (ClaimsNewItems, "test_items_after_the_fit_are_not_rated"),
    (Backwards, "test_ratings_follow_those_of_the_fit"),
    (GuessesThree, "test_ratings_follow_those_of_the_fit"),
    (OneTextForAll, "test_texts_are_rated"),
    (WildTexts, "test_texts_are_rated"),
    (ReadsTheAnswer, "test_a_pair_does_not_read_its_own_review"),
    (NeedsRatings, "test_without_ratings_nothing_is_predicted"),
    (RemembersAll, "test_a_forgotten_user_is_rated_as_a_stranger"),
    (ForgetsForEverybody, "test_a_forgotten_user_is_rated_as_a_stranger"),
]


@pytest.mark.parametrize(("one", "test"), FAULTS, ids=[fault[0].__name__ for fault in FAULTS])
def test_a_faulty_rater_is_found(one: type[Any], test: str) -> None:
    getattr(kit_for(Means), test)()
    with pytest.raises((AssertionError, IndexError, KeyError, ValueError)):
        getattr(kit_for(one), test)()


def test_every_test_of_the_kit_finds_a_fault() -> None:
    there = {name for name in vars(RatingTests) if name.startswith("test_")}
    assert there == {test for _, test in FAULTS}


def test_what_rates_is_tested_as_a_feature_set_too() -> None:
    assert issubclass(RatingTests, FeatureTests)
    assert "test_save_and_load" in dir(RatingTests)
