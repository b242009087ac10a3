"""EASE against a dense solve in float64, its limits, its memory, and the real figures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.history import weigh
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import CapacityError
from crossrec_collaborative import ease as module
from crossrec_collaborative.ease import Ease, EaseConfig, gram, solve, sparsified
from crossrec_collaborative.relations import DenseRelation, SparseRelation
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

Build = Callable[..., Dataset]
BatchOf = Callable[..., QueryBatch]


def fitted(dataset: Dataset, **settings: object) -> Ease:
    source = Ease(EaseConfig.model_validate(settings))
    source.fit(dataset, RunOptions())
    return source


def reference(matrix: np.ndarray, reg: float) -> np.ndarray:
    """Solve each column on its own with the constraint put in: ridge regression on the others."""
    n = matrix.shape[1]
    g = matrix.T @ matrix + reg * np.eye(n)
    out = np.zeros((n, n))
    for j in range(n):
        others = np.delete(np.arange(n), j)
        out[others, j] = np.linalg.solve(g[np.ix_(others, others)], g[others, j])
    return out


def test_two_items_by_hand(build: Build, batch_of: BatchOf) -> None:
    """Both items in 3 histories, together in 2: the weight is 2 / (3 + λ)."""
    dataset = build([[0, 1], [0, 1], [0], [1]], 2)
    found = fitted(dataset, reg=1.0).generate(batch_of([[0]]), 1)
    assert found.index.tolist() == [[1]]
    np.testing.assert_allclose(found.score, [[0.5]], rtol=1e-6)


def test_equals_ridge_regression_on_the_other_items(random_dataset: Dataset) -> None:
    binary = random_dataset.matrix(binary=True).toarray().astype(np.float64)
    expected = reference(binary, 5.0)
    every = np.arange(30)
    weights = fitted(random_dataset, reg=5.0).relation.between(every, every)
    np.testing.assert_allclose(weights, expected, rtol=1e-3, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=8),
    st.floats(0.5, 100),
)
def test_solve_equals_the_reference(rows: list[list[bool]], reg: float) -> None:
    matrix = np.array(rows, dtype=np.float64)
    g = (matrix.T @ matrix).astype(np.float32)
    np.testing.assert_allclose(solve(g, reg), reference(matrix, reg), rtol=1e-3, atol=1e-5)


def test_repeats_and_strengths_do_not_count(build: Build) -> None:
    once = fitted(build([[0, 1], [1, 2]], 3))
    often = fitted(build([[0, 1, 0], [1, 2]], 3, weights=[[9, 1, 9], [2, 0.5]]))
    every = np.arange(3)
    np.testing.assert_allclose(
        once.relation.between(every, every), often.relation.between(every, every)
    )


def test_score_is_the_decayed_profile_times_the_weights(
    random_dataset: Dataset, batch_of: BatchOf
) -> None:
    source = fitted(random_dataset, reg=5.0)
    queries = batch_of([[3, 4, 5, 3], [7]])
    every = np.arange(30)
    weights = source.relation.between(every, every)
    expected = weigh(queries, 30, decay=0.8).matrix.toarray() @ weights
    scores = source.score(queries, np.tile(every, (2, 1)))
    np.testing.assert_allclose(np.nan_to_num(scores), expected, rtol=1e-4, atol=1e-6)


def test_last_weight_moves_the_weight_to_the_last_item(
    random_dataset: Dataset, batch_of: BatchOf
) -> None:
    only_last = fitted(random_dataset, last_weight=1.0)
    scores = only_last.score(batch_of([[3, 4, 5]]), np.arange(30)[None, :])
    expected = only_last.score(batch_of([[5]]), np.arange(30)[None, :])
    np.testing.assert_array_equal(scores, expected)


def test_gram_in_blocks(random_dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = random_dataset.matrix(binary=True)
    monkeypatch.setattr(module, "_ROWS", 7)
    np.testing.assert_array_equal(gram(matrix), (matrix.T @ matrix).toarray())


def test_only_items_with_events_take_part(random_dataset: Dataset) -> None:
    relation = fitted(random_dataset).relation
    assert isinstance(relation, DenseRelation)
    assert relation.active.tolist() == list(range(28))
    assert relation.matrix.shape == (28, 28)
    assert relation.matrix.flags.c_contiguous  # else every query would copy it


def test_beyond_the_dense_limit_the_strongest_stay(random_dataset: Dataset) -> None:
    full = fitted(random_dataset).relation
    thin = fitted(random_dataset, dense_items=27, strongest=4).relation
    assert isinstance(thin, SparseRelation)
    every = np.arange(30)
    whole, kept = full.between(every, every), thin.between(every, every)
    assert (np.count_nonzero(kept, axis=1) <= 4).all()
    assert ((kept == 0) | (kept == whole)).all()
    for row in range(28):
        positive = np.sort(np.maximum(whole[row], 0))
        assert kept[row].sum() == pytest.approx(positive[-4:].sum(), rel=1e-5)


def test_sparsified_of_nothing() -> None:
    nothing = sparsified(np.zeros((0, 0), np.float32), np.zeros(0, np.int64), 3, 5)
    assert nothing.n_items == 3
    assert nothing.between(np.array([0]), np.array([1])).tolist() == [[0]]


def test_refuses_with_the_memory_it_would_need(random_dataset: Dataset) -> None:
    with pytest.raises(CapacityError, match=r"ease needs 0\.0 GiB for 28 items .* max_memory_gb"):
        fitted(random_dataset, max_memory_gb=1e-6)


def test_the_limit_is_known_before_anything_is_allocated() -> None:
    """100,000 items: a matrix of 37.3 GiB; 32,000 items fit into the default of 4 GiB."""
    source = Ease()
    with pytest.raises(CapacityError, match=r"needs 37\.3 GiB for 100000 items with events, .* 4:"):
        source._check_memory(100_000)
    with pytest.raises(CapacityError, match=r"needs 4\.1 GiB for 33000 items"):
        source._check_memory(33_000)
    source._check_memory(32_000)


def test_solve_stays_within_one_matrix() -> None:
    """The weights overwrite the Gram matrix: the claim of the memory limit."""
    g = gram(csr_matrix(np.eye(300, dtype=np.float32)))
    weights = solve(g, 1.0)
    assert weights.ctypes.data == g.ctypes.data
    np.testing.assert_allclose(weights, 0.0, atol=1e-6)


def test_the_reason_leaves_out_negative_terms(build: Build, batch_of: BatchOf) -> None:
    rows = [[0, 1]] * 6 + [[2, 3]] * 6 + [[1], [2, 0]]
    source = fitted(build(rows, 4), reg=1.0)
    (evidence,) = source.explain(batch_of([[2, 0]]), np.array([1]))
    assert evidence is not None
    assert evidence.phrase == "often chosen together with"
    assert evidence.history == (0,)
    assert source.relation.between(np.array([2]), np.array([1]))[0, 0] < 0
