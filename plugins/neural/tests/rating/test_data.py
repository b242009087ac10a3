"""From a dataset to what a rater reads: ratings, texts of items, reviews and tastes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.errors import ConfigError, DataError
from crossrec_neural.rating.data import read_ratings
from crossrec_neural.rating.rater import latest
from crossrec_neural.rating.settings import RatingSettings

SETTINGS = RatingSettings(text_size=4)


def test_rows_are_the_ratings_in_the_order_of_the_dataset(town) -> None:
    dataset = town(n_users=9)
    data, _ = read_ratings("rating", dataset, SETTINGS)
    np.testing.assert_array_equal(data.rows.users, dataset.events.users)
    np.testing.assert_array_equal(data.rows.ratings, dataset.events.reviews.ratings)
    np.testing.assert_array_equal(data.times, dataset.events.times)
    assert (data.n_users, data.n_items) == (9, 25)


def test_events_without_a_rating_are_no_rows_but_make_the_taste(town) -> None:
    dataset = town(n_users=9)
    reviews = dataset.events.reviews
    ratings = np.array(reviews.ratings)
    first = np.flatnonzero(dataset.events.users == 3)[0]
    ratings[first] = np.nan
    weights = np.array(dataset.events.weights)
    weights[first] = 1.0
    events = replace(dataset.events, reviews=replace(reviews, ratings=ratings), weights=weights)
    data, _ = read_ratings("rating", replace(dataset, events=events), SETTINGS)
    assert len(data) == len(dataset.events) - 1
    own = np.flatnonzero(data.rows.users == 3)
    np.testing.assert_allclose(
        data.taste[own[0]], data.items[dataset.events.items[first]], atol=1e-6
    )


def test_the_first_event_of_a_user_has_no_taste(town) -> None:
    data, _ = read_ratings("rating", town(n_users=9), SETTINGS)
    for user in range(9):
        assert (data.taste[np.flatnonzero(data.rows.users == user)[0]] == 0).all()


def test_what_is_disliked_is_no_taste(town) -> None:
    dataset = town(n_users=9)
    disliked = replace(dataset.events, weights=np.full(len(dataset.events), -1.0, np.float32))
    data, _ = read_ratings("rating", replace(dataset, events=disliked), SETTINGS)
    assert (data.taste == 0).all()


def test_reviews_have_rows_and_a_mark(town) -> None:
    dataset = town(n_users=9)
    numbers = np.array(dataset.events.reviews.numbers)
    numbers[:5] = -1
    some = dataset.with_reviews(replace(dataset.events.reviews, numbers=numbers))
    data, spaces = read_ratings("rating", some, SETTINGS)
    assert spaces.reviews.size == 4
    assert data.written.shape == (27, 5)
    assert data.written[:5].sum() == 0
    assert (data.written[5:, -1] == 1).all()
    np.testing.assert_allclose(np.linalg.norm(data.written[5:, :-1], axis=1), 1.0, atol=1e-5)


def test_the_space_of_reviews_is_learnt_of_those_in_use(town) -> None:
    """What nobody of the dataset wrote changes nothing, such as reviews of a test."""
    dataset = town(n_users=30)
    early = dataset.with_events(dataset.events.take(dataset.events.times < 86_400))
    reviews = early.events.reviews
    unused = np.setdiff1d(np.arange(len(reviews.texts)), reviews.numbers)
    vectors = np.array(reviews.vectors["transformer"])
    vectors[unused] = 7.0
    other = early.with_reviews(reviews.with_vectors("transformer", vectors))
    one, two = (read_ratings("rating", each, SETTINGS)[0] for each in (early, other))
    np.testing.assert_array_equal(one.written, two.written)


def test_reviews_can_be_left_out(town) -> None:
    data, spaces = read_ratings("rating", town(n_users=9), RatingSettings(reviews=False))
    assert data.written.shape == (27, 1)
    assert spaces.reviews.size == 0


def test_a_dataset_without_reviews_has_no_rows(town) -> None:
    dataset = town(n_users=9)
    bare = replace(dataset, events=replace(dataset.events, reviews=None))
    assert len(read_ratings("rating", bare, SETTINGS)[0]) == 0


def test_vectors_of_another_encoder_are_named(town) -> None:
    with pytest.raises(ConfigError, match="no vectors of encoder 'other'"):
        read_ratings("rating", town(n_users=9), RatingSettings(encoder="other"))


def test_the_latest_ratings_are_held_out_at_one_time(town) -> None:
    data, _ = read_ratings("rating", town(n_users=40), SETTINGS)
    learnt, held = latest(data, 0.1)
    assert data.times[learnt].max() < data.times[held].min()
    assert len(learnt) + len(held) == len(data)
    assert len(held) >= 12
    assert len(latest(data, 0.0)[1]) == 0
    level = replace(data, times=np.zeros(len(data)))
    assert len(latest(level, 0.1)[0]) == 0
    empty = replace(data, rows=data.rows.take(np.zeros(0, dtype=np.int64)))
    with pytest.raises(DataError, match="no ratings"):
        latest(empty, 0.1)
