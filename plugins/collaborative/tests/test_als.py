"""ALS: the user step against a plain solve, fold-in against fitted factors, implicit's traps."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec_collaborative.als import Als, AlsConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Build = Callable[..., Dataset]
BatchOf = Callable[..., QueryBatch]


def fitted(dataset: Dataset, seed: int = 0, threads: int = 1, **settings: object) -> Als:
    source = Als(AlsConfig.model_validate({"embedding_size": 6, "reg": 0.5, **settings}))
    source.fit(dataset, RunOptions(seed=seed, threads=threads))
    return source


def user_step(items: np.ndarray, confidence: np.ndarray, reg: float) -> np.ndarray:
    """Hu et al. (2008), equation 4, with every item in it."""
    y = items.astype(np.float64)
    left = y.T @ (confidence[:, None] * y) + reg * np.eye(y.shape[1])
    return np.linalg.solve(left, y.T @ (confidence * (confidence > 1)))


@pytest.mark.parametrize("length", [1, 3, 6, 7, 20])
def test_a_new_user_is_the_closed_form_of_one_step(
    length: int, random_dataset: Dataset, batch_of: BatchOf
) -> None:
    """Shorter and longer than the factors: two forms of the same solution."""
    source = fitted(random_dataset, alpha=4.0)
    history = list(range(length))
    confidence = np.ones(28)
    confidence[history] = 5.0
    expected = user_step(source.state().arrays["items"], confidence, 0.5)
    vectors, known = source.user_vectors(batch_of([history]))
    assert known.tolist() == [True]
    np.testing.assert_allclose(vectors[0], expected, rtol=1e-3, atol=1e-5)


def test_repeats_raise_the_confidence(random_dataset: Dataset, batch_of: BatchOf) -> None:
    source = fitted(random_dataset, alpha=4.0)
    confidence = np.ones(28)
    confidence[[2, 5]] = [13.0, 5.0]
    expected = user_step(source.state().arrays["items"], confidence, 0.5)
    np.testing.assert_allclose(
        source.user_vectors(batch_of([[2, 5, 2, 2]]))[0][0], expected, rtol=1e-3, atol=1e-5
    )


def test_an_event_of_a_new_history_weighs_as_the_mean_event(
    build: Build, batch_of: BatchOf
) -> None:
    light = fitted(build([[0, 1], [1, 2]], 3, weights=[[1, 3], [2, 2]]), alpha=4.0)
    assert light.state().arrays["event_weight"].tolist() == [2.0]
    confidence = np.array([9.0, 1.0, 1.0])
    expected = user_step(light.state().arrays["items"], confidence, 0.5)
    np.testing.assert_allclose(
        light.user_vectors(batch_of([[0]]))[0][0], expected, rtol=1e-3, atol=1e-5
    )


def test_fold_in_comes_near_the_fitted_user(random_dataset: Dataset, batch_of: BatchOf) -> None:
    """A user of the fit gets nearly the same as an unknown user with the same history."""
    source = fitted(random_dataset, iterations=60)
    histories = [list(dict.fromkeys(random_dataset.sequences.row(u).tolist())) for u in range(40)]
    folded, _ = source.user_vectors(batch_of(histories))
    known = source.state().arrays["users"]
    cosine = (folded * known).sum(1) / np.linalg.norm(folded, axis=1)
    assert np.median(cosine / np.linalg.norm(known, axis=1)) > 0.97


def test_known_users_keep_their_factors_until_their_history_changes(
    random_dataset: Dataset, batch_of: BatchOf
) -> None:
    source = fitted(random_dataset)
    row = random_dataset.sequences.row(3).tolist()
    users = source.state().arrays["users"]
    vectors, _ = source.user_vectors(batch_of([row, row[::-1], [*row, 1], row[:-1]], users=[3] * 4))
    np.testing.assert_array_equal(vectors[0], users[3])
    np.testing.assert_array_equal(vectors[1], users[3])
    assert not np.array_equal(vectors[2], users[3])
    assert not np.array_equal(vectors[3], users[3])


def test_a_forgotten_history_brings_nothing_back(
    random_dataset: Dataset, batch_of: BatchOf
) -> None:
    source = fitted(random_dataset)
    assert source.generate(batch_of([[]], users=[3]), 5).index.shape == (1, 0)


def test_items_without_events_have_no_factors(random_dataset: Dataset) -> None:
    arrays = fitted(random_dataset).state().arrays
    assert arrays["items"].shape == (28, 6)
    assert arrays["active"].tolist() == list(range(28))


def test_strengths_sum_to_the_score_of_the_folded_in_user(
    random_dataset: Dataset, batch_of: BatchOf
) -> None:
    source = fitted(random_dataset)
    queries = batch_of([[1, 2, 3, 3]])
    every = np.arange(28)
    table = source.state().arrays["items"]
    parts = source._contributions(np.array([1, 2, 3]), np.array([1.0, 1.0, 2.0]))
    np.testing.assert_allclose(
        (parts @ table.T).sum(0), source.score(queries, every[None, :])[0], rtol=1e-3, atol=1e-5
    )
    for item, evidence in zip(every, source.explain(queries, every)):
        terms = parts @ table[item]
        expected = sorted((t for t in terms if t > 0), reverse=True)
        given_strengths = [] if evidence is None else list(evidence.strengths)
        np.testing.assert_allclose(given_strengths, expected)


def test_one_item_explains_itself_through_its_companions(
    checkerboard: Dataset, batch_of: BatchOf
) -> None:
    source = fitted(checkerboard)
    (evidence,) = source.explain(batch_of([[2, 4, 6]]), np.array([8]))
    assert evidence is not None
    assert evidence.phrase == "fits the taste shown by"
    assert set(evidence.history) == {2, 4, 6}


def test_same_seed_same_factors_other_seed_others(random_dataset: Dataset) -> None:
    first, second, third = (fitted(random_dataset, seed=s).state().arrays for s in (1, 1, 2))
    np.testing.assert_array_equal(first["items"], second["items"])
    assert not np.array_equal(first["items"], third["items"])


def test_threads_do_not_change_the_factors(random_dataset: Dataset) -> None:
    one, two = (fitted(random_dataset, threads=t).state().arrays for t in (1, 2))
    np.testing.assert_allclose(one["items"], two["items"], rtol=1e-5, atol=1e-7)


def test_no_warning_about_blas_threads(random_dataset: Dataset) -> None:
    import implicit.utils

    implicit.utils._checked_blas_config = False  # it warns once a process
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(random_dataset)


def test_progress_counts_iterations(random_dataset: Dataset) -> None:
    seen: list[tuple[str, int, int]] = []
    run = RunOptions(threads=1, progress=lambda *args: seen.append(args))
    Als(AlsConfig(embedding_size=2, iterations=3)).fit(random_dataset, run)
    assert seen == [("als", 1, 3), ("als", 2, 3), ("als", 3, 3)]


def test_never_a_filtered_slot_as_a_real_item(random_dataset: Dataset, batch_of: BatchOf) -> None:
    """implicit answers 5 ids where 1 is left, four of them filtered ones."""
    source = fitted(random_dataset)
    exclude = [list(range(27))]
    for n in (1, 40):
        found = source.generate(batch_of([[1, 2]] * n, exclude=exclude * n), 5)
        assert found.index.tolist() == [[27]] * n


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 29), min_size=1, max_size=12))
def test_unknown_users_and_unseen_items_never_raise(
    random_dataset: Dataset, batch_of: BatchOf, history: list[int]
) -> None:
    source = _shared(random_dataset)
    found = source.generate(batch_of([history], users=[10**6]), 30)
    assert not set(found.row(0).tolist()) & {*history, 28, 29}


_CACHE: list[Als] = []


def _shared(dataset: Dataset) -> Als:
    if not _CACHE:
        _CACHE.append(fitted(dataset))
    return _CACHE[0]
