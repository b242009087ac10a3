"""Which events form a basket."""

from __future__ import annotations

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative.baskets.lines import (
    basket_lines,
    lines_of_queries,
    lines_of_users,
    purchase_types,
)
from hypothesis import given
from hypothesis import strategies as st


def split(lines, row=0):
    """Return the baskets of one row as lists of items."""
    found = {}
    for basket, item, owner in zip(lines.baskets.tolist(), lines.items.tolist(), lines.rows):
        if owner == row:
            found.setdefault(basket, []).append(item)
    return list(found.values())


def test_without_a_clock_one_position_is_one_basket(shop_of):
    lines = lines_of_users(shop_of([[[3, 1], [2]], [[1], [1, 2]]], 5), None, 6.0)
    assert split(lines, 0) == [[3, 1], [2]]
    assert split(lines, 1) == [[1], [1, 2]]
    assert lines.owners.tolist() == [0, 0, 1, 1]
    assert lines.ages.tolist() == [1, 0, 1, 0]
    assert lines.sizes.tolist() == [2, 1, 1, 2]
    assert lines.per_row.tolist() == [2, 2]


def test_with_a_clock_a_long_break_begins_a_new_one(shop_of):
    """5 hours after the event before it is the same basket, though 10 after the first."""
    days = [[0.0, 5 / 24, 10 / 24, 1.0]]
    lines = lines_of_users(shop_of([[[0], [1], [2], [3]]], 4, days), None, 6.0)
    assert split(lines) == [[0, 1, 2], [3]]
    assert (lines.times / 86_400.0).round(6).tolist() == [round(10 / 24, 6), 1.0]
    assert split(lines_of_users(shop_of([[[0], [1], [2], [3]]], 4, days), None, 4.0)) == [
        [0], [1], [2], [3]
    ]  # fmt: skip


def test_two_users_share_no_basket(shop_of):
    lines = lines_of_users(shop_of([[[0]], [[1]]], 2, [[0.0], [0.0]]), None, 6.0)
    assert split(lines, 0) == [[0]]
    assert split(lines, 1) == [[1]]


def test_an_item_is_in_a_basket_once(shop_of):
    assert split(lines_of_users(shop_of([[[2, 1, 2], [2]]], 3), None, 6.0)) == [[2, 1], [2]]


def test_weaker_events_are_no_purchases(shop_of):
    dataset = shop_of([[[0, 1], [2]]], 3, types=[0, 1, 1], weights=[1.0, 5.0, 5.0])
    types = purchase_types(dataset, 5.0)
    assert types.tolist() == [1]
    assert purchase_types(dataset, 0.0) is None
    assert split(lines_of_users(dataset, types, 6.0)) == [[1], [2]]


def test_what_was_only_viewed_between_two_orders_is_no_basket(shop_of, ask):
    dataset = shop_of([[[0], [1], [2]]], 3, types=[1, 0, 1], weights=[5.0, 1.0, 5.0])
    lines = lines_of_queries(ask(dataset), 3, purchase_types(dataset, 5.0), 6.0, False)
    assert split(lines) == [[0], [2]]
    assert lines.ages.tolist() == [1, 0]


def test_queries_without_times_have_a_basket_for_each_item():
    queries = QueryBatch.from_histories(Ragged.from_rows([[3, 3, 1], []]))
    lines = lines_of_queries(queries, 5, None, 6.0, True)
    assert split(lines) == [[3], [3], [1]]
    assert lines.n_rows == 2
    assert lines.indptr.tolist() == [0, 3, 3]


def test_unknown_items_are_no_lines_but_stand_in_a_basket():
    queries = QueryBatch.from_histories(Ragged.from_rows([[1, 9, 2]]))
    lines = lines_of_queries(queries, 5, None, 6.0, False)
    assert lines.items.tolist() == [1, 2]
    assert lines.ages[lines.baskets].tolist() == [2, 0]


def test_nothing_at_all():
    none = np.zeros(0, dtype=np.int64)
    lines = basket_lines(none, none, np.zeros(0), 2, 0.0)
    assert len(lines) == 0
    assert lines.per_row.tolist() == [0, 0]


@given(
    events=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(0, 4)), max_size=30
    ),
    gap=st.integers(0, 5),
)
def test_against_a_plain_loop(events, gap):
    events.sort(key=lambda event: event[:2])
    rows, times, items = (
        np.array([event[at] for event in events], dtype=np.int64) for at in range(3)
    )
    lines = basket_lines(rows, items, times.astype(np.float64), 3, float(gap))
    wanted: dict[int, list[list[int]]] = {0: [], 1: [], 2: []}
    before = {0: -100, 1: -100, 2: -100}
    for row, time, item in events:
        if time - before[row] > gap or not wanted[row]:
            wanted[row].append([])
        before[row] = time
        if item not in wanted[row][-1]:
            wanted[row][-1].append(item)
    for row in range(3):
        assert split(lines, row) == wanted[row]
