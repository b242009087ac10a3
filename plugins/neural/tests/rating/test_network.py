"""The network and its training: it starts as nothing, then as ridge regression, then learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from crossrec.components.run import RunOptions
from crossrec_neural.rating.inputs import PairInputs, feature_width
from crossrec_neural.rating.network import RatingNetwork
from crossrec_neural.rating.settings import RatingSettings, RatingTraining
from crossrec_neural.rating.training import RatingExamples, train

SETTINGS = RatingSettings(
    hidden=6,
    factors=2,
    dropout=0.0,
    training=RatingTraining(epochs=30, steps=1, batch_size=32, patience=8, learning_rate=0.01),
)
RUN = RunOptions(seed=5, threads=1)


def pairs(n: int = 400, seed: int = 1) -> PairInputs:
    """Return pairs of 20 users and 15 items with random features."""
    rng = np.random.default_rng(seed)
    users, items = rng.integers(0, 20, n), rng.integers(0, 15, n)
    return PairInputs(
        users,
        items,
        rng.normal(0, 0.3, (n, 2)),
        *(rng.normal(0, 1, (n, 3)) for _ in range(3)),
        *(rng.normal(0, 1, (n, 2)) for _ in range(2)),
        rng.integers(1, 9, (n, 4)).astype(float),
    )


def network(settings: RatingSettings = SETTINGS) -> RatingNetwork:
    return RatingNetwork(feature_width(3, 2), 20, 15, settings, "cpu")


def examples(left: np.ndarray, given: PairInputs) -> RatingExamples:
    n = len(given)
    return RatingExamples(given, left, np.arange(n * 3 // 4), np.arange(n * 3 // 4, n))


def test_at_first_nothing_is_added() -> None:
    one = network()
    one.begin(3)
    given = one.tensors(pairs())
    one.standardise(given)
    assert (one.added(given) == 0).all()


def test_features_are_read_in_units_of_their_spread() -> None:
    one = network()
    given = pairs()
    given = replace(given, bias=np.ones_like(given.bias))  # two features that never change
    tensors = one.tensors(given)
    one.standardise(tensors)
    found = one.standardised(tensors).numpy()
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=1e-5)
    spread = found.std(axis=0)
    np.testing.assert_allclose(spread[:-2], 1.0, atol=1e-4)
    assert (found[:, -2:] == 0).all()


def test_a_weighted_sum_is_found_by_ridge_regression() -> None:
    given = pairs()
    rng = np.random.default_rng(4)
    truth = given.features(3.0)[:, 2] * 0.8 + rng.normal(0, 0.1, len(given))
    one = network()
    errors, best = train(one, examples(truth, given), RUN, "r")
    assert errors[0] == pytest.approx(float((truth[300:] ** 2).mean()))
    assert errors[1] < 0.1 * errors[0]
    assert best >= 1
    assert errors[best] == min(errors)


def test_ridge_regression_equals_the_normal_equations() -> None:
    given = pairs()
    rng = np.random.default_rng(6)
    left = rng.normal(0, 1, len(given)) + given.features(3.0)[:, 0]
    once = SETTINGS.model_copy(
        update={"training": SETTINGS.training.model_copy(update={"learning_rate": 1e-12})}
    )
    one = network(once)
    _, best = train(one, examples(left, given), RUN, "r")
    assert best >= 1
    x = one.standardised(one.tensors(given)).numpy().astype(np.float64)[:300]
    found = one.sum.weight.detach().numpy()[0]
    penalties = 10.0 ** np.arange(1.0, 4.6, 0.5)
    exact = [
        np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ left[:300])
        for penalty in penalties
    ]
    away = [np.abs(found - weights).max() for weights in exact]
    assert min(away) < 1e-3


def test_the_hidden_layer_finds_what_no_sum_can() -> None:
    given = pairs(1200)
    features = given.features(3.0)
    truth = 1.5 * np.sign(features[:, 0]) * np.sign(features[:, 1])
    wide = SETTINGS.model_copy(update={"hidden": 32, "factors": 0})
    errors, best = train(network(wide), examples(truth, given), RUN, "r")
    assert best > 1
    assert errors[best] < 0.8 * errors[1]


def test_own_vectors_find_who_likes_what() -> None:
    given = pairs(1500)
    given = replace(given, counts=np.full((1500, 4), 50.0))
    rng = np.random.default_rng(7)
    likes = rng.choice([-1.0, 1.0], (20, 1)) * rng.choice([-1.0, 1.0], (1, 15))
    truth = likes[given.users, given.items]
    errors = {}
    for factors in (0, 4):
        settings = SETTINGS.model_copy(update={"factors": factors})
        found, best = train(network(settings), examples(truth, given), RUN, "r")
        errors[factors] = found[best]
    assert errors[4] < 0.7 * errors[0]


def test_unknown_users_and_items_have_no_vectors_of_their_own() -> None:
    one = network()
    one.begin(2)
    with torch.no_grad():
        one.own.items.weight.fill_(1.0)
    given = pairs(6)
    known = one.added(one.tensors(given))
    for name in ("users", "items"):
        strange = replace(given, **{name: np.full(6, -1)})
        assert (one.added(one.tensors(strange)) == 0).all()
    assert (known != 0).all()
    nothing = replace(given, counts=np.zeros((6, 4)))
    assert (one.added(one.tensors(nothing)) == 0).all()


def test_noise_teaches_nothing() -> None:
    given = pairs(300)
    left = np.random.default_rng(9).normal(0, 1, 300)
    one = network()
    errors, best = train(one, examples(left, given), RUN, "r")
    assert errors[best] <= errors[0]
    assert errors[best] > 0.9 * errors[0]


def test_a_gain_within_noise_leaves_the_biases_alone() -> None:
    served = []
    for seed in range(8):
        given, one = pairs(120, seed=seed), network()
        left = np.random.default_rng(seed).normal(0, 1, 120)
        errors, best = train(one, examples(left, given), RUN, "r")
        served.append(best > 0)
        if not best:
            assert (one.added(one.tensors(given)) == 0).all()
            assert min(errors) <= errors[0]
    assert sum(served) <= 2


def test_the_same_seed_gives_the_same_weights_and_progress_is_shown() -> None:
    given = pairs(200)
    left = np.random.default_rng(9).normal(0, 1, 200)
    lines: list[str] = []
    loud = replace(RUN, progress=lambda message, done, total: lines.append(message))
    found = []
    for run in (loud, RUN):
        one = network()
        train(one, examples(left, given), run, "rating")
        found.append(one.arrays())
    for name, array in found[0].items():
        np.testing.assert_array_equal(array, found[1][name])
    assert lines[0] == "training rating: squared error " + lines[0].split("error ")[1]
    assert "biases alone" in lines[-1]


def test_a_quick_fit_trains_fewer_epochs() -> None:
    given = pairs(200)
    left = given.features(3.0)[:, 0] ** 2
    patient = SETTINGS.training.model_copy(update={"patience": 99})
    settings = SETTINGS.model_copy(update={"training": patient})
    counts = [
        len(train(network(settings), examples(left, given), replace(RUN, effort=effort), "r")[0])
        for effort in ("quick", "standard")
    ]
    assert counts[0] < counts[1] == 32


def test_weights_survive_a_round_trip() -> None:
    one, two = network(), network()
    train(one, examples(pairs().features(3.0)[:, 0], pairs()), RUN, "r")
    two.take(one.arrays())
    given = pairs(9, seed=8)
    np.testing.assert_array_equal(one.added(one.tensors(given)), two.added(two.tensors(given)))
