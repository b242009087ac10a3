from __future__ import annotations

import numpy as np
from crossrec.numeric.ragged import Ragged
from crossrec_text.asked import ask, decayed_weights, only
from hypothesis import given, settings
from hypothesis import strategies as st

EVERY = np.ones(10, dtype=bool)


def test_weights_by_hand():
    weights = decayed_weights(Ragged.from_rows([[7, 2, 7], [], [3]]), 0.5, 50)
    assert weights.rows.indptr.tolist() == [0, 2, 2, 3]
    assert weights.rows.values.tolist() == [2, 7, 3]
    np.testing.assert_allclose(weights.values, [0.5 / 1.75, 1.25 / 1.75, 1.0])


def test_only_the_latest_items_count():
    weights = decayed_weights(Ragged.from_rows([[1, 2, 3, 4]]), 1.0, 2)
    assert weights.rows.values.tolist() == [3, 4]
    np.testing.assert_allclose(weights.values, [0.5, 0.5])


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(0, 9), max_size=8), max_size=5),
    decay=st.floats(0.1, 1.0),
    limit=st.integers(1, 10),
)
def test_weights_are_those_of_the_engines_profile(rows, decay, limit, queries_of):
    queries = queries_of(*rows)
    expected = queries.profile(10, decay=decay, limit=limit).toarray()
    weights = decayed_weights(queries.history, decay, limit)
    dense = np.zeros((len(rows), 10))
    dense[weights.pairs.rows, weights.pairs.items] = weights.values
    np.testing.assert_allclose(dense, expected, atol=1e-6)
    assert len(set(zip(weights.pairs.rows, weights.pairs.items, strict=True))) == len(
        weights.values
    )


def test_items_without_text_fall_out_of_every_row():
    described = np.array([True, False, True])
    kept = only(Ragged.from_rows([[0, 1, 2], [1], [2, 1]]), described)
    assert [kept.row(i).tolist() for i in range(3)] == [[0, 2], [], [2]]


def test_a_query_by_hand(queries_of):
    described = EVERY.copy()
    described[9] = False
    asked = ask(queries_of([3, 5, 9], [9], exclude=[[5, 5, 9], []]), described, 0.5, 50)
    assert asked.answerable.tolist() == [True, False]
    assert asked.last.pairs.items.tolist() == [5]
    assert (asked.excluded.rows.tolist(), asked.excluded.items.tolist()) == ([0], [5])
    assert (asked.own.rows.tolist(), asked.own.items.tolist()) == ([0], [3])
    np.testing.assert_allclose(asked.own_decayed, [1 / 3], rtol=1e-6)
    assert asked.own_last.tolist() == [0.0]
    assert asked.admitted.tolist() == [8.0, 9.0]


def test_a_history_that_may_come_back_is_its_own(queries_of):
    asked = ask(queries_of([3, 5], exclude=[[]]), EVERY, 1.0, 50)
    assert asked.own.items.tolist() == [3, 5]
    assert asked.own_last.tolist() == [0.0, 1.0]


def test_no_queries_and_no_items_are_fine(queries_of):
    assert len(ask(queries_of(), EVERY, 0.8, 50)) == 0
    asked = ask(queries_of([]), np.zeros(0, dtype=bool), 0.8, 50)
    assert asked.answerable.tolist() == [False]
