"""Biases against the normal equations, factors against a rating matrix of rank one."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.numeric.biased_factors import (
    Penalties,
    RatingRows,
    choose_biases,
    choose_factors,
    fit_biased_factors,
)
from hypothesis import given
from hypothesis import strategies as st


def rows(users: list[int], items: list[int], ratings: list[float]) -> RatingRows:
    return RatingRows(np.array(users), np.array(items), np.array(ratings, dtype=np.float64))


def test_one_user_and_one_item_by_hand() -> None:
    # Two ratings of one item, 5 and 3: the mean is 4, and each user's bias is ±1 / (1 + 1).
    model = fit_biased_factors(rows([0, 1], [0, 0], [5, 3]), 3, 2, Penalties(1.0, 1.0))
    assert model.mean == 4.0
    np.testing.assert_allclose(model.users[:, 0], [0.5, -0.5, 0.0], atol=1e-6)
    np.testing.assert_allclose(model.items[:, 0], [0.0, 0.0], atol=1e-6)
    predicted = model.predict(np.array([0, 1, 2, -1, 0]), np.array([0, 0, 1, 0, -1]))
    np.testing.assert_allclose(predicted, [4.5, 3.5, 4.0, 4.0, 4.5], atol=1e-6)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(1, 5)),
        min_size=1,
        max_size=25,
    ),
    st.floats(0.5, 10),
    st.floats(0.5, 10),
)
def test_biases_solve_the_normal_equations(ratings, by_user: float, by_item: float) -> None:
    users, items, values = (np.array(column) for column in zip(*ratings, strict=True))
    model = fit_biased_factors(
        RatingRows(users, items, values.astype(float)), 4, 3, Penalties(by_user, by_item)
    )
    design = np.concatenate([np.eye(4)[users], np.eye(3)[items]], axis=1)
    penalty = np.diag([by_user] * 4 + [by_item] * 3)
    exact = np.linalg.solve(design.T @ design + penalty, design.T @ (values - values.mean()))
    np.testing.assert_allclose(
        np.concatenate([model.users[:, 0], model.items[:, 0]]), exact, atol=1e-4
    )


def test_factors_find_a_matrix_of_rank_one() -> None:
    rng = np.random.default_rng(1)
    taste, kind = rng.choice([-1.0, 1.0], 40), rng.choice([-1.0, 1.0], 30)
    users, items = (index.ravel() for index in np.meshgrid(range(40), range(30), indexing="ij"))
    ratings = 3.0 + taste[users] * kind[items]
    hidden = rng.random(len(users)) < 0.3
    whole = RatingRows(users, items, ratings)
    seen, other = whole.take(~hidden), whole.take(hidden)
    plain = fit_biased_factors(seen, 40, 30, Penalties(1.0, 1.0))
    deep = fit_biased_factors(seen, 40, 30, Penalties(1.0, 1.0, 0.5, 2))
    error = {
        name: float(((model.predict(other.users, other.items) - other.ratings) ** 2).mean())
        for name, model in {"biases": plain, "factors": deep}.items()
    }
    assert error["biases"] > 0.8
    assert error["factors"] < 0.02


def test_the_choice_goes_by_the_validation_part() -> None:
    rng = np.random.default_rng(2)
    users, items = rng.integers(0, 20, 600), rng.integers(0, 15, 600)
    own = rng.normal(0, 1, 20)
    strong = RatingRows(users, items, 3.0 + own[users])
    noise = RatingRows(users, items, rng.normal(3.0, 1.0, 600))
    first, last = np.arange(400), np.arange(400, 600)

    def chosen(whole: RatingRows) -> Penalties:
        return choose_biases(whole.take(first), whole.take(last), 20, 15)

    assert chosen(strong).users == 1.0
    assert chosen(noise).users == 32.0
    deep = choose_factors(noise.take(first), noise.take(last), 20, 15, chosen(noise))
    assert (deep.users, deep.items) == (chosen(noise).users, chosen(noise).items)
    assert deep.factors >= 10.0


def test_the_same_seed_gives_the_same_model() -> None:
    rng = np.random.default_rng(3)
    some = RatingRows(rng.integers(0, 9, 80), rng.integers(0, 7, 80), rng.normal(3, 1, 80))
    one, two = (fit_biased_factors(some, 9, 7, Penalties(1, 1, 2, 3), seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.users, two.users)


@pytest.mark.parametrize("size", [0, 3])
def test_no_ratings_and_no_items_are_no_error(size: int) -> None:
    none = rows([], [], [])
    model = fit_biased_factors(none, 2, 0, Penalties(1.0, 1.0, 1.0, size))
    assert model.predict(np.array([0, -1]), np.array([-1, -1])).tolist() == [0.0, 0.0]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.floats(1, 5)), min_size=1, max_size=20
    ),
    st.floats(-3, 3),
)
def test_all_ratings_higher_by_some_make_all_predictions_higher_by_as_much(ratings, more) -> None:
    users, items, values = (np.array(column) for column in zip(*ratings, strict=True))
    everyone, everything = (index.ravel() for index in np.indices((4, 3)))
    plain, higher = (
        fit_biased_factors(RatingRows(users, items, values + by), 4, 3, Penalties(2.0, 3.0))
        for by in (0.0, more)
    )
    np.testing.assert_allclose(
        higher.predict(everyone, everything), plain.predict(everyone, everything) + more, atol=1e-4
    )


@given(st.floats(0.5, 50), st.integers(1, 9))
def test_a_bias_from_as_many_ratings_as_the_penalty_is_halved(penalty: float, count: int) -> None:
    # One user rates many items once; another rates as many, as much lower.
    users = np.repeat([0, 1], count)
    items = np.arange(2 * count)
    values = np.repeat([4.0, 2.0], count)
    model = fit_biased_factors(
        RatingRows(users, items, values), 2, 2 * count, Penalties(penalty, 1e9)
    )
    np.testing.assert_allclose(
        model.users[:, 0], np.array([1.0, -1.0]) / (1 + penalty / count), atol=1e-4
    )
