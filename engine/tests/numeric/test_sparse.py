"""The strongest entries of sparse rows, against a plain sort."""

from __future__ import annotations

import numpy as np
from crossrec.numeric.sparse import (
    keep_largest,
    keep_top,
    largest,
    leading,
    strongest,
    strongest_per_row,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 14))
def test_strongest_is_the_head_of_a_stable_sort(values: list[int], k: int) -> None:
    array = np.array(values, dtype=np.float32)
    expected = sorted(np.argsort(-array, kind="stable")[:k].tolist())
    assert strongest(array, k).tolist() == expected


def test_the_strongest_of_each_row() -> None:
    indptr, kept = strongest_per_row(
        np.array([0, 3, 3, 5]), np.array([1.0, 3, 2, 5, 4], np.float32), 2
    )
    assert indptr.tolist() == [0, 2, 2, 4]
    assert kept.tolist() == [1, 2, 3, 4]


def test_the_strongest_of_no_rows() -> None:
    indptr, kept = strongest_per_row(np.array([0]), np.zeros(0, np.float32), 2)
    assert indptr.tolist() == [0]
    assert kept.tolist() == []


@given(
    st.lists(st.lists(st.integers(-4, 4), min_size=6, max_size=6), max_size=5), st.integers(1, 7)
)
def test_keep_top_goes_by_size_and_then_by_column(rows: list[list[int]], k: int) -> None:
    matrix = np.array(rows, dtype=np.float32).reshape(len(rows), 6)
    expected = np.zeros_like(matrix)
    for row, values in enumerate(matrix):
        best = np.argsort(-np.abs(values), kind="stable")[:k]
        expected[row, best] = values[best]
    kept = keep_top(csr_matrix(matrix), k)
    np.testing.assert_array_equal(kept.toarray(), expected)
    assert kept.dtype == np.float32


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 3_000), st.integers(0, 400), st.integers(0, 99), st.sampled_from([1, 2, 16, 17])
)
def test_the_largest_of_rows_that_deceive_a_sample(n: int, k: int, seed: int, step: int) -> None:
    """Large numbers at every sampled place, at none of them, many equal ones, many zeros."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 50, n).astype(np.float32) * (rng.random(n) < rng.random())
    sizes[seed % 16 :: step] += 100.0 * (seed % 2)
    places = largest(sizes, k)
    assert (np.diff(places) > 0).all()
    assert (sizes[places] > 0).all()
    expected = np.sort(sizes[sizes > 0])[::-1][:k]
    np.testing.assert_array_equal(np.sort(sizes[places])[::-1], expected)


def test_the_leading_scores_of_mostly_equal_ones() -> None:
    rng = np.random.default_rng(4)
    for n, k, share in ((5_000, 300, 0.01), (5_000, 300, 0.5), (400, 300, 1.0), (90, 100, 0.2)):
        scores = np.where(rng.random(n) < share, rng.random(n), 0.0).astype(np.float32)
        scores[: n // 10] = -np.inf
        places = leading(scores, k)
        assert len(np.unique(places)) == len(places) == min(n, k)
        expected = np.sort(scores)[::-1][:k]
        np.testing.assert_array_equal(np.sort(scores[places])[::-1], expected)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40), st.integers(1, 50))
def test_the_leading_scores_are_as_large_as_those_of_a_sort(values: list[int], k: int) -> None:
    scores = np.array(values, dtype=np.float32)
    places = leading(scores, k)
    assert len(set(places.tolist())) == len(places) == min(k, len(scores))
    assert sorted(scores[places].tolist()) == sorted(values)[-k:]


@given(
    st.lists(st.lists(st.integers(-4, 4), min_size=6, max_size=6), max_size=5),
    st.integers(1, 7),
    st.integers(0, 3),
)
def test_the_largest_above_zero_of_each_row_stay_where_they_are(
    rows: list[list[int]], k: int, first: int
) -> None:
    matrix = np.array(rows, dtype=np.float32).reshape(len(rows), 6)
    kept = keep_largest(csr_matrix(matrix), k, first).toarray()
    assert kept.shape == matrix.shape
    assert ((kept == 0) | (kept == matrix)).all()
    for row, values in zip(kept, matrix):
        above = sorted(values[values > 0].tolist())
        assert sorted(row[row > 0].tolist()) == above[-k:]
        assert (row >= 0).all()
