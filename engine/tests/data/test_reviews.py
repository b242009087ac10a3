"""Ratings on one scale, texts that stay with their events, and the two controls."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.reviews import (
    RatingScale,
    Reviews,
    event_ratings,
    rating_scale,
    rating_types,
)
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import EventType, ItemSchema, Scenario, Surface
from hypothesis import given
from hypothesis import strategies as st

STARS = RatingScale(1.0, 5.0)
NONE = float("nan")


def scenario(*events: EventType) -> Scenario:
    schema = ItemSchema((), "{title}")
    return Scenario("s", "", events, schema, (Surface("home"),), "", events[0].name, "home")


def reviews(ratings: list[float], numbers: list[int], texts: tuple[str, ...]) -> Reviews:
    return Reviews(np.array(ratings), np.array(numbers, dtype=np.int64), texts, STARS)


RATED = scenario(
    EventType("view"),
    EventType("rating", value="rating", value_range=(1, 5)),
    EventType("thumbs", value="rating", value_range=(0, 1)),
    EventType("money", value="money"),
)


def test_the_first_rating_gives_the_scale() -> None:
    assert [event.name for event in rating_types(RATED)] == ["rating", "thumbs"]
    assert rating_scale(RATED) == STARS
    assert STARS.neutral == 3.0
    assert STARS.clip(np.array([0.0, 4.2, 9.0])).tolist() == [1.0, 4.2, 5.0]


def test_a_scenario_without_ratings_has_no_scale() -> None:
    bare = scenario(EventType("view"))
    assert rating_scale(bare) is None
    assert np.isnan(event_ratings(np.zeros(2, np.int64), np.array([4.0, 5.0]), bare)).all()


def test_ratings_of_all_types_are_on_one_scale() -> None:
    types = np.array([0, 1, 1, 1, 2, 2, 3, 1], dtype=np.int64)
    values = np.array([4.0, 4.0, 9.0, -1.0, 0.0, 0.5, 7.0, NONE])
    found = event_ratings(types, values, RATED)
    np.testing.assert_array_equal(found, [NONE, 4.0, 5.0, 1.0, 1.0, 3.0, NONE, NONE])


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20))
def test_every_rating_lies_within_the_scale(values: list[float]) -> None:
    for kind in (1, 2):
        found = event_ratings(np.full(len(values), kind), np.array(values), RATED)
        assert ((found >= 1.0) & (found <= 5.0)).all()


def test_events_keep_their_reviews_when_rows_are_taken() -> None:
    one = Events.from_columns([0, 1, 2], [0, 0, 1])
    own = reviews([1.0, NONE, 5.0], [1, -1, 0], ("good", "bad"))
    events = Events(one.users, one.items, one.types, one.times, one.weights, own)
    some = events.take(np.array([2, 0]))
    assert some.reviews is not None
    assert some.reviews.ratings.tolist() == [5.0, 1.0]
    assert [some.reviews.texts[number] for number in some.reviews.numbers] == ["good", "bad"]
    assert one.take(np.array([0])).reviews is None


def test_reviews_of_another_length_are_refused() -> None:
    one = Events.from_columns([0, 1], [0, 0])
    with pytest.raises(ValueError, match="equally long"):
        Events(one.users, one.items, one.types, one.times, one.weights, reviews([1.0], [-1], ()))
    with pytest.raises(ValueError, match="equally long"):
        reviews([1.0, 2.0], [-1], ())


def test_the_controls_touch_nothing_but_who_wrote_what() -> None:
    texts = tuple("abcdefgh")
    own = reviews([1.0] * 10, [0, -1, 1, 2, 3, 4, -1, 5, 6, 7], texts)
    bare, mixed = own.without_texts(), own.shuffled(1)
    assert (bare.numbers == -1).all()
    assert bare.ratings is own.ratings
    assert sorted(mixed.numbers.tolist()) == sorted(own.numbers.tolist())
    np.testing.assert_array_equal(mixed.numbers < 0, own.numbers < 0)
    assert mixed.numbers.tolist() != own.numbers.tolist()
    assert mixed.numbers.tolist() == own.shuffled(1).numbers.tolist()
    assert own.numbers.tolist() == [0, -1, 1, 2, 3, 4, -1, 5, 6, 7]


def test_vectors_belong_to_the_texts_and_survive_another_process() -> None:
    own = reviews([1.0, 2.0], [0, 0], ("once",)).with_vectors("e", np.ones((1, 3), np.float32))
    assert own.take(np.array([1])).vectors["e"].shape == (1, 3)
    copied = deepcopy(own)
    np.testing.assert_array_equal(copied.vectors["e"], own.vectors["e"])
    with pytest.raises(ValueError, match="2 vectors of 'e' for 1 texts"):
        own.with_vectors("e", np.ones((2, 3), np.float32))


def test_compact_reviews_have_only_the_texts_in_use() -> None:
    own = reviews([1.0, NONE, 5.0, 3.0], [2, -1, 0, 2], ("good", "of nobody", "bad"))
    found = own.with_vectors("e", np.ones((3, 2), np.float32)).compact()
    assert found.texts == ("good", "bad")
    assert found.numbers.tolist() == [1, -1, 0, 1]
    assert dict(found.vectors) == {}
    assert own.take(np.array([1])).compact().texts == ()


@given(st.lists(st.integers(-1, 4), max_size=12))
def test_compacting_changes_no_text_of_an_event(numbers: list[int]) -> None:
    own = reviews([1.0] * len(numbers), numbers, tuple("abcde"))
    found = own.compact()
    assert [found.texts[at] if at >= 0 else "" for at in found.numbers.tolist()] == [
        own.texts[at] if at >= 0 else "" for at in numbers
    ]
    assert set(found.numbers.tolist()) - {-1} == set(range(len(found.texts)))


def test_a_scale_in_words() -> None:
    assert STARS.unit == "stars from 1 to 5"
    assert RatingScale(0.5, 5).unit == "stars from 0.5 to 5"
    assert RatingScale(0, 100).unit == "ratings from 0 to 100"


def dataset(own: Reviews | None) -> Dataset:
    """Return four events of two people, the later ones first, with reviews if there are any."""
    one = Events.from_columns([1, 0, 1, 0], [0, 0, 1, 1], [9.0, 8.0, 3.0, 2.0])
    events = Events(one.users, one.items, one.types, one.times, one.weights, own)
    catalog = Catalog.of_texts(["first", "second"], "item")
    return Dataset.build(Vocabulary(["u0", "u1"]), catalog, events, has_clock=True)


def test_a_dataset_sorts_reviews_with_their_events() -> None:
    data = dataset(reviews([1.0, NONE, 3.0, 4.0], [0, 1, 2, -1], ("a", "b", "c")))
    assert data.events.reviews is not None
    assert data.events.reviews.numbers.tolist() == [-1, 1, 2, 0]
    assert data.rated_rows.tolist() == [0, 2, 3]
    assert data.ratings.users.tolist() == [0, 1, 1]
    assert data.ratings.items.tolist() == [1, 1, 0]
    assert data.ratings.ratings.tolist() == [4.0, 3.0, 1.0]
    assert data.interactions.reviews is not None
    assert len(data.interactions.reviews) == len(data.interactions)


def test_a_dataset_without_reviews_has_no_ratings() -> None:
    data = dataset(None)
    assert len(data.ratings) == 0
    assert data.rated_rows.tolist() == []


def test_other_reviews_leave_events_and_vectors() -> None:
    own = reviews([1.0, 2.0, 3.0, 4.0], [0, 1, 2, 3], tuple("abcd"))
    data = dataset(own).with_vectors("e", np.ones((2, 3), np.float32))
    bare = data.with_reviews(data.events.reviews.without_texts())
    assert bare.events.reviews.numbers.tolist() == [-1] * 4
    assert bare.events.times is data.events.times
    assert bare.vectors["e"] is data.vectors["e"]
    assert data.events.reviews.numbers.tolist() != [-1] * 4
    with pytest.raises(ValueError, match="equally long"):
        data.with_reviews(own.take(np.array([0])))


def test_texts_as_items_of_a_catalog() -> None:
    found = Catalog.of_texts(["one", ""], "text")
    assert found.texts == ("one", "")
    assert list(found.items.ids) == ["text 0", "text 1"]
    assert found.known.all()
    assert len(Catalog.of_texts([])) == 0
    joined = dataset(None).catalog.followed_by(found)
    assert joined.texts == ("first", "second", "one", "")
