"""Membership in ascending arrays, and numbers as float32."""

import numpy as np
from crossrec.numeric.arrays import among, as_float32
from hypothesis import given
from hypothesis import strategies as st

whole = st.lists(st.integers(-5, 20), max_size=12)


@given(whole, whole)
def test_among_is_membership(values, held):
    found = among(np.array(values, np.int64), np.unique(np.array(held, np.int64)))
    assert found.tolist() == [value in held for value in values]


def test_a_table_keeps_its_shape():
    table = np.array([[1, 2], [3, -1]])
    assert among(table, np.array([2, 3])).tolist() == [[False, True], [True, False]]
    assert among(table, np.zeros(0, np.int64)).tolist() == [[False, False], [False, False]]


def test_float32_is_left_alone_and_too_large_numbers_become_infinite(recwarn):
    same = np.ones(2, np.float32)
    assert as_float32(same) is same
    assert as_float32(np.array([1e300, -1e300, 0.5])).tolist() == [np.inf, -np.inf, 0.5]
    assert as_float32(np.array([1, 2])).dtype == np.float32
    assert not recwarn.list
