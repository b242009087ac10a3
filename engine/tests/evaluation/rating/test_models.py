"""The three baselines of every table, and how a model becomes a control."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.evaluation.rating.models import (
    BIAS,
    FACTORS,
    MEAN,
    NO_REVIEWS,
    RatingModel,
    baselines,
)
from crossrec.evaluation.rating.split import HeldRatings, split_ratings
from crossrec.numeric.biased_factors import RatingRows


def crowd(rated, *, seed: int = 0, noise: float = 0.3):
    """Return 40 people with a level of their own who rate 12 items of some quality."""
    rng = np.random.default_rng(seed)
    level, quality = rng.normal(0, 0.8, 40), rng.normal(0, 0.5, 12)
    rows = []
    for at in range(900):
        user, item = int(rng.integers(0, 40)), int(rng.integers(0, 12))
        rating = 3.0 + level[user] + quality[item] + rng.normal(0, noise)
        rows.append((user, item, float(at), float(np.clip(rating, 1, 5))))
    return rated(rows)


def error(model: RatingModel, held: HeldRatings) -> float:
    return float(((model.predict(held) - held.rows.ratings) ** 2).mean())


def test_each_baseline_is_better_than_the_one_before_where_it_should_be(rated) -> None:
    split = split_ratings(crowd(rated), "temporal")
    models = {model.name: model for model in baselines(split, seed=1)}
    assert list(models) == [MEAN, BIAS, FACTORS]
    assert all(model.baseline for model in models.values())
    assert error(models[BIAS], split.test) < 0.3 * error(models[MEAN], split.test)
    assert error(models[FACTORS], split.test) < 1.3 * error(models[BIAS], split.test)


def test_penalties_are_chosen_on_validation_and_the_fit_has_it_too(rated) -> None:
    split = split_ratings(crowd(rated), "temporal")
    (mean, bias, factors) = baselines(split, seed=1)
    assert mean.predict(split.test)[0] == pytest.approx(split.learnt.ratings.ratings.mean())
    assert split.train.ratings.ratings.mean() != split.learnt.ratings.ratings.mean()
    assert "penalties" in bias.note
    assert "by validation" in bias.note
    assert "factors with penalty" in factors.note
    assert mean.note == ""


def test_the_test_takes_no_part(rated) -> None:
    dataset = crowd(rated)
    late = dataset.events.times >= 810
    reviews = dataset.events.reviews
    ratings = np.where(late, 6.0 - reviews.ratings, reviews.ratings)
    other = dataset.with_reviews(
        type(reviews)(ratings, reviews.numbers, reviews.texts, reviews.scale)
    )
    found = []
    for each in (dataset, other):
        split = split_ratings(each, "temporal")
        found.append([model.predict(split.test) for model in baselines(split, seed=1)])
        assert split.test.times.min() >= 810
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


def test_strangers_and_new_items_get_what_is_known(rated) -> None:
    split = split_ratings(crowd(rated), "temporal")
    mean, bias, factors = baselines(split, seed=1)
    nobody = HeldRatings(RatingRows(np.array([-1]), np.array([-1]), np.array([3.0])), np.zeros(1))
    assert bias.predict(nobody)[0] == pytest.approx(mean.predict(nobody)[0])
    assert factors.predict(nobody)[0] == pytest.approx(mean.predict(nobody)[0])


def test_a_control_keeps_what_it_is_of() -> None:
    model = RatingModel("mine", lambda held: np.zeros(len(held)), 1.5, note="chosen")
    control = model.as_control(NO_REVIEWS)
    assert (control.name, control.of, control.control) == (
        "mine (no reviews)",
        "mine",
        "no reviews",
    )
    assert control.predict is model.predict
    assert not control.baseline
    assert control.note == ""


def test_one_seed_one_result(rated) -> None:
    split = split_ratings(crowd(rated), "leave-one-out")
    one, two, other = (baselines(split, seed=seed)[2].predict(split.test) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
