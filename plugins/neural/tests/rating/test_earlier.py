"""Sums over what came earlier, against a loop."""

from __future__ import annotations

import numpy as np
from crossrec_neural.rating.earlier import earlier_sums, group_sums
from hypothesis import given
from hypothesis import strategies as st

Rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(-9, 9)), min_size=0, max_size=30
)


def test_by_hand() -> None:
    groups, times = np.array([1, 0, 1, 1, 1]), np.array([5.0, 9.0, 1.0, 5.0, 7.0])
    values = np.array([[1.0], [2.0], [4.0], [8.0], [16.0]])
    assert earlier_sums(groups, times, values).ravel().tolist() == [4, 0, 0, 4, 13]
    assert group_sums(groups, values, 3).ravel().tolist() == [2, 29, 0]


@given(Rows)
def test_every_row_sums_what_is_strictly_earlier_in_its_group(rows) -> None:
    groups = np.array([row[0] for row in rows], dtype=np.int64)
    times = np.array([row[1] for row in rows], dtype=np.float64)
    values = np.array([[row[2], 1.0] for row in rows], dtype=np.float64).reshape(-1, 2)
    found = earlier_sums(groups, times, values)
    for at in range(len(rows)):
        earlier = (groups == groups[at]) & (times < times[at])
        np.testing.assert_allclose(found[at], values[earlier].sum(axis=0), atol=1e-9)


@given(Rows, st.randoms())
def test_the_order_of_the_rows_changes_nothing(rows, random) -> None:
    groups = np.array([row[0] for row in rows], dtype=np.int64)
    times = np.array([row[1] for row in rows], dtype=np.float64)
    values = np.array([[row[2]] for row in rows], dtype=np.float64).reshape(-1, 1)
    order = list(range(len(rows)))
    random.shuffle(order)
    mixed = np.array(order, dtype=np.int64)
    plain = earlier_sums(groups, times, values)
    np.testing.assert_allclose(
        earlier_sums(groups[mixed], times[mixed], values[mixed]), plain[mixed], atol=1e-9
    )
