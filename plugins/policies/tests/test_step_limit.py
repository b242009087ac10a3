"""The policy `step_limit`: known lists, and what holds for any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import in_short, pool_of, request_on
from crossrec_policies.limits.step_limit import StepLimit, StepLimitConfig, within_steps
from hypothesis import given
from hypothesis import strategies as st

NONE = np.array([np.nan])


def played(tempos: list[float | None], k: int = 10, **query: Any) -> Ranked:
    rows = [{} if tempo is None else {"bpm": tempo} for tempo in tempos]
    policy = StepLimit(StepLimitConfig(limits={"bpm": 20}))
    return policy.apply(pool_of(len(rows)), request_on(rows, k=k, query=query))


def test_a_leap_is_put_off_until_something_lies_between() -> None:
    after = played([100, 150, 115, 133])
    assert after.index.tolist() == [0, 2, 3, 1]
    assert in_short(after.changes) == [(1, "moved", "too_far")]
    assert in_english("too_far", after.changes[0].values) == (
        "too far from the one before it in bpm"
    )


def test_the_limit_itself_is_no_leap() -> None:
    assert played([100, 120, 140]).changes == ()
    assert played([100, 121, 110]).index.tolist() == [0, 2, 1]


def test_what_does_not_say_is_near_to_all_and_hides_no_leap() -> None:
    assert played([100, None, 150, 110]).index.tolist() == [0, 1, 3, 2]
    assert played([None, 200, None]).changes == ()


def test_where_all_are_far_the_list_stays_whole() -> None:
    assert played([100, 200, 300]).index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("query", [{"session": ("i0", "i3")}, {"item_ids": ("i3",)}])
def test_the_first_follows_the_session_or_the_item_in_question(query: dict[str, Any]) -> None:
    rows = [{"bpm": tempo} for tempo in (100, 150, 115, 145)]
    context = request_on(rows, query=query)
    after = StepLimit(StepLimitConfig(limits={"bpm": 20})).apply(pool_of([0, 1, 2]), context)
    assert after.index.tolist()[0] == 1


def test_every_field_has_its_limit_and_missing_ones_count_nothing() -> None:
    rows = [{"bpm": 100, "energy": 0.2}, {"bpm": 105, "energy": 0.9}, {"bpm": 118, "energy": 0.4}]
    after = StepLimit().apply(pool_of(3), request_on(rows))
    assert after.index.tolist() == [0, 2, 1]
    assert StepLimit().apply(pool_of(2), request_on([{}, {}])).changes == ()


TEMPOS = st.lists(st.one_of(st.none(), st.integers(60, 200)), max_size=20)


@given(TEMPOS, st.integers(0, 25))
def test_against_plain_python(tempos: list[int | None], n: int) -> None:
    steps = np.array([[np.nan if one is None else one / 20] for one in tempos]).reshape(-1, 1)
    found = within_steps(steps, NONE, n).tolist()
    left, last, expected = list(range(len(tempos))), None, []
    while left and len(expected) < n:
        near = [
            at for at in left
            if last is None or tempos[at] is None or abs(tempos[at] / 20 - last / 20) <= 1.0
        ][:1]  # fmt: skip
        chosen = (near or left)[0]
        if chosen < 2 * n:
            expected.append(chosen)
        left.remove(chosen)
        last = last if tempos[chosen] is None else tempos[chosen]
    if len(tempos) <= 2 * n:
        assert found == expected
    assert len(set(found)) == len(found) == min(n, len(tempos))
