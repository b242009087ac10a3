"""What must hold for whatever events there are: references in plain loops, symmetries, threads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec_collaborative import base
from crossrec_collaborative.als import Als, AlsConfig
from crossrec_collaborative.covisitation import Covisitation, CovisitationConfig
from crossrec_collaborative.ease import Ease, EaseConfig
from crossrec_collaborative.item_knn import ItemKnn, ItemKnnConfig
from crossrec_collaborative.popularity import DecayedPopularity, Popularity, Trending
from crossrec_collaborative.user_knn import UserKnn, UserKnnConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Build = Callable[..., Dataset]
BatchOf = Callable[..., QueryBatch]
N = 7
ROWS = st.lists(st.lists(st.integers(0, N - 1), max_size=6), min_size=1, max_size=6)
HISTORY = st.lists(st.integers(0, N - 1), min_size=1, max_size=5)
relaxed = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def fitted(source: Any, dataset: Dataset) -> Any:
    source.fit(dataset, RunOptions(threads=1))
    return source


def every_score(source: Any, queries: QueryBatch) -> np.ndarray:
    index = np.tile(np.arange(N), (len(queries), 1))
    return np.nan_to_num(source.score(queries, index))


def shares(history: list[int], decay: float) -> dict[int, float]:
    """Weights of a history, in a plain loop."""
    raw: dict[int, float] = defaultdict(float)
    for place, item in enumerate(reversed(history)):
        raw[item] += decay**place
    total = sum(raw.values())
    return {item: weight / total for item, weight in raw.items()}


@relaxed
@given(ROWS, HISTORY, st.integers(1, 8))
def test_user_knn_agrees_with_a_loop(
    build: Build, batch_of: BatchOf, rows: list[list[int]], history: list[int], neighbours: int
) -> None:
    vectors = [np.bincount(row, minlength=N) if row else np.zeros(N) for row in rows]
    query = np.bincount(history, minlength=N)
    cosines = [
        float(query @ v / (np.linalg.norm(query) * np.linalg.norm(v))) if v.any() else 0.0
        for v in vectors
    ]
    source = fitted(UserKnn(UserKnnConfig(neighbours=neighbours)), build(rows, N))
    found = source.similarities(batch_of([history]))
    np.testing.assert_allclose(found, cosines, atol=1e-7)
    # who is nearest follows the source's own cosines: equal ones may differ in the last bit
    nearest = [u for u in np.argsort(-found, kind="stable")[:neighbours] if found[u] > 0]
    expected = sum((found[u] * vectors[u] for u in nearest), np.zeros(N))
    np.testing.assert_allclose(every_score(source, batch_of([history]))[0], expected, atol=1e-5)


@relaxed
@given(ROWS, HISTORY, st.floats(0, 20), st.sampled_from([0.5, 0.8, 1.0]))
def test_item_knn_agrees_with_a_loop(
    build: Build,
    batch_of: BatchOf,
    rows: list[list[int]],
    history: list[int],
    shrinkage: float,
    decay: float,
) -> None:
    matrix = np.array([np.bincount(row, minlength=N) if row else np.zeros(N) for row in rows])
    norms = np.linalg.norm(matrix, axis=0)
    expected = np.zeros(N)
    for item, share in shares(history, decay).items():
        for other in range(N):
            if other != item and matrix[:, item] @ matrix[:, other] > 0:
                cosine = matrix[:, item] @ matrix[:, other]
                expected[other] += share * cosine / (norms[item] * norms[other] + shrinkage)
    source = fitted(ItemKnn(ItemKnnConfig(shrinkage=shrinkage, decay=decay)), build(rows, N))
    np.testing.assert_allclose(every_score(source, batch_of([history]))[0], expected, atol=1e-5)


@relaxed
@given(ROWS, HISTORY, st.integers(1, 6), st.sampled_from([0.5, 1.0]))
def test_covisitation_agrees_with_a_loop(
    build: Build,
    batch_of: BatchOf,
    rows: list[list[int]],
    history: list[int],
    window: int,
    decay: float,
) -> None:
    mass = np.zeros((N, N))
    for row in rows:
        for i, first in enumerate(row):
            for j in range(i + 1, min(len(row), i + window + 1)):
                if first != row[j]:
                    mass[first, row[j]] += decay ** (j - i - 1)
                    mass[row[j], first] += decay ** (j - i - 1)
    config = CovisitationConfig(window=window, distance_decay=decay, normalise=False)
    source = fitted(Covisitation(config), build(rows, N))
    expected = sum(share * mass[item] for item, share in shares(history, 0.8).items())
    np.testing.assert_allclose(every_score(source, batch_of([history]))[0], expected, atol=1e-5)


@relaxed
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_users_does_not_matter(
    build: Build, rows: list[list[int]], random: Any
) -> None:
    shuffled = random.sample(rows, len(rows))
    for make in (Popularity, DecayedPopularity, Trending):
        one, two = (fitted(make(), build(r, N)).board.scores for r in (rows, shuffled))
        np.testing.assert_allclose(one, two, atol=1e-6)
    every = np.arange(N)
    for cls in (Covisitation, ItemKnn, Ease):
        one, two = (
            fitted(cls(), build(r, N)).relation.between(every, every) for r in (rows, shuffled)
        )
        np.testing.assert_allclose(one, two, atol=1e-5)


@relaxed
@given(ROWS)
def test_co_occurrence_is_symmetric(build: Build, rows: list[list[int]]) -> None:
    every = np.arange(N)
    for cls in (Covisitation, ItemKnn):
        weights = fitted(cls(), build(rows, N)).relation.between(every, every)
        np.testing.assert_allclose(weights, weights.T, atol=1e-6)
        assert not np.diag(weights).any()


@relaxed
@given(ROWS)
def test_weights_of_neighbours_are_bounded(build: Build, rows: list[list[int]]) -> None:
    """A cosine is at most 1; what shrinks it only takes away."""
    every = np.arange(N)
    plain = fitted(ItemKnn(ItemKnnConfig(shrinkage=0)), build(rows, N)).relation
    shrunk = fitted(ItemKnn(ItemKnnConfig(shrinkage=5)), build(rows, N)).relation
    assert plain.between(every, every).max(initial=0) <= 1 + 1e-6
    assert (shrunk.between(every, every) <= plain.between(every, every) + 1e-7).all()


@relaxed
@given(st.lists(st.lists(st.integers(0, N - 1), min_size=1, max_size=6), min_size=1, max_size=6))
def test_ease_leaves_no_better_weights_for_a_candidate(build: Build, rows: list[list[int]]) -> None:
    """The gradient of its loss is zero in every weight that is free."""
    reg = 3.0
    matrix = build(rows, N).matrix(binary=True).toarray().astype(np.float64)
    every = np.arange(N)
    source = fitted(Ease(EaseConfig(reg=reg)), build(rows, N))
    weights = source.relation.between(every, every).astype(np.float64)
    gradient = matrix.T @ (matrix @ weights - matrix) + reg * weights
    np.fill_diagonal(gradient, 0.0)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-3)


def test_ease_proposes_nothing_with_a_negative_score(build: Build, batch_of: BatchOf) -> None:
    rows = [[0, 1]] * 6 + [[2, 3]] * 6 + [[1], [2, 0]]
    source = fitted(Ease(EaseConfig(reg=1.0)), build(rows, 4))
    queries = batch_of([[2]])
    against = np.flatnonzero(source.score(queries, np.arange(4)[None, :])[0] < 0)
    assert 1 in against
    assert not set(source.generate(queries, 4).row(0).tolist()) & set(against.tolist())


@pytest.mark.parametrize("source", [Ease(), ItemKnn(), Covisitation(), UserKnn()])
def test_blocks_of_a_large_batch_make_no_difference(
    source: Any, random_dataset: Dataset, batch_of: BatchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(source, random_dataset)
    queries = batch_of([random_dataset.sequences.row(u).tolist() for u in range(40)])
    index = np.tile(np.arange(30), (40, 1))
    whole, scores = source.generate(queries, 7), source.score(queries, index)
    monkeypatch.setattr(base, "block_rows", lambda width: 2 * 3)
    parts = source.generate(queries, 7)
    np.testing.assert_array_equal(parts.index, whole.index)
    np.testing.assert_array_equal(parts.score, whole.score)
    np.testing.assert_array_equal(parts.mean, whole.mean)
    np.testing.assert_array_equal(source.score(queries, index), scores)
    assert whole.full is not None
    assert parts.full is None  # of many queries it may be larger than memory


@pytest.mark.parametrize(
    "source", [Ease(), ItemKnn(), Covisitation(), UserKnn(), Als(AlsConfig(embedding_size=8))]
)
def test_many_threads_at_once(source: Any, random_dataset: Dataset, batch_of: BatchOf) -> None:
    fitted(source, random_dataset)
    queries = [batch_of([random_dataset.sequences.row(u).tolist()]) for u in range(40)]
    expected = [source.generate(query, 5).index.tolist() for query in queries]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda query: source.generate(query, 5).index.tolist(), queries * 5))
    assert found == expected * 5


def test_only_the_latest_of_a_long_history_count(
    random_dataset: Dataset, batch_of: BatchOf
) -> None:
    source = fitted(ItemKnn(ItemKnnConfig(history=3)), random_dataset)
    long, short = batch_of([[9, 8, 7, 6, 5]]), batch_of([[7, 6, 5]])
    index = np.arange(30)[None, :]
    np.testing.assert_array_equal(source.score(long, index), source.score(short, index))
