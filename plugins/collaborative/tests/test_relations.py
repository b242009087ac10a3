"""Sums of item-item weights, sparse and dense, against plain matrix products."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.history import WeightedHistory, weigh
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative.relations import (
    DenseRelation,
    Relation,
    SparseRelation,
    from_arrays,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

N = 8


def weights(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(N, N)) * (rng.random((N, N)) < 0.5)).astype(np.float32)


def sparse(matrix: np.ndarray) -> SparseRelation:
    csr = csr_matrix(matrix)
    return SparseRelation(csr.indptr.astype(np.int64), csr.indices, csr.data)


def dense_without_first_and_last(matrix: np.ndarray) -> tuple[DenseRelation, np.ndarray]:
    active = np.arange(1, N - 1)
    full = matrix.copy()
    full[[0, -1]] = 0
    full[:, [0, -1]] = 0
    return DenseRelation(active, full[np.ix_(active, active)], N), full


def history(rows: list[list[int]]) -> WeightedHistory:
    queries = QueryBatch.from_histories(Ragged.from_rows(rows))
    return weigh(queries, N, decay=0.7, limit=5)


def profile(weighted: WeightedHistory) -> np.ndarray:
    out = np.zeros((len(weighted.items), N))
    np.add.at(out, (weighted.items.row_of, weighted.items.values), weighted.weights)
    return out


ROWS = st.lists(st.lists(st.integers(0, N - 1), max_size=7), min_size=1, max_size=4)


@given(ROWS)
def test_sparse_scores_are_the_matrix_product(rows: list[list[int]]) -> None:
    matrix, weighted = weights(), history(rows)
    scores = sparse(matrix).scores(weighted)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, profile(weighted) @ matrix, rtol=1e-5, atol=1e-6)


@given(ROWS)
def test_dense_scores_are_the_matrix_product(rows: list[list[int]]) -> None:
    relation, full = dense_without_first_and_last(weights())
    weighted = history(rows)
    scores = relation.scores(weighted)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, profile(weighted) @ full, rtol=1e-4, atol=1e-6)


def test_dense_over_all_items_needs_no_scatter() -> None:
    matrix, weighted = weights(1), history([[0, 3], [7]])
    relation = DenseRelation(np.arange(N), matrix, N)
    np.testing.assert_allclose(relation.scores(weighted), profile(weighted) @ matrix, rtol=1e-5)


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_a_query_does_not_depend_on_its_batch(kind: str) -> None:
    relation: Relation = (
        sparse(weights()) if kind == "sparse" else dense_without_first_and_last(weights())[0]
    )
    rows = [[1, 2, 3], [], [6, 6, 0], [4]]
    whole = relation.scores(history(rows))
    for at, row in enumerate(rows):
        np.testing.assert_array_equal(relation.scores(history([row]))[0], whole[at])


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_between_picks_single_weights(kind: str) -> None:
    matrix = weights(2)
    relation: Relation = sparse(matrix)
    if kind == "dense":
        relation, matrix = dense_without_first_and_last(matrix)
    items, index = np.array([0, 3, 5]), np.array([7, 1, 2, 2])
    np.testing.assert_array_equal(relation.between(items, index), matrix[np.ix_(items, index)])


def test_between_with_nothing_active() -> None:
    nothing = DenseRelation(np.zeros(0, np.int64), np.zeros((0, 0), np.float32), 3)
    assert nothing.between(np.array([1]), np.array([0, 2])).tolist() == [[0, 0]]


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_arrays_come_back(kind: str) -> None:
    relation: Relation = (
        sparse(weights()) if kind == "sparse" else dense_without_first_and_last(weights())[0]
    )
    again = from_arrays(relation.arrays())
    assert type(again) is type(relation)
    assert again.n_items == N
    for key, array in relation.arrays().items():
        np.testing.assert_array_equal(again.arrays()[key], array)


def test_rows_can_be_wider_than_there_are_rows() -> None:
    rows = SparseRelation(np.array([0, 2]), np.array([1, 4], np.int32), np.ones(2, np.float32))
    (found,) = rows.cells(np.array([0]), np.arange(5), rows.data)
    assert found.tolist() == [[0, 1, 0, 0, 1]]
    (found,) = rows.cells(np.array([0]), np.array([4, 99, -1, 4]), rows.data)
    assert found.tolist() == [[1, 0, 0, 1]]
    assert rows.cells(np.array([0]), np.zeros(0, np.int64), rows.data)[0].shape == (1, 0)
