"""What is known of the user of one request."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.user_state import Impressions, UserState, session_start
from crossrec.data.user_events import UserEvents


def events(*times: float) -> UserEvents:
    ids = tuple(f"i{at}" for at in range(len(times)))
    n = len(times)
    return UserEvents(
        ids, np.zeros(n, np.int64), np.full(n, np.nan), np.ones(n, np.float32), np.array(times)
    )


@pytest.mark.parametrize(
    ("times", "start"),
    [
        ((), None),
        ((5.0,), 5.0),
        ((0.0, 1800.0, 3600.0), 0.0),
        ((0.0, 1800.1, 1900.0), 1800.1),
        ((0.0, 5000.0, 5100.0, 9000.0), 9000.0),
    ],
)
def test_a_session_begins_after_a_break_of_more_than_half_an_hour(times, start) -> None:
    assert session_start(events(*times)) == start


def test_nothing_is_known_of_a_stranger() -> None:
    user = UserState()
    assert (user.user_id, user.known, user.given, user.session_start) == (None, False, False, None)
    assert len(user.history) == len(user.past) == 0
    assert user.profile == user.impressions == {}
    assert user.consents == frozenset()


def test_the_past_is_what_acts_from_long_ago_and_then_the_history() -> None:
    old, new = UserEvents.of_items(("old",)), UserEvents.of_items(("new",))
    assert UserState(history=new, acting=old).past.item_ids == ("old", "new")
    alone = UserState(history=new)
    assert alone.past is alone.history


def test_negatives_are_the_negative_events_old_and_new() -> None:
    old, new = UserEvents.of_items(("liked", "refused")), UserEvents.of_items(("disliked",))
    acting = replace(old, weights=np.array([1.0, -1.0], np.float32))
    user = UserState(history=replace(new, weights=np.array([-2.0], np.float32)), acting=acting)
    assert user.negatives.item_ids == ("refused", "disliked")
    assert user.negatives.weights.tolist() == [-1.0, -2.0]
    assert len(UserState(history=old).negatives) == 0


def test_impressions_are_read_when_they_are_needed() -> None:
    calls = []

    def read() -> dict[str, Impressions]:
        calls.append(1)
        return {"i1": Impressions(3, 7.0)}

    user = UserState("u", read_impressions=read)
    assert calls == []
    assert user.impressions["i1"].times == 3
    assert calls == [1]
