"""The conditional logit and the ranker built on it: known answers, optimality, neutral gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.candidates import Pool
from crossrec.components.choice_model import fit_choices
from crossrec.components.linear_ranker import LinearConfig, LinearRanker
from crossrec.components.protocols import Examples, Ranker
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.errors import UsageError
from crossrec.numeric.ragged import Ragged
from hypothesis import given, settings
from hypothesis import strategies as st


def penalised(weights, columns, valid, chosen, prior, reg):
    """The loss, written as its definition says, row by row."""
    total = 0.5 * reg * np.square(weights - prior).sum()
    for x, there, picked in zip(columns, valid, chosen, strict=True):
        if picked.any() and picked.sum() < there.sum():
            utility = x @ weights
            total += np.log(np.exp(utility[there]).sum()) - utility[picked].mean()
    return total


def test_the_log_odds_of_two_alternatives():
    """Of 4 choices 3 fall on the item with the column: its weight is log 3 without a ridge."""
    columns = np.tile(np.array([[1.0], [0.0]]), (4, 1, 1))
    chosen = np.array([[True, False]] * 3 + [[False, True]])
    found = fit_choices(columns, np.ones((4, 2), bool), chosen, np.zeros(1), 1e-9)
    assert found == pytest.approx([np.log(3)], abs=1e-5)


def test_without_choices_the_prior_stays():
    prior = np.array([2.0, -1.0])
    columns, valid = np.ones((3, 2, 2)), np.ones((3, 2), bool)
    for chosen in (np.zeros((3, 2), bool), np.ones((3, 2), bool)):
        assert fit_choices(columns, valid, chosen, prior, 1.0).tolist() == [2.0, -1.0]
    assert fit_choices(columns[:0], valid[:0], valid[:0], prior, 1.0).tolist() == [2.0, -1.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10))
def test_no_step_in_any_direction_is_better(seed, reg):
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(6, 5, 3)) * 3
    valid = rng.random((6, 5)) < 0.8
    chosen = valid & (rng.random((6, 5)) < 0.3)
    prior = rng.normal(size=3)
    columns[~valid] = 0.0
    best = fit_choices(columns, valid, chosen, prior, reg)
    loss = penalised(best, columns, valid, chosen, prior, reg)
    for step in np.vstack([np.eye(3), -np.eye(3)]) * 0.01:
        assert penalised(best + step, columns, valid, chosen, prior, reg) >= loss - 1e-9


def pool_of(scores, columns=(), features=None):
    """Return a pool of the sources a and b in which every item is proposed."""
    scores = np.asarray(scores, dtype=np.float32)
    order = np.argsort(np.argsort(-scores, axis=1), axis=1)
    n, m, _ = scores.shape
    return Pool(
        np.tile(np.arange(m), (n, 1)),
        scores,
        order,
        ("a", "b"),
        scores.mean(axis=1),
        scores.std(axis=1),
        columns,
        None if features is None else np.asarray(features, dtype=np.float32),
    )


def noise(n=60, m=8, seed=0):
    return np.random.default_rng(seed).random((n, m, 2))


def queries(n):
    return QueryBatch.from_histories(Ragged.empty(n))


def fitted(pool, targets, **config):
    ranker = LinearRanker(LinearConfig(**config))
    examples = Examples(queries(len(pool)), pool, Ragged.from_rows(np.asarray(targets)[:, None]))
    ranker.fit(None, examples, RunOptions())
    return ranker


def test_is_a_ranker():
    assert isinstance(LinearRanker(), Ranker)


def test_the_source_that_is_right_gets_the_weight():
    pool = pool_of(noise())
    ranker = fitted(pool, pool.scores[..., 1].argmax(axis=1))
    right = ranker.weights["score b"] + ranker.weights["rank b"]
    assert right > 3 * abs(ranker.weights["score a"] + ranker.weights["rank a"])
    shares = ranker.contributions(pool)
    best = pool.scores[..., 1].argmax(axis=1)
    rows = np.arange(len(pool))
    assert (shares[rows, best, 1] > shares[rows, best, 0]).mean() > 0.9


def test_features_decide_where_sources_know_nothing():
    rng = np.random.default_rng(1)
    features = np.stack([rng.random((60, 8)), rng.random((60, 8))], axis=2)
    pool = pool_of(noise(), ("set.right", "set.noise"), features)
    targets = features[..., 0].argmin(axis=1)
    ranker = fitted(pool, targets)
    assert ranker.weights["set.right"] < -1
    assert abs(ranker.weights["set.noise"]) < 0.5
    assert (ranker.score(queries(60), pool).argmax(axis=1) == targets).mean() > 0.8
    assert ranker.features() == ("set.right", "set.noise")


def test_only_the_named_features_are_read():
    features = np.random.default_rng(1).random((60, 8, 3))
    pool = pool_of(noise(), ("one.x", "one.y", "two.x"), features)
    targets = np.zeros(60, dtype=int)
    assert fitted(pool, targets, features=("one",)).features() == ("one.x", "one.y")
    assert fitted(pool, targets, features=("two.x", "one.y")).features() == ("one.y", "two.x")
    with pytest.raises(UsageError, match=r"no feature 'three'; the pipeline has: one\.x, one\.y"):
        fitted(pool, targets, features=("three",))


def test_a_column_that_never_differs_is_not_read():
    features = np.full((60, 8, 2), 3.0)
    features[..., 1] = np.nan
    ranker = fitted(pool_of(noise(), ("s.same", "s.none"), features), np.zeros(60, dtype=int))
    assert ranker.features() == ()


def test_what_is_not_known_counts_as_the_mean():
    features = np.random.default_rng(1).random((60, 8, 1))
    pool = pool_of(noise(), ("s.x",), features)
    ranker = fitted(pool, features[..., 0].argmax(axis=1))
    mean = replace(pool, features=np.full_like(pool.features, ranker.scales["s.x"][0]))
    gone = replace(pool, columns=(), features=None)
    left, right = (ranker.score(queries(60), one) for one in (mean, gone))
    np.testing.assert_allclose(left, right, atol=1e-5)


def test_an_outlier_does_not_decide_alone():
    features = np.random.default_rng(1).random((60, 8, 1))
    pool = pool_of(noise(), ("s.x",), features)
    ranker = fitted(pool, features[..., 0].argmax(axis=1))
    far, farther = (
        ranker.score(queries(60), replace(pool, features=np.full_like(pool.features, value)))
        for value in (1e3, 1e30)
    )
    np.testing.assert_array_equal(far, farther)


def test_without_examples_all_sources_have_one_vote():
    pool = pool_of(noise(4))
    empty = pool.take(np.zeros(0, dtype=np.int64))
    ranker = fitted(empty, np.zeros((0,), dtype=int))
    z = (pool.scores - pool.mean[:, None]) / pool.std[:, None]
    np.testing.assert_allclose(ranker.score(queries(4), pool), z.sum(axis=2), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(LinearRanker().score(queries(4), pool), z.sum(axis=2), atol=1e-5)


def test_at_most_so_many_queries_are_learnt_from():
    pool = pool_of(noise())
    targets = pool.scores[..., 1].argmax(axis=1)
    few = fitted(pool, targets, queries=5)
    again = fitted(pool, targets, queries=5)
    assert few.weights == again.weights != fitted(pool, targets).weights
