"""The weighted history is what `QueryBatch.profile` says, without its sparse matrix."""

from __future__ import annotations

import numpy as np
from crossrec.components.history import weigh
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from hypothesis import given
from hypothesis import strategies as st

HISTORIES = st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=5)


def batch(histories: list[list[int]]) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(histories))


@given(HISTORIES, st.floats(0.1, 1.0), st.integers(1, 9))
def test_agrees_with_profile(histories: list[list[int]], decay: float, limit: int) -> None:
    queries = batch(histories)
    weighted = weigh(queries, 10, decay=decay, limit=limit)
    dense = np.zeros((len(queries), 10))
    np.add.at(dense, (weighted.items.row_of, weighted.items.values), weighted.weights)
    expected = queries.profile(10, decay=decay, limit=limit).toarray()
    np.testing.assert_allclose(dense, expected, rtol=1e-5, atol=1e-7)


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
