"""Weighted histories: decayed means and sums, by hand and against loops."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.history import weigh
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from hypothesis import given
from hypothesis import strategies as st

HISTORIES = st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=5)


def batch(histories: list[list[int]]) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(histories))


@given(HISTORIES, st.floats(0.1, 1.0), st.integers(1, 9))
def test_weights_are_a_decayed_mean_of_the_last_items(
    histories: list[list[int]], decay: float, limit: int
) -> None:
    weighted = weigh(batch(histories), 10, decay=decay, limit=limit)
    profile = weighted.matrix
    assert profile.shape == (len(histories), 10)
    assert profile.has_canonical_format
    for row, (got, items) in enumerate(zip(profile.toarray(), histories, strict=True)):
        want = np.zeros(10)
        for age, item in enumerate(reversed(items[-limit:])):
            want[item] += decay**age
        total = want.sum()
        assert got == pytest.approx(want / total if total else want, abs=1e-6)
        assert weighted.items.row(row).tolist() == items[-limit:]
        assert weighted.of(row).sum() == pytest.approx(min(len(items), 1))


@given(HISTORIES, st.floats(0.1, 1.0), st.integers(1, 9))
def test_sums_are_means_without_the_division(
    histories: list[list[int]], decay: float, limit: int
) -> None:
    sums = weigh(batch(histories), 10, decay=decay, limit=limit, average=False)
    means = weigh(batch(histories), 10, decay=decay, limit=limit)
    last = sums.items.from_end() == 0
    np.testing.assert_array_equal(sums.weights[last], 1.0)
    rows = sums.items.row_of
    totals = np.bincount(rows, weights=sums.weights, minlength=len(histories))
    np.testing.assert_allclose(sums.weights / totals[rows], means.weights)


def test_the_matrix_by_hand() -> None:
    profile = weigh(batch([[0, 1, 2], [3, 3], []]), 7, decay=0.5).matrix.toarray()
    assert profile.dtype == np.float32
    assert profile[0, :3].tolist() == pytest.approx([0.25 / 1.75, 0.5 / 1.75, 1 / 1.75])
    assert profile[1].tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert profile[2].tolist() == [0] * 7


def test_the_matrix_leaves_the_history_as_it_was() -> None:
    queries = batch([[5, 1, 5, 0]])
    assert weigh(queries, 7).matrix.nnz == 3
    assert queries.history.row(0).tolist() == [5, 1, 5, 0]
    assert queries.history.indptr.tolist() == [0, 4]


def test_the_matrix_of_no_queries() -> None:
    assert weigh(batch([]), 7).matrix.shape == (0, 7)
    assert weigh(QueryBatch.from_histories(Ragged.empty(2)), 3).matrix.nnz == 0


def test_hand_worked_weights() -> None:
    weighted = weigh(batch([[4, 5, 6]]), 10, decay=0.5, limit=50)
    np.testing.assert_allclose(weighted.weights, np.array([1, 2, 4]) / 7)


def test_last_item_gets_its_share_on_top() -> None:
    weighted = weigh(batch([[4, 5]]), 10, decay=1.0, limit=50, last_weight=0.2)
    np.testing.assert_allclose(weighted.weights, [0.4, 0.6])


def test_unknown_items_take_their_weight_with_them() -> None:
    weighted = weigh(batch([[4, 12], [1]]), 10, decay=0.5, limit=50)
    assert weighted.items.values.tolist() == [4, 1]
    np.testing.assert_allclose(weighted.weights, [1 / 3, 1])


def test_the_weights_of_one_query_are_kept_by_their_settings():
    query = QueryBatch.from_histories(Ragged.from_rows([[1, 2, 9]]))
    first = weigh(query, 10, decay=0.5, limit=5)
    assert weigh(query, 10, decay=0.5, limit=5) is first
    assert weigh(query, 10, decay=0.9, limit=5).weights.tolist() != first.weights.tolist()
    assert weigh(query, 10, decay=0.5, limit=1).items.values.tolist() == [9]
    assert weigh(query, 5, decay=0.5, limit=5).items.values.tolist() == [1, 2]
    same = QueryBatch.from_histories(Ragged.from_rows([[1, 2, 9]]))
    assert weigh(same, 10, decay=0.5, limit=5) is not first


def test_those_of_a_batch_are_not_kept():
    batch = QueryBatch.from_histories(Ragged.from_rows([[1], [2, 3]]))
    assert weigh(batch, 10, decay=0.5, limit=5) is not weigh(batch, 10, decay=0.5, limit=5)


def test_an_item_that_occurs_twice_is_merged():
    query = QueryBatch.from_histories(Ragged.from_rows([[7, 2, 7]]))
    items, sums = weigh(query, 10, decay=0.5, limit=5).merged
    assert items.tolist() == [2, 7]
    np.testing.assert_allclose(sums, [0.5 / 1.75, 1.25 / 1.75])
