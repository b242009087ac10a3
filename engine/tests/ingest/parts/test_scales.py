"""Scales of ratings and portions: found out, given, and mapped to the declared one."""

import numpy as np
import pytest
from crossrec.ingest.scales import found_scale
from crossrec.scenario import EventType
from hypothesis import given
from hypothesis import strategies as st

STARS = EventType("rating", value="rating", value_range=(1, 5))
WATCH = EventType("watch", value="portion")


def scale(values, given=None, event=STARS, target=(1.0, 5.0)):
    return found_scale(event, target, np.array(values, dtype=float), given)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([1, 3, 5], 1, 5),
        ([4.5, 2], 1, 5),
        ([3], 1, 5),
        ([2, 9, 5, 0], 1, 10),
        ([10], 1, 10),
        ([7.5, 0.5], 0.5, 10),
        ([6.2, 1], 1, 7),
        ([88, 4, 50], 0, 100),
        ([15, 3], 1, 20),
        ([0.5, 4, 5], 0.5, 5),
        ([0, 1, 1, 0], 0, 1),
        ([0.2, 0.9], 0, 1),
        ([-1, 1], -1, 1),
        ([-9.5, 8], -10, 10),
        ([0, 3, 5], 1, 5),
        ([1, 1, 1], 1, 5),
        ([500, 3], 1, 5),
    ],
)
def test_the_scale_is_found_out(values, low, high):
    found = scale(values)
    assert (found.low, found.high) == (low, high)
    assert (found.note == "") == ((low, high) == (1, 5))


def test_the_scale_that_was_found_is_said_and_can_be_settled():
    assert scale([9, 2]).note == (
        "ratings from 1 to 10, read as 1 to 5 (settle it with --value-scale LOW:HIGH)"
    )
    assert scale([9, 2], (0, 10)).note == "ratings from 0 to 10, read as 1 to 5"
    assert scale([9, 2], (0, 10)).cause == "rating outside of 0 to 10"


def test_known_values_are_mapped():
    assert scale([9, 2]).mapped(np.array([1.0, 5.5, 10.0])).tolist() == [1, 3, 5]
    assert scale([9, 2], (0, 10)).mapped(np.array([0.0, 5.0, 10.0])).tolist() == [1, 3, 5]
    assert scale([3]).mapped(np.array([2.5])).tolist() == [2.5]


@pytest.mark.parametrize(
    ("values", "high"),
    [([0.2, 0.9], 1), ([0.5, 1.3, 7], 1), ([20, 95, 100], 100), ([0, 0, 50], 100), ([1, 1], 1)],
)
def test_portions_are_percent_where_most_are_above_one(values, high):
    found = scale(values, event=WATCH, target=(0.0, 1.0))
    assert (found.low, found.high) == (0, high)
    assert found.most == np.inf


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20),
    st.tuples(st.integers(-10, 0), st.integers(1, 100)),
)
def test_a_given_scale_is_mapped_onto_the_declared_one_in_order(values, given_scale):
    low, high = given_scale
    found = scale(values, given_scale)
    inside = np.array([value for value in values if low <= value <= high])
    mapped = found.mapped(inside)
    assert ((mapped >= 1 - 1e-9) & (mapped <= 5 + 1e-9)).all()
    assert (np.diff(mapped[np.argsort(inside, kind="stable")]) >= 0).all()
