"""`recency_decay`: factors by hand, and that no date is no age."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import DAY, NOW, in_short, pool_of, request_on
from crossrec_policies.weights.recency_decay import RecencyDecay, RecencyDecayConfig
from hypothesis import given
from hypothesis import strategies as st


def decayed(ages: list[float | None], scores: list[float], **settings: Any) -> Ranked:
    rows = [{} if age is None else {"created_at": NOW - DAY * age} for age in ages]
    policy = RecencyDecay(RecencyDecayConfig(**settings))
    return policy.apply(pool_of(len(rows), scores), request_on(rows))


def test_half_of_the_weight_is_left_after_a_half_life() -> None:
    after = decayed([14, 0, 28], [1.0, 0.6, 0.5], half_life_days=14, floor=0)
    assert after.index.tolist() == [1, 0, 2]
    np.testing.assert_allclose(after.score, [0.6, 0.5, 0.125])
    assert in_short(after.changes) == [(0, "demoted", "older"), (2, "demoted", "older")]
    assert after.changes[0].values == {"factor": 0.5, "days": 14.0}
    assert in_english("older", after.changes[0].values) == (
        "from 14.0 days ago: 0.5 of its weight is left"
    )


def test_the_floor_is_what_is_left_of_the_oldest() -> None:
    after = decayed([10_000, 0], [1.0, 0.5], floor=0.2)
    np.testing.assert_allclose(after.score, [0.5, 0.2])


def test_an_item_without_a_date_is_neither_new_nor_old() -> None:
    after = decayed([0, 14, 28, None], [1.0, 1.0, 1.0, 1.0], half_life_days=14, floor=0)
    assert after.index.tolist() == [0, 1, 3, 2], "as the median of the dated ones"
    (undated,) = [change for change in after.changes if change.item == 3]
    assert undated.values == {"factor": 0.5, "days": "unknown"}


def test_where_no_item_has_a_date_nothing_happens() -> None:
    pool = pool_of(2)
    assert RecencyDecay().apply(pool, request_on([{"title": "a"}, {"created_at": "soon"}])) is pool


def test_the_first_field_that_says_a_date_counts_in_any_form() -> None:
    day = datetime.fromtimestamp(NOW - 14 * DAY, UTC).isoformat()
    rows: list[dict[str, Any]] = [{"available_at": day, "created_at": NOW}, {"created_at": NOW}]
    after = RecencyDecay(RecencyDecayConfig(floor=0)).apply(pool_of(2), request_on(rows))
    np.testing.assert_allclose(after.score, [0.5, 0.5])
    other = RecencyDecay(RecencyDecayConfig(floor=0, fields=("created_at",)))
    assert other.apply(pool_of(2), request_on(rows)).index.tolist() == [0, 1]


def test_what_comes_later_is_as_new_as_can_be() -> None:
    assert decayed([-5, 0], [0.5, 0.5]).score.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "wrong", [{"half_life_days": 0}, {"floor": 1.5}, {"floor": -0.1}, {"fields": ()}]
)
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RecencyDecayConfig(**wrong)


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 400)), min_size=1, max_size=20),
    st.floats(0.5, 60),
    st.floats(0, 1),
)
def test_older_never_gains_on_newer(ages: list[float | None], half: float, floor: float) -> None:
    """With equal scores the order is that of the dates."""
    after = decayed(ages, [1.0] * len(ages), half_life_days=half, floor=floor)
    assert sorted(after.index.tolist()) == list(range(len(ages)))
    dated = [age for at in after.index.tolist() if (age := ages[at]) is not None]
    factor = [floor + (1 - floor) * 0.5 ** (age / half) for age in dated]
    assert all(a >= b - 1e-9 for a, b in zip(factor, factor[1:]))
    assert (after.score >= floor - 1e-12).all()
