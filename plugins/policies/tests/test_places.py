"""Which places are given away, and what a pool is with items put there."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.testing.policy_requests import pool_of
from crossrec_policies.slots.places import given_places, placed
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("share", "slots", "k", "places"),
    [
        (0.1, (), 10, [9]),
        (0.3, (), 10, [3, 6, 9]),
        (1.0, (), 3, [0, 1, 2]),
        (0.0, (), 10, []),
        (0.1, (), 5, []),
        (0.3, (2, 15, 2), 10, [1]),
        (0.0, (1, 3), 3, [0, 2]),
    ],
)
def test_places(share: float, slots: tuple[int, ...], k: int, places: list[int]) -> None:
    assert given_places(share, slots, k).tolist() == places


def put(ranked: Ranked, items: list[int], places: list[int]) -> Ranked:
    change = PolicyChange(0, "moved", "test")
    return placed(ranked, np.array(items), np.array(places), None, [change])


def test_items_stand_where_they_were_put_and_the_others_around_them() -> None:
    after = put(pool_of(4), [9, 2], [1, 3])
    assert after.index.tolist() == [0, 9, 1, 2, 3]
    assert after.score.tolist() == [1.0, 0.75, 0.75, 0.25, 0.25]
    assert len(after.changes) == 1


def test_a_pool_that_is_too_short_is_followed_by_them() -> None:
    assert put(pool_of(1), [5, 6], [4, 7]).index.tolist() == [0, 5, 6]
    assert put(pool_of(0), [5], [4]).index.tolist() == [5]
    assert put(pool_of([7]), [7], [3]).index.tolist() == [7]


@given(st.integers(0, 12), st.data())
def test_nothing_is_lost_and_scores_fall(n: int, data: st.DataObject) -> None:
    items = data.draw(st.lists(st.integers(0, 20), unique=True, max_size=6))
    places = sorted(data.draw(st.lists(st.integers(0, 15), unique=True, max_size=6)))
    size = min(len(items), len(places))
    items, places = items[:size], places[:size]
    after = put(pool_of(n), items, places) if size else pool_of(n)
    assert sorted(after.index.tolist()) == sorted({*range(n), *items})
    others = [item for item in after.index.tolist() if item not in items]
    assert others == sorted(others)
    assert (np.diff(after.score) <= 0).all()
    rest = len(after) - size
    for at, (item, place) in enumerate(zip(items, places, strict=True)):
        assert after.index[min(place, rest + at)] == item
