"""Whether people of a scenario come back to what they had."""

from __future__ import annotations

import pytest
from crossrec.components.repeats import RepeatRate, repeat_rate
from crossrec.numeric.ragged import Ragged
from hypothesis import given
from hypothesis import strategies as st


def rate(*rows: list[int]) -> RepeatRate:
    return repeat_rate(Ragged.from_rows(rows))


def test_by_hand() -> None:
    assert rate([1, 2, 1], [1, 2, 3], [4, 4]) == RepeatRate(pytest.approx(2 / 3), 3)


def test_only_the_last_event_counts() -> None:
    assert rate([1, 1, 2]) == RepeatRate(0.0, 1)


def test_one_event_shows_nothing() -> None:
    assert rate([1], [], [2, 2]) == RepeatRate(1.0, 1)
    assert rate([1], []) == RepeatRate(0.0, 0)
    assert rate() == RepeatRate(0.0, 0)


@pytest.mark.parametrize(
    ("share", "users", "comes_back"),
    [(1.0, 19, False), (0.05, 20, True), (0.049, 1000, False), (0.5, 20, True), (0.0, 0, False)],
)
def test_from_five_in_a_hundred_of_twenty_users_on(share, users, comes_back) -> None:
    assert RepeatRate(share, users).comes_back is comes_back


def test_a_shop_of_new_things() -> None:
    assert not rate(*([user, user + 1, user + 2] for user in range(100))).comes_back
    few = [[user, user + 1, user + 2] for user in range(98)] + [[1, 1], [2, 2]]
    assert rate(*few) == RepeatRate(pytest.approx(0.02), 100), "noise among many users"
    assert not rate(*few).comes_back


@given(st.lists(st.lists(st.integers(0, 3), max_size=5), max_size=8))
def test_equals_the_loop_over_users(rows) -> None:
    able = [row for row in rows if len(row) >= 2]
    want = sum(row[-1] in row[:-1] for row in able) / len(able) if able else 0.0
    assert repeat_rate(Ragged.from_rows(rows)) == RepeatRate(pytest.approx(want), len(able))
