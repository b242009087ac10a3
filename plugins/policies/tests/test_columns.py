"""What policies read: codes of fields, dates, impressions; and how moves are recorded."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.item_columns import codes_of, dates_of, first_codes, values_of
from crossrec.testing.policy_requests import DAY, NOW, in_short, pool_of, request_on
from crossrec_policies.columns.depth import depth
from crossrec_policies.columns.impressions import impressions_of
from crossrec_policies.columns.moves import completed, put_forward, put_off
from hypothesis import given
from hypothesis import strategies as st

ROWS = [
    {"creator": "Ann", "genres": ["x", "y"], "created_at": NOW - DAY},
    {"creator": "ann", "genres": "y|Z|y"},
    {"title": "nothing", "available_at": NOW, "created_at": NOW - 9 * DAY},
]


def test_depth_grows_with_the_list_and_leaves_room_for_drops() -> None:
    assert [depth(request_on([], k=k)) for k in (1, 10, 100)] == [23, 50, 320]


def test_an_empty_name_is_the_creator() -> None:
    items = request_on(ROWS).items
    name, entities = values_of(items, "")
    assert name == "creator"
    assert entities is not None
    assert entities.names == ("ann",)
    assert values_of(items, "nowhere") == ("nowhere", None)


def test_codes_of_a_pool_in_its_order() -> None:
    items = request_on(ROWS).items
    _, genres = values_of(items, "genres")
    assert genres is not None
    rows = codes_of(genres, np.array([1, 2, 0]))
    assert [[genres.names[code] for code in rows.row(at)] for at in range(3)] == [
        ["y", "z"],
        [],
        ["x", "y"],
    ]
    assert [genres.names[code] if code >= 0 else "" for code in first_codes(rows)] == ["y", "", "x"]
    assert codes_of(None, np.array([1, 2])).lengths.tolist() == [0, 0]


def test_the_first_date_that_is_known_counts() -> None:
    items = request_on(ROWS).items
    found = dates_of(items, ("available_at", "nowhere", "created_at"), np.array([2, 1, 0]))
    np.testing.assert_array_equal(found, [NOW, np.nan, NOW - DAY])
    assert np.isnan(dates_of(items, (), np.array([0]))).all()


def test_impressions_stand_beside_the_pool() -> None:
    shown = {"i2": (4, 60.0), "gone": (9, 1.0), "i0": (1, -5.0)}
    times, ago = impressions_of(request_on(ROWS, shown=shown), np.array([2, 1, 0]))
    assert times.tolist() == [4, 0, 1]
    assert ago.tolist() == [60.0, np.inf, 0.0], "never in the future"
    assert impressions_of(request_on(ROWS), np.array([1]))[0].tolist() == [0]


def test_an_order_is_completed_by_what_is_left() -> None:
    assert completed(np.array([3, 1]), 5).tolist() == [3, 1, 0, 2, 4]
    assert completed(np.array([], dtype=np.int64), 2).tolist() == [0, 1]


def test_moves_are_recorded_from_either_side() -> None:
    order = np.array([0, 3, 1, 2])
    late = put_off(pool_of(4), order, "late", 9, lambda at: {"at": at})
    assert in_short(late.changes) == [(1, "moved", "late"), (2, "moved", "late")]
    assert late.changes[0].values == {"from": 2, "to": 3, "at": 1}
    early = put_forward(pool_of(4), order, "early", 9, lambda at: {})
    assert in_short(early.changes) == [(3, "moved", "early")]
    assert early.changes[0].values == {"from": 4, "to": 2}
    assert late.index.tolist() == early.index.tolist() == [0, 3, 1, 2]


@pytest.mark.parametrize("move", [put_off, put_forward])
def test_the_same_order_is_the_same_pool(move) -> None:
    pool = pool_of(3)
    assert move(pool, np.arange(3), "none", 9, lambda at: {}) is pool


@given(st.permutations(range(8)), st.integers(0, 8))
def test_whatever_moves_somebody_is_named_for_it(order: list[int], n: int) -> None:
    """Of two items that changed places at least one is recorded on either side."""
    places = np.array(order)
    late = put_off(pool_of(8), places, "late", 8, lambda at: {})
    early = put_forward(pool_of(8), places, "early", 8, lambda at: {})
    moved = order != sorted(order)
    assert bool(late.changes) == bool(early.changes) == moved
    few = put_off(pool_of(8), places, "late", n, lambda at: {})
    assert {change.item for change in few.changes} <= set(range(n))
    for change in late.changes:
        place = order.index(change.item)
        assert max(order[:place]) > change.item
