"""Errors and AUC by hand, against scikit-learn's definition, and under the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.evaluation.rating.figures import Liking, error_figures
from crossrec.evaluation.significance import bootstrap_means
from hypothesis import given
from hypothesis import strategies as st


def figures(predicted, truth, users, **options):
    settings = {"resamples": 200, "seed": 1, **options}
    return error_figures(
        np.array(predicted, float), np.array(truth, float), np.array(users), 3.0, **settings
    )


def test_errors_by_hand() -> None:
    found = figures([4, 2, 5], [5, 2, 2], [7, 7, 9])
    assert found.metrics["mse"] == pytest.approx((1 + 0 + 9) / 3)
    assert found.metrics["mae"] == pytest.approx((1 + 0 + 3) / 3)
    # One liked (predicted 4), two not (2 and 5): one of two pairs is in order.
    assert found.metrics["auc"] == 0.5
    np.testing.assert_allclose(found.by_user["mse"], [1 * 2 / 3, 9 * 2 / 3])
    assert found.by_user["mae"].mean() == pytest.approx(found.metrics["mae"])


def test_ties_count_by_half_and_no_pair_is_undefined() -> None:
    assert figures([3, 3], [5, 1], [0, 1]).metrics["auc"] == 0.5
    assert np.isnan(figures([3, 3], [5, 4], [0, 1]).metrics["auc"])


@given(
    st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=2, max_size=30),
    st.integers(0, 10),
)
def test_auc_counts_pairs(rows, seed) -> None:
    predicted = np.array([row[0] for row in rows], float)
    liked = np.array([row[1] for row in rows])
    weights = np.random.default_rng(seed).integers(0, 3, len(rows)).astype(float)
    won = pairs = 0.0
    for a in np.flatnonzero(liked):
        for b in np.flatnonzero(~liked):
            count = weights[a] * weights[b]
            pairs += count
            won += count * ((predicted[a] > predicted[b]) + 0.5 * (predicted[a] == predicted[b]))
    found = Liking.of(predicted, liked).auc(weights[None])[0]
    assert found == pytest.approx(won / pairs if pairs else float("nan"), nan_ok=True)


def test_users_are_drawn_with_all_their_ratings() -> None:
    rng = np.random.default_rng(5)
    users = rng.integers(0, 30, 400)
    truth = rng.integers(1, 6, 400)
    predicted = truth + rng.normal(0, 1, 400) + np.where(users < 5, 2.0, 0.0)
    found = figures(predicted, truth, users, resamples=400)
    for name, drawn in found.drawn.items():
        assert drawn.shape == (400,)
        assert drawn.mean() == pytest.approx(found.metrics[name], rel=0.05)
    by_rating = ((predicted - truth) ** 2).std() / np.sqrt(400)
    assert found.drawn["mse"].std() > 1.3 * by_rating, "ratings of one user are no ten people's"


def test_draws_are_those_of_every_other_report() -> None:
    rng = np.random.default_rng(6)
    truth, predicted = rng.integers(1, 6, 50).astype(float), rng.normal(3, 1, 50)
    found = figures(predicted, truth, np.arange(50), resamples=30)
    means = bootstrap_means(((predicted - truth) ** 2)[:, None], resamples=30, seed=1)
    np.testing.assert_allclose(found.drawn["mse"], means[:, 0])


def test_more_numbers_at_once_change_no_draw(monkeypatch) -> None:
    from crossrec.evaluation import significance

    args = ([4, 2, 5, 3], [5, 2, 2, 4], [7, 7, 9, 8])
    whole = figures(*args)
    monkeypatch.setattr(significance, "_DRAWS_AT_ONCE", 10)
    small = figures(*args)
    for name in whole.drawn:
        np.testing.assert_allclose(small.drawn[name], whole.drawn[name])
