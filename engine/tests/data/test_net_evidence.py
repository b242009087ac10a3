"""What all events of one person about one item add up to, against a loop over the pairs."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.data.net_evidence import net_evidence
from hypothesis import given
from hypothesis import strategies as st

strength = st.floats(0.0078125, 8.0, width=32)
signed = st.one_of(strength, strength.map(lambda weight: -weight), st.just(0.0))
events = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), signed), max_size=30)


def net(*rows: tuple[int, int, float]) -> list[float]:
    """Return the net weights of (user, item, weight) rows."""
    users, items, weights = zip(*rows, strict=True) if rows else ((), (), ())
    found = net_evidence(
        np.array(users, dtype=np.int64),
        np.array(items, dtype=np.int64),
        np.array(weights, dtype=np.float32),
    )
    assert found.dtype == np.float32
    return found.tolist()


def test_without_negative_events_every_weight_stays() -> None:
    assert net((0, 1, 2.0), (0, 1, 0.5), (1, 1, 0.0)) == [2.0, 0.5, 0.0]
    assert net() == []


def test_positive_events_share_what_is_left_in_proportion() -> None:
    assert net((0, 1, 3.0), (0, 1, 1.0), (0, 1, -2.0)) == [1.5, 0.5, 0.0]


def test_a_purchase_and_its_refund_are_no_evidence() -> None:
    assert net((0, 1, 5.0), (0, 1, -5.0)) == [0.0, 0.0]
    assert net((0, 1, 5.0), (0, 1, -7.0), (0, 2, 1.0)) == [0.0, 0.0, 1.0]


def test_the_order_of_the_events_does_not_matter() -> None:
    assert net((0, 1, -1.0), (0, 1, 3.0)) == [0.0, 2.0]


def test_pairs_of_other_people_and_items_are_left_alone() -> None:
    rows = ((0, 1, 2.0), (0, 2, -2.0), (1, 1, 2.0), (2, 0, -1.0))
    assert net(*rows) == [2.0, 0.0, 2.0, 0.0]


def test_what_rounding_leaves_of_a_refund_is_nothing() -> None:
    """0.6 + 0.3 - 0.9 is 6e-8 in float32."""
    assert net((0, 1, 0.6), (0, 1, 0.3), (0, 1, -0.9)) == [0.0, 0.0, 0.0]


@given(events)
def test_never_above_the_weight_and_zero_where_the_sum_is_not_positive(rows) -> None:
    found = net(*rows)
    sums: dict[tuple[int, int], float] = {}
    for user, item, weight in rows:
        sums[user, item] = sums.get((user, item), 0.0) + weight
    for (user, item, weight), own in zip(rows, found, strict=True):
        assert 0.0 <= own <= max(weight, 0.0)
        if sums[user, item] <= 0:
            assert own == 0.0
    for pair, total in sums.items():
        parts = [own for (*of, _), own in zip(rows, found, strict=True) if tuple(of) == pair]
        assert sum(parts) == pytest.approx(max(total, 0.0), rel=1e-4, abs=1e-4)
