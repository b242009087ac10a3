"""The traps of reading reviews: one's own, later ones, and ratings that a bias has seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.numeric.biased_factors import Penalties
from crossrec_neural.rating.data import RatingData, read_ratings
from crossrec_neural.rating.inputs import (
    PairInputs,
    above_usual,
    earlier_inputs,
    feature_width,
    unseen_biases,
)
from crossrec_neural.rating.settings import RatingSettings
from crossrec_neural.rating.tables import RatingTables

PENALTIES = Penalties(4.0, 4.0)
SETTINGS = RatingSettings(text_size=4)


@pytest.fixture
def data(town) -> RatingData:
    return read_ratings("rating", town(n_users=60), SETTINGS)[0]


def inputs(data: RatingData) -> PairInputs:
    bias = np.zeros((len(data), 2))
    return earlier_inputs(data, bias, above_usual(data.rows, data.n_items, 4.0))


def with_other_reviews(data: RatingData, rows: np.ndarray) -> RatingData:
    """Return the same ratings with other words in some rows."""
    written = np.array(data.written)
    written[rows, :-1] = 9.0
    return replace(data, written=written)


def row_of(pairs: PairInputs, at: int) -> np.ndarray:
    return pairs.take(np.array([at])).features(3.0)[0]


def test_the_review_of_a_rating_is_no_input_of_it(data) -> None:
    plain = inputs(data)
    for at in range(0, len(data), 7):
        changed = inputs(with_other_reviews(data, np.array([at])))
        np.testing.assert_allclose(row_of(changed, at), row_of(plain, at), atol=1e-5)


def test_no_later_review_is_an_input_and_an_earlier_one_is(data) -> None:
    plain = inputs(data)
    at = int(np.argsort(data.times)[len(data) // 2])
    later = np.flatnonzero(data.times >= data.times[at])
    changed = inputs(with_other_reviews(data, later))
    np.testing.assert_allclose(row_of(changed, at), row_of(plain, at), atol=1e-5)
    earlier = np.flatnonzero(data.times < data.times[at])
    own = earlier[data.rows.users[earlier] == data.rows.users[at]]
    assert len(own)
    moved = inputs(with_other_reviews(data, own))
    assert np.abs(row_of(moved, at) - row_of(plain, at)).max() > 0.1


def test_reviews_of_the_item_are_those_of_others(data) -> None:
    rows = data.rows
    again = np.array([0, 1])  # the first user rates one item twice, a day apart
    items = np.array(rows.items)
    items[again] = items[0]
    data = replace(data, rows=replace(rows, items=items))
    found = inputs(data)
    at = int(again[np.argmax(data.times[again])])
    earlier = (items == items[0]) & (data.times < data.times[at])
    others = earlier & (rows.users != rows.users[at])
    assert earlier.sum() == others.sum() + 1
    np.testing.assert_allclose(found.others[at], data.written[others, :-1].sum(axis=0), atol=1e-9)
    assert found.counts[at, 3] == others.sum()
    assert found.counts[at, 2] == 1  # the earlier one of the same item is the user's own


def test_a_bias_has_not_seen_the_rating_it_predicts(data) -> None:
    learnt = np.arange(len(data) - 40)
    bias, predicted = unseen_biases(data, learnt, PENALTIES, seed=1)
    for at in (0, 11, 57, len(data) - 1):
        ratings = np.array(data.rows.ratings)
        ratings[at] = 10.0 if ratings[at] < 5 else 0.0
        other = replace(data, rows=replace(data.rows, ratings=ratings))
        moved, again = unseen_biases(other, learnt, PENALTIES, seed=1)
        np.testing.assert_array_equal(moved[at], bias[at])
        assert again[at] == predicted[at]
        if at in learnt:
            assert (moved != bias).any()


def test_ratings_are_no_input_of_themselves(data) -> None:
    plain = inputs(data)
    for at in range(0, len(data), 13):
        ratings = np.array(data.rows.ratings)
        ratings[at] = 10.0 - ratings[at]
        changed = replace(data, rows=replace(data.rows, ratings=ratings))
        # The mean over all ratings moves a little with each of them.
        np.testing.assert_allclose(row_of(inputs(changed), at), row_of(plain, at), atol=0.02)


def test_when_serving_the_last_pair_reads_what_training_would(data) -> None:
    """For a user's latest rating, the sums without the pair are those of what came earlier."""
    data = replace(data, times=np.arange(len(data), dtype=np.float64))
    above = above_usual(data.rows, data.n_items, PENALTIES.items)
    at = np.array([len(data) - 1])
    trained = earlier_inputs(data, np.zeros((len(data), 2)), above).take(at)
    _, tables = RatingTables.of(data, PENALTIES)
    served = tables.inputs(data.rows.users[at], data.rows.items[at], trained.taste)
    for name in ("text", "taste", "liked", "own", "others", "counts"):
        np.testing.assert_allclose(
            getattr(served, name), getattr(trained, name), atol=1e-5, err_msg=name
        )


def test_strangers_have_nothing_of_their_own(data) -> None:
    _, tables = RatingTables.of(data, PENALTIES)
    taste = np.zeros((2, data.items.shape[1]))
    found = tables.inputs(np.array([-1, 10_000]), np.array([3, 3]), taste)
    assert (found.bias[:, 0] == 0).all()
    assert (found.own == 0).all()
    assert (found.liked == 0).all()
    assert (found.counts[:, [0, 2]] == 0).all()
    assert (found.others != 0).any()


def test_the_width_is_what_the_network_expects(data) -> None:
    found = inputs(data).features(3.0)
    assert found.shape == (len(data), feature_width(4, 4))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_few_reviews_count_less_than_many(data) -> None:
    found = inputs(data)
    one = found.take(np.array([0]))
    few = replace(one, own=one.own + 1.0, counts=np.array([[5.0, 5.0, 1.0, 0.0]]))
    many = replace(few, own=few.own * 9, counts=np.array([[5.0, 5.0, 9.0, 0.0]]))
    at = 3 * data.items.shape[1]  # where the user's own reviews begin
    ratio = many.features(3.0)[0, at] / few.features(3.0)[0, at]
    assert ratio == pytest.approx((9 / 12) / (1 / 4))
    assert many.gate(3.0)[0] == pytest.approx((5 / 8) ** 2)
