"""The textbook's cosine between users, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec_collaborative.user_knn import UserKnn, UserKnnConfig

Build = Callable[..., Dataset]
BatchOf = Callable[..., QueryBatch]


def fitted(dataset: Dataset, **settings: object) -> UserKnn:
    source = UserKnn(UserKnnConfig.model_validate(settings))
    source.fit(dataset, RunOptions())
    return source


def test_classic_example(build: Build, batch_of: BatchOf) -> None:
    """Ratings (4, 3) and (5, 2): (4·5 + 3·2) / (5 · √29) = 26 / (5 · √29) = 0.9656."""
    source = fitted(build([[0, 1], [0, 1]], 2, weights=[[4, 3], [5, 2]]))
    similarity = source.similarities(batch_of([[0, 1]], users=[0]))
    assert similarity[1] == pytest.approx(26 / (5 * np.sqrt(29)))
    assert similarity[1] == pytest.approx(0.9656, abs=5e-5)
    assert similarity[0] == 0  # nobody is their own neighbour


def test_the_norm_is_over_all_items_not_only_the_shared(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1, 2], [0]], 3, weights=[[1, 2, 2], [5]]))
    assert source.similarities(batch_of([[0]], users=[1]))[0] == pytest.approx(1 / 3)


def test_a_history_is_enough(build: Build, batch_of: BatchOf) -> None:
    """History {0, 1} against (1, 1, 1): 2 / (√2 · √3)."""
    source = fitted(build([[0, 1, 2], [3, 4]], 5))
    queries = batch_of([[0, 1]])
    np.testing.assert_allclose(source.similarities(queries), [2 / np.sqrt(6), 0])
    found = source.generate(queries, 5)
    assert found.index.tolist() == [[2]]
    np.testing.assert_allclose(found.score, [[2 / np.sqrt(6)]], rtol=1e-6)


def test_an_item_that_comes_twice_counts_twice(build: Build, batch_of: BatchOf) -> None:
    """History 0, 0, 1 = (2, 1) against (1, 0, 1): 2 / (√5 · √2)."""
    source = fitted(build([[0, 2]], 3))
    assert source.similarities(batch_of([[0, 0, 1]]))[0] == pytest.approx(2 / np.sqrt(10))


def test_items_newer_than_the_fit_weigh_one(build: Build, batch_of: BatchOf) -> None:
    """User 0 was fitted with (4, 3, 0); now item 2 came: (4, 3, 1)."""
    source = fitted(build([[0, 1], [2]], 3, weights=[[4, 3], [2]]))
    similarity = source.similarities(batch_of([[0, 1, 2]], users=[0]))
    assert similarity[1] == pytest.approx(2 / (np.sqrt(26) * 2))


def test_score_is_the_weighted_sum_over_neighbours(build: Build, batch_of: BatchOf) -> None:
    rows = [[0, 1, 2], [0, 2, 3], [4]]
    source = fitted(build(rows, 5, weights=[[1, 1, 2], [1, 1, 5], [1]]))
    first, second, third = source.similarities(batch_of([[0]]))
    assert third == 0
    scores = source.score(batch_of([[0]]), np.array([[1, 2, 3, 4]]))[0]
    np.testing.assert_allclose(scores[:3], [first, 2 * first + second, 5 * second], rtol=1e-6)
    assert np.isnan(scores[3])


def test_only_the_nearest_count(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1, 2], [0, 3, 4, 5]], 6), neighbours=1)
    assert sorted(source.generate(batch_of([[0]]), 9).row(0).tolist()) == [1, 2]


def test_neighbours_do_not_include_oneself(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1], [0, 2]], 3), neighbours=1)
    known = batch_of([[0, 1]], users=[0], exclude=[[]])
    assert source.generate(known, 9).row(0).tolist() == [0, 2]


def test_the_reason_counts_people(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1, 9]] * 7 + [[0, 8]], 10))
    evidence = source.explain(batch_of([[0, 1]]), np.array([9, 8, 7]))
    assert evidence[0] is not None
    assert evidence[0].phrase == "chosen by 7 people with similar taste, such as for"
    assert evidence[0].history == (0, 1)
    assert evidence[0].strengths[0] == pytest.approx(evidence[0].strengths[1])
    assert evidence[1] is not None
    assert evidence[1].phrase.startswith("chosen by one person with")
    assert evidence[1].history == (0,)
    assert evidence[2] is None
