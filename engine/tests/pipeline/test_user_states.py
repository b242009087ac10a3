"""From a store to what a request knows of its user."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.consumption import EventEffects
from crossrec.components.user_state import HISTORY
from crossrec.pipeline import user_states
from crossrec.pipeline.user_states import read_user_state, with_given_history
from crossrec.store.rows import Coded, EventRows
from crossrec.store.sqlite import SqliteStore
from crossrec.testing.requests import TOY, user_with


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "crossrec.db")
    yield store
    store.close()


def add(store, *events, first_key=0, clock=True):
    """Add events of user "u" as (item, type, time)."""
    items, types, times = zip(*events, strict=True)
    n = len(events)
    rows = EventRows(
        Coded.of(["u"] * n),
        Coded.of(items),
        Coded.of(types),
        np.array(times, dtype=np.float64) if clock else None,
        np.full(n, np.nan),
        np.arange(first_key, first_key + n, dtype=np.int64),
    )
    store.add_events(TOY.name, rows)


def test_the_latest_events_with_their_columns(store):
    add(store, ("i2", "buy", 50.0), ("i1", "view", 10.0), ("i3", "dislike", 60.0))
    user = read_user_state(store, TOY, "u")
    assert (user.user_id, user.known, user.given) == ("u", True, False)
    assert user.history.item_ids == ("i1", "i2", "i3")
    assert [TOY.events[kind].name for kind in user.history.types] == ["view", "buy", "dislike"]
    assert user.history.weights.tolist() == [1.0, 1.0, -1.0]
    assert len(user.acting) == 0
    assert user.past is user.history


def test_the_running_session_begins_after_the_last_break(store):
    add(store, ("i1", "view", 0.0), ("i2", "view", 10_000.0), ("i3", "view", 10_900.0))
    assert read_user_state(store, TOY, "u").session_start == 10_000.0


def test_the_row_of_the_users_table_is_the_profile(store):
    store.add_users(TOY.name, {"u": {"country": "PT"}})
    user = read_user_state(store, TOY, "u")
    assert user.profile == {"country": "PT"}
    assert user.known is False, "a row is no event"
    add(store, ("i1", "view", 0.0))
    assert read_user_state(store, TOY, "u").known is True


@pytest.mark.parametrize("user_id", ["nobody", "", "\ud800", "\x00", "😀"])
def test_of_a_stranger_nothing_is_known(store, user_id):
    for _ in range(2):  # without any table, and with them
        user = read_user_state(store, TOY, user_id)
        assert (user.user_id, user.known, user.session_start) == (user_id, False, None)
        assert len(user.history) == len(user.acting) == 0
        assert user.profile == {}
        add(store, ("i1", "view", 0.0))


def test_of_older_events_those_are_read_that_still_act(store):
    old = [("i1", "buy", 1.0), ("i2", "view", 2.0), ("i3", "dislike", 3.0)]
    add(store, *old, *((f"v{at}", "view", 100.0 + at) for at in range(HISTORY)))
    user = read_user_state(store, TOY, "u")
    assert len(user.history) == HISTORY
    assert user.history.item_ids[0] == "v0"
    assert user.acting.item_ids == ("i1", "i3")
    assert user.past.item_ids[:3] == ("i1", "i3", "v0")
    assert "view" not in EventEffects.of(TOY).acting_types


def test_up_to_the_limit_nothing_older_is_looked_for(store, monkeypatch):
    monkeypatch.setattr(user_states, "HISTORY", 3)
    add(store, ("i1", "buy", 1.0), ("i2", "view", 2.0))
    assert len(read_user_state(store, TOY, "u").acting) == 0
    add(store, ("i3", "view", 3.0), ("i4", "view", 4.0), first_key=10)
    user = read_user_state(store, TOY, "u")
    assert user.history.item_ids == ("i2", "i3", "i4")
    assert user.acting.item_ids == ("i1",)


def test_what_acts_and_is_cancelled_by_the_history_stands_before_it(store, monkeypatch):
    monkeypatch.setattr(user_states, "HISTORY", 2)
    add(store, ("i1", "dislike", 1.0), ("i2", "view", 2.0), ("i1", "buy", 3.0))
    user = read_user_state(store, TOY, "u")
    assert user.past.item_ids == ("i1", "i2", "i1")
    assert (np.diff(user.past.times) >= 0).all()


def test_without_a_clock_times_are_positions(store, monkeypatch):
    monkeypatch.setattr(user_states, "HISTORY", 2)
    events = [("i1", "buy", 0.0), ("i2", "view", 0.0), ("i3", "view", 0.0)]
    add(store, *events, clock=False)
    user = read_user_state(store, TOY, "u")
    assert user.history.item_ids == ("i2", "i3")
    assert user.acting.item_ids == ("i1",)


def test_a_given_history_takes_the_place_of_the_stored_one_and_the_rest_still_acts():
    stored = user_with(liked=("i1",), disliked=("i2",), user_id="u")
    user = with_given_history(stored, ("i5", "i6"), TOY, 700.0)
    assert (user.given, user.known, user.session_start) == (True, True, None)
    assert user.history.item_ids == ("i5", "i6")
    assert [TOY.events[kind].name for kind in user.history.types] == ["buy", "buy"]
    assert user.history.times.tolist() == [700.0, 700.0]
    assert user.history.weights.tolist() == [1.0, 1.0]
    assert user.acting.item_ids == ("i1", "i2")
    assert user.past.item_ids == ("i1", "i2", "i5", "i6")


def test_an_empty_given_history_is_one_too():
    user = with_given_history(user_with(liked=("i1",), user_id="u"), (), TOY, 0.0)
    assert user.given
    assert len(user.history) == 0
    assert user.past.item_ids == ("i1",)


def test_one_state_of_the_store_is_read(store):
    """Events that come meanwhile belong to the next request."""
    add(store, ("i1", "view", 1.0))
    read = store.user_events

    class Busy:
        def __getattr__(self, name):
            return getattr(store, name)

        def user_events(self, *arguments):
            found = read(*arguments)
            add(SqliteStore(store._connections.path), ("i2", "view", 2.0), first_key=5)
            store.add_users(TOY.name, {"u": {"late": True}})
            return found

    user = read_user_state(Busy(), TOY, "u")
    assert user.history.item_ids == ("i1",)
    assert user.profile == {}
    assert read_user_state(store, TOY, "u").profile == {"late": True}
