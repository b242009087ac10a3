"""Questions to surfaces: known right questions, and nothing of an answer known before."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.evaluation.surfaces.questions import (
    NEXT,
    QUESTIONS_OF,
    Questions,
    of_baskets,
    of_items,
    of_nobody,
    of_returns,
    of_sessions,
    of_users,
)
from crossrec.evaluation.surfaces.window import Window, window_of
from crossrec.numeric.ragged import Ragged
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = 24.0


def rows(ragged: Ragged) -> list[list[int]]:
    return [ragged.row(at).tolist() for at in range(len(ragged))]


@pytest.fixture
def window(timed) -> Window:
    """Ninety-nine learnt events; user 0 then has two days, user 1 one event, user 2 one day.

    On the first day user 0 takes 10, 11, 10 and 12 within an hour and 13 three hours later, on the
    second 14. User 2 takes 2 again, then 15, 16 and 17, all at one time.
    """
    learnt = [(at % 3, at % 6, at / 2) for at in range(99)]
    day = 4 * DAY
    first = [(0, 10, day), (0, 11, day + 0.3), (0, 10, day + 0.4), (0, 12, day + 0.5)]
    later = [(0, 13, day + 3.5), (0, 14, day + 30), (1, 9, day + 1)]
    basket = [(2, item, day + 2) for item in (2, 15, 16, 17)]
    return window_of(timed(learnt + first + later + basket))


def test_users_have_what_they_take_after_the_cut(window):
    wanted = of_users(window)
    assert rows(wanted.targets) == [[10, 11, 12, 13, 14], [9], [2, 15, 16, 17]]
    assert (wanted.now == window.cut).all()
    assert (wanted.known == window.known).all()
    assert rows(wanted.about) == rows(wanted.session) == [[], [], []]
    assert not wanted.anonymous


def test_nobody_has_the_same_targets(window):
    wanted = of_nobody(window)
    assert wanted.anonymous
    assert rows(wanted.targets) == rows(of_users(window).targets)


def test_an_item_leads_to_the_next_of_its_day(window):
    wanted = of_items(window)
    assert wanted.users.tolist() == [0, 2]
    assert rows(wanted.about) == [[10], [2]]
    assert rows(wanted.targets) == [[11, 12, 13], [15, 16, 17]]
    assert wanted.known.tolist() == [window.places.row(0)[0], window.places.row(2)[0]]
    assert wanted.now.tolist() == window.whole.events.times[wanted.known].tolist()


def test_a_basket_leads_to_its_other_half(window):
    wanted = of_baskets(window)
    assert rows(wanted.about) == [[10, 11], [2, 15]]
    assert rows(wanted.targets) == [[12, 13], [16, 17]]


def test_a_session_ends_after_half_an_hour_and_leads_to_its_next_item(window):
    """The three items of the first hour are one session: two are given, and one comes next."""
    wanted = of_sessions(window)
    assert rows(wanted.session) == [[10, 11], [2, 15]]
    assert rows(wanted.targets) == [[12], [16]]
    assert rows(wanted.about) == [[], []]


def test_returns_are_those_of_people_who_come_back(window):
    wanted = of_returns(window)
    assert wanted.users.tolist() == [2]
    assert rows(wanted.targets) == [[2]]
    assert "33% of the test users do" in wanted.what


def test_nobody_comes_back(timed):
    wanted = of_returns(window_of(timed([(at % 2, at, at) for at in range(30)])))
    assert len(wanted) == 0
    assert "0% of" in wanted.what


def test_a_disliked_item_was_not_had(timed):
    learnt = [(0, at % 9, at / 2) for at in range(17)] + [(0, 30, 17, -0.5), (0, 31, 17)]
    window = window_of(timed([*learnt, (0, 30, 19), (0, 31, 19.5)]))
    assert rows(window.items) == [[30, 31]]
    assert rows(of_returns(window).targets) == [[31]]


def test_at_most_ten_items_come_next(timed):
    day = [(1, 100 + at, 500 + at / 60) for at in range(40)]
    window = window_of(timed([(0, at, at) for at in range(360)] + day))
    assert rows(of_items(window).targets) == [list(range(101, 101 + NEXT))]
    assert len(of_baskets(window).targets.values) == 20


def test_without_times_the_held_out_events_are_one_group(timed):
    window = window_of(timed([(0, at, at) for at in range(20)], clock=False))
    assert rows(of_items(window).about) == [[16]]
    assert rows(of_baskets(window).targets) == [[18, 19]]
    assert rows(of_sessions(window).session) == [[16, 17]]
    assert np.isnan(of_sessions(window).now).all()


def test_who_takes_one_item_alone_gives_no_question_about_items(timed):
    window = window_of(timed([(at % 2, at // 2, at * DAY) for at in range(40)]))
    assert len(window) == 2
    for ask in (of_items, of_baskets, of_sessions):
        assert len(ask(window)) == 0


def test_questions_can_be_chosen(window):
    wanted = of_users(window).where(np.array([False, True, True]))
    assert wanted.users.tolist() == [1, 2]
    assert rows(wanted.targets) == [[9], [2, 15, 16, 17]]


def check(wanted: Questions, window: Window) -> None:
    """Nothing of the window is known before a question, and all that is right came in it."""
    events = window.whole.events
    for at, user in enumerate(wanted.users.tolist()):
        own = window.users.tolist().index(user)
        places = window.places.row(own)
        after = places[places >= wanted.known[at]]
        given = [*wanted.about.row(at).tolist(), *wanted.session.row(at).tolist()]
        right = wanted.targets.row(at).tolist()
        assert right
        assert len(set(right)) == len(right)
        assert not set(right) & set(given)
        assert {*given, *right} <= set(events.items[after].tolist())
        assert (events.users[wanted.starts[at] : wanted.known[at]] == user).all()


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000), clock=st.booleans(), input_=st.sampled_from([*QUESTIONS_OF, "own"])
)
def test_no_question_knows_its_answers(at_random, seed, clock, input_):
    window = window_of(at_random(seed, clock))
    check((of_returns if input_ == "own" else QUESTIONS_OF[input_])(window), window)
