"""What is held out: the last tenth by time, or the last events of each user."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.errors import DataError
from crossrec.evaluation.surfaces.window import Window, window_of
from hypothesis import given, settings
from hypothesis import strategies as st


def held(window: Window) -> dict[int, list[int]]:
    return {int(u): window.items.row(at).tolist() for at, u in enumerate(window.users)}


def test_the_last_tenth_by_time_is_held_out(timed):
    """Twenty events, one an hour, by turns of two users: the last two are the window."""
    window = window_of(timed([(at % 2, at, at) for at in range(20)]))
    assert window.protocol == "temporal"
    assert held(window) == {0: [18], 1: [19]}
    assert len(window.train.events) == 18
    assert window.cut == window.whole.events.times.max() - 3600
    assert (window.known - window.starts).tolist() == [9, 9]
    assert window.notes == ("the window is the last 0.0 days",)


def test_an_event_at_the_time_of_the_cut_comes_after_it(timed):
    rows = [(0, at, at) for at in range(17)] + [(1, 17, 17), (2, 18, 17), (3, 19, 17)]
    window = window_of(timed(rows))
    assert held(window) == {1: [17], 2: [18], 3: [19]}
    assert len(window.train.events) == 17


def test_a_user_who_only_then_appears_knows_nothing(timed):
    window = window_of(timed([(0, at, at) for at in range(18)] + [(1, 3, 18), (1, 4, 19)]))
    assert held(window) == {1: [3, 4]}
    assert (window.known == window.starts).all()


def test_dislikes_of_the_window_are_no_interactions(timed):
    rows = [(0, at, at) for at in range(18)] + [(0, 18, 18), (0, 19, 18.5, -1.0), (0, 20, 19)]
    assert held(window_of(timed(rows))) == {0: [18, 20]}


def test_without_times_the_last_fifth_of_each_user_is_held_out(timed):
    rows = [(0, at, at) for at in range(20)] + [(1, at, at) for at in range(5)] + [(2, 1, 1)] * 4
    window = window_of(timed(rows, clock=False))
    assert window.protocol == "last events"
    assert np.isnan(window.cut)
    assert held(window) == {0: [16, 17, 18, 19], 1: [3, 4]}
    assert window.train.sequences.lengths.tolist() == [16, 3, 4]
    assert any("last fifth" in note for note in window.notes)


def test_at_most_ten_are_held_out_without_times(timed):
    window = window_of(timed([(0, at, at) for at in range(200)], clock=False))
    assert held(window)[0] == list(range(190, 200))


def test_a_sample_keeps_whole_users_and_says_so(timed):
    window = window_of(timed([(user, user, hour) for hour in range(9) for user in range(8)]))
    few = window.sample(3, seed=1)
    assert len(few) == 3
    assert held(few).items() <= held(window).items()
    assert few.notes[-1] == "a sample of 3 of 8 test users, seed 1"
    assert window.sample(8, seed=1) is window
    assert window.sample(None, seed=1) is window


@pytest.mark.parametrize("hours", [[1.0] * 5, [2.0]])
def test_too_few_times_are_said(timed, hours):
    with pytest.raises(DataError, match="too few distinct times"):
        window_of(timed([(0, at, hour) for at, hour in enumerate(hours)]))


def test_too_short_histories_without_times_are_said(timed):
    with pytest.raises(DataError, match="five events or more"):
        window_of(timed([(user, at, at) for user in range(9) for at in range(4)], clock=False))


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), clock=st.booleans())
def test_no_event_is_both_learnt_and_held_out(at_random, seed, clock):
    window = window_of(at_random(seed, clock))
    whole, train = window.whole, window.train
    assert len(train.interactions) + len(window.places.values) <= len(whole.events)
    if clock:
        assert (train.events.times < window.cut).all()
        assert (window.times >= window.cut).all()
    for row, user in enumerate(window.users.tolist()):
        learnt = int((train.events.users == user).sum())
        assert learnt == window.known[row] - window.starts[row]
        assert (window.places.row(row) >= window.known[row]).all()
        own = whole.events.users[window.starts[row] : window.places.row(row)[-1] + 1]
        assert (own == user).all()
