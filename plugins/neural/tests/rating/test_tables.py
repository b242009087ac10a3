"""What is known of users, items and pairs when ratings are predicted, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.numeric.biased_factors import Penalties, RatingRows, fit_biased_factors
from crossrec.numeric.ragged import Ragged
from crossrec_neural.rating.data import RatingData
from crossrec_neural.rating.inputs import above_usual, usual_ratings
from crossrec_neural.rating.tables import RatingTables
from hypothesis import given, settings
from hypothesis import strategies as st

PENALTIES = Penalties(2.0, 2.0)
#: Two directions of item texts; the third item has none.
TEXTS = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], dtype=np.float32)


def data_of(rows: list[tuple[int, int, float, float | None]], n_users: int = 3) -> RatingData:
    """Return ratings given as user, item, stars, and what was written, None for nothing."""
    users, items, stars = (np.array([row[at] for row in rows]) for at in range(3))
    written = np.array([[row[3] or 0.0, row[3] is not None] for row in rows], dtype=np.float64)
    return RatingData(
        RatingRows(users, items, stars.astype(float)),
        np.arange(len(rows), dtype=np.float64),
        TEXTS,
        written,
        np.zeros((len(rows), 2)),
        n_users,
    )


ROWS = [(0, 0, 5.0, 0.8), (0, 1, 1.0, -0.6), (1, 0, 4.0, None), (1, 1, 2.0, 0.2)]


@pytest.fixture
def tables() -> RatingTables:
    return RatingTables.of(data_of(ROWS), PENALTIES)[1]


def inputs(tables: RatingTables, user: int, item: int):
    return tables.inputs(np.array([user]), np.array([item]), np.zeros((1, 2)))


def test_usual_ratings_are_drawn_to_the_mean() -> None:
    rows = data_of(ROWS).rows
    # Item 0 has 5 and 4 around a mean of 3: (2 + 1) / (2 + 2); item 1 (-2 - 1) / 4; item 2 nothing.
    np.testing.assert_allclose(usual_ratings(rows, 3, 2.0), [0.75, -0.75, 0.0])
    np.testing.assert_allclose(above_usual(rows, 3, 2.0), [1.25, -1.25, 0.25, -0.25])


def test_biases_are_those_of_the_bias_model() -> None:
    data = data_of(ROWS)
    mean, tables = RatingTables.of(data, PENALTIES)
    model = fit_biased_factors(data.rows, 3, 3, PENALTIES)
    assert mean == model.mean == 3.0
    np.testing.assert_array_equal(tables.user_bias, model.users[:, 0])
    np.testing.assert_array_equal(tables.item_bias, model.items[:, 0])


def test_a_pair_that_was_rated_does_not_count_for_itself(tables) -> None:
    found = inputs(tables, 0, 0)
    assert found.own[0] == pytest.approx(-0.6)  # what was written of the other item
    assert found.others[0, 0] == 0.0  # the other user wrote nothing of it
    np.testing.assert_allclose(found.liked[0], [0.0, -1.25])
    assert found.counts[0].tolist() == [1, 1, 1, 0]
    found = inputs(tables, 0, 1)
    assert found.own[0] == pytest.approx(0.8)
    assert found.others[0] == pytest.approx(0.2)
    np.testing.assert_allclose(found.liked[0], [1.25, 0.0])
    assert found.counts[0].tolist() == [1, 1, 1, 1]


def test_a_pair_that_was_not_rated_has_everything(tables) -> None:
    found = inputs(tables, 0, 2)
    assert found.own[0] == pytest.approx(0.2)
    np.testing.assert_allclose(found.liked[0], [1.25, -1.25])
    assert found.counts[0].tolist() == [2, 0, 2, 0]
    assert (found.text == 0).all()
    stranger = inputs(tables, -1, 1)
    assert stranger.others[0] == pytest.approx(-0.4)
    assert stranger.counts[0].tolist() == [0, 2, 0, 2]


def test_a_pair_that_was_rated_twice_counts_for_itself_not_once() -> None:
    data = data_of([*ROWS, (0, 0, 3.0, 0.1)])
    found = inputs(RatingTables.of(data, PENALTIES)[1], 0, 0)
    assert found.own[0] == pytest.approx(-0.6)
    assert found.counts[0].tolist() == [1, 1, 1, 0]


def test_a_text_has_what_its_user_has_and_nothing_of_an_item(tables) -> None:
    text = np.array([[0.5, 0.5]])
    found = tables.inputs_of_texts(np.array([1]), text, np.zeros((1, 2)))
    assert found.items.tolist() == [-1]
    assert found.bias[0].tolist() == [tables.user_bias[1], 0.0]
    assert found.own[0] == pytest.approx(0.2)
    assert found.others.tolist() == [[0.0]]
    assert found.counts[0].tolist() == [2, 0, 1, 0]
    np.testing.assert_array_equal(found.text, text)


def test_tastes_are_means_of_what_the_fit_knows(tables) -> None:
    history = Ragged.from_rows([[0, 1], [], [1, 1, 7], [9]])
    np.testing.assert_allclose(tables.tastes(history), [[0.5, 0.5], [0, 0], [0, 1], [0, 0]])


def test_arrays_make_the_tables_again(tables) -> None:
    again = RatingTables.restored(tables.arrays())
    for name, array in tables.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)
    assert again.n_items == 3


def test_without_a_user_the_others_are_as_if_nothing_had_been(tables) -> None:
    rest = tables.without(np.array([0]))
    fresh = RatingTables.of(data_of(ROWS[2:]), PENALTIES)[1]
    for name in ("others", "item_ratings", "pairs", "pair_ratings", "pair_written"):
        np.testing.assert_allclose(getattr(rest, name), getattr(fresh, name), err_msg=name)
    assert rest.own[0].tolist() == [0, 0]
    np.testing.assert_array_equal(rest.own[1], tables.own[1])
    assert inputs(rest, 1, 0).counts[0, 3] == 0
    np.testing.assert_array_equal(
        tables.own[0], RatingTables.of(data_of(ROWS), PENALTIES)[1].own[0]
    )


def test_no_pairs_are_no_error() -> None:
    data = data_of(ROWS)
    none = np.zeros(0, dtype=np.int64)
    bare = replace(
        data,
        rows=data.rows.take(none),
        times=data.times[none],
        written=data.written[none],
        taste=data.taste[none],
    )
    rest = RatingTables.of(data, PENALTIES)[1].without(np.arange(3))
    assert len(rest.pairs) == 0
    assert inputs(rest, 0, 1).counts.sum() == 0
    assert len(bare) == 0


Rating = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.integers(1, 5), st.one_of(st.none(), st.floats(-1, 1))
)


@settings(max_examples=50)
@given(st.lists(Rating, min_size=1, max_size=15), st.integers(0, 2), st.integers(0, 2))
def test_sums_without_the_pair_are_sums_over_the_others(rows, user, item) -> None:
    data = data_of([(u, i, float(stars), said) for u, i, stars, said in rows])
    found = inputs(RatingTables.of(data, PENALTIES)[1], user, item)
    users, items = data.rows.users, data.rows.items
    pair = (users == user) & (items == item)
    own, others = (users == user) & ~pair, (items == item) & ~pair
    above = above_usual(data.rows, 3, PENALTIES.items)
    np.testing.assert_allclose(found.own[0], data.written[own, :-1].sum(axis=0), atol=1e-5)
    np.testing.assert_allclose(found.others[0], data.written[others, :-1].sum(axis=0), atol=1e-5)
    liked = (above[own, None] * TEXTS[items[own]]).sum(axis=0)
    np.testing.assert_allclose(found.liked[0], liked, atol=1e-5)
    counts = [own.sum(), others.sum(), data.written[own, -1].sum(), data.written[others, -1].sum()]
    assert found.counts[0].tolist() == counts
