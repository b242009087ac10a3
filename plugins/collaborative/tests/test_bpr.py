"""BPR: determinism, the fold-in and the part of the bias."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative.bpr import Bpr, BprConfig, _mean_rows

Build = Callable[..., Dataset]
BatchOf = Callable[..., QueryBatch]


def fitted(dataset: Dataset, seed: int = 0, **settings: object) -> Bpr:
    source = Bpr(BprConfig.model_validate({"embedding_size": 5, "epochs": 20, **settings}))
    source.fit(dataset, RunOptions(seed=seed, threads=4))
    return source


def test_a_new_user_is_the_scaled_mean_of_the_history(
    random_dataset: Dataset, batch_of: BatchOf
) -> None:
    source = fitted(random_dataset)
    arrays = source.state().arrays
    vectors, _ = source.user_vectors(batch_of([[1, 2, 2]]))
    mean = arrays["items"][[1, 2, 2], :-1].mean(axis=0)
    np.testing.assert_allclose(vectors[0, :-1], arrays["scale"][0] * mean, rtol=1e-5)
    assert vectors[0, -1] == 1  # takes the item's bias in full


def test_the_scale_is_the_least_squares_one(random_dataset: Dataset) -> None:
    """No other factor brings the means closer to the fitted users."""
    arrays = fitted(random_dataset).state().arrays
    means = np.stack(
        [arrays["items"][random_dataset.sequences.row(u), :-1].mean(axis=0) for u in range(40)]
    )
    own = arrays["users"][:, :-1]

    def distance(scale: float) -> float:
        return float(np.square(own - scale * means).sum())

    best = float(arrays["scale"][0])
    assert distance(best) < min(distance(best * 0.99), distance(best * 1.01))


def test_deterministic_whatever_the_threads(random_dataset: Dataset) -> None:
    first, second = fitted(random_dataset).state().arrays, fitted(random_dataset).state().arrays
    for key in ("items", "users", "scale"):
        np.testing.assert_array_equal(first[key], second[key])
    other = fitted(random_dataset, seed=9).state().arrays
    assert not np.array_equal(first["items"], other["items"])


def test_popular_items_have_the_larger_bias(build: Build) -> None:
    rows = [[0, 1 + u % 5] for u in range(40)]
    arrays = fitted(build(rows, 6), epochs=100).state().arrays
    assert arrays["items"][:, -1].argmax() == 0


def test_strengths_and_bias_make_the_score(random_dataset: Dataset, batch_of: BatchOf) -> None:
    source = fitted(random_dataset)
    table = source.state().arrays["items"]
    parts = source._contributions(np.array([1, 2]), np.array([1.0, 2.0]))
    scores = source.score(batch_of([[1, 2, 2]]), np.arange(28)[None, :])[0]
    np.testing.assert_allclose(
        (parts @ table.T).sum(0) + table[:, -1], scores, rtol=1e-3, atol=1e-5
    )


def test_users_without_events_do_not_matter(build: Build, batch_of: BatchOf) -> None:
    source = fitted(build([[0, 1], [], [1, 2]], 4))
    assert source.generate(batch_of([[]], users=[1]), 3).index.shape == (1, 0)
    assert set(source.generate(batch_of([[0]], users=[1]), 3).row(0).tolist()) == {1, 2}


def test_mean_rows_over_active_items_only() -> None:
    table = np.array([[1.0, 2], [3, 4]], dtype=np.float32)
    active = np.array([True, False, True])
    mean = _mean_rows(table, Ragged.from_rows([[0, 2], [], [2]]), active)
    np.testing.assert_allclose(mean, [[2, 3], [0, 0], [3, 4]])


@pytest.mark.parametrize("seed", range(3))
def test_learns_two_groups(seed: int, checkerboard: Dataset, batch_of: BatchOf) -> None:
    source = fitted(checkerboard, seed=seed, epochs=100)
    found = source.generate(batch_of([[0, 2, 4], [1, 3, 5]]), 20)
    assert {i % 2 for i in found.row(0)} == {0}
    assert {i % 2 for i in found.row(1)} == {1}
