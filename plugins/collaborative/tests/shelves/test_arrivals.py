"""What is new, of whom one follows, and what most people did: known answers."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec_collaborative.shelves.arrivals import arrivals_of, new_items
from crossrec_collaborative.shelves.event_count import EventCount, EventCountConfig
from crossrec_collaborative.shelves.following import Following, FollowingConfig
from crossrec_collaborative.shelves.newest import Newest, NewestConfig
from hypothesis import given
from hypothesis import strategies as st

RUN = RunOptions(threads=1)
DAY = 86_400.0
CLICK, WATCH, COMPLETE, FOLLOW, HIDE = range(5)


def fitted(source, data):
    source.fit(data, RUN)
    return source


def days(*values):
    return [None if value is None else value * DAY for value in values]


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 50)), min_size=1, max_size=12),
    st.integers(0, 60),
    st.integers(0, 20),
)
def test_new_items_are_there_and_fall_in_time(dates, now, window):
    column = np.array([np.nan if date is None else date * DAY for date in dates])
    found = new_items(column, now * DAY, window).tolist()
    there = [date for date in dates if date is not None and date <= now]
    expected = [at for at, date in enumerate(dates) if date is not None and date <= now
                and (not window or date >= max(there) - window)]  # fmt: skip
    assert sorted(found) == expected
    assert found == sorted(found, key=lambda at: (-column[at], at))


def test_an_item_without_a_date_came_with_its_first_event(channel):
    data = channel([[(1, CLICK, 7, 1.0), (1, CLICK, 9, 1.0)]], 3, created_at=days(3, None, None))
    np.testing.assert_array_equal(arrivals_of(data, ("created_at",)) / DAY, [3, 7, np.nan])
    without = channel([[(1, CLICK, 7, 1.0)]], 3, clock=False, created_at=days(3, None, None))
    np.testing.assert_array_equal(arrivals_of(without, ("created_at",)) / DAY, [3, np.nan, np.nan])


def test_newest_first_within_the_window_and_nothing_of_tomorrow(channel, ask):
    data = channel([[]], 5, created_at=days(1, 35, 40, 50, 60))
    found = fitted(Newest(NewestConfig()), data).generate(ask(data, 55), 10)
    assert found.row(0).tolist() == [3, 2, 1]
    assert found.score[0, 0] == 1.0
    everything = fitted(Newest(NewestConfig(days=0)), data)
    assert everything.generate(ask(data, 55), 10).row(0).tolist() == [3, 2, 1, 0]
    assert everything.generate(ask(data), 10).row(0).tolist() == [4, 3, 2, 1, 0]


def test_taste_goes_before_a_few_days(channel, ask):
    """Item 3 is of the kind and the maker of the history, item 4 a day newer; 1 + 10 to 1."""
    data = channel(
        [[(0, CLICK, 1, 1.0)], []],
        5,
        created_at=days(0, 0, 0, 29, 30),
        categories=(("jazz",), ("punk",), (), ("jazz", "new"), ("punk",)),
        creators=("Ann", "Bob", "", "ann", "Bob"),
    )
    source = fitted(Newest(NewestConfig(days=10)), data)
    assert [source.generate(ask(data, 30), 3).row(at).tolist() for at in (0, 1)] == [[3, 4], [4, 3]]
    np.testing.assert_allclose(
        source.score(ask(data, 30), np.array([[3, 4], [3, 4]])),
        [[11 * 0.5 ** (1 / 15), 1.0], [0.5 ** (1 / 15), 1.0]],
        rtol=1e-6,
    )
    plain = fitted(Newest(NewestConfig(days=10, taste=0)), data)
    assert plain.generate(ask(data, 30), 3).row(0).tolist() == [4, 3]


def test_newest_says_when_it_came(channel, ask):
    data = channel([[]], 2, created_at=days(3, None))
    said, nothing = fitted(Newest(), data).explain(ask(data, 4), np.array([0, 1]))
    assert said.phrase == "new: came yesterday"
    assert nothing is None


@pytest.mark.parametrize("source", [Newest(), Following(FollowingConfig(events=1))])
def test_new_items_join_with_their_date_or_as_the_newest(channel, ask, source):
    person = [(0, CLICK, 1, 1.0)]
    data = channel([person], 2, created_at=days(10, 12), creators=("a", "a"))
    longer = channel([person], 4, created_at=days(10, 12, 11, None), creators=("a",) * 4)
    fitted(source, data)
    source.add_items(longer)
    assert source.generate(ask(longer, 20), 5).row(0).tolist() == [1, 3, 2, 0]
    again = type(source)(source.config)
    again.restore(State(dict(source.state().arrays)), longer.catalog)
    assert again.generate(ask(longer, 20), 5).row(0).tolist() == [1, 3, 2, 0]


def test_items_of_followed_creators_in_reverse_time(channel, ask):
    """User 0 follows Ann; user 1 has only watched her, user 2 has followed and hidden."""
    data = channel(
        [[(0, FOLLOW, 5, 1.0)], [(0, WATCH, 5, 1.0)], [(0, FOLLOW, 5, 1.0), (0, HIDE, 6, 1.0)]],
        5,
        created_at=days(1, 2, 3, 4, 99),
        creators=("Ann", "Bob", "ANN", "Ann", "Ann"),
    )
    source = fitted(Following(), data)
    found = source.generate(ask(data, 10), 5)
    assert [found.row(at).tolist() for at in range(3)] == [[3, 2, 0], [], []]
    listened = fitted(Following(FollowingConfig(events=1)), data)
    assert listened.generate(ask(data, 10), 5).row(1).tolist() == [3, 2, 0]
    often = fitted(Following(FollowingConfig(events=2)), data)
    assert often.generate(ask(data, 10), 5).row(1).tolist() == []
    said, nothing = source.explain(ask(data, 10).take(np.array([0])), np.array([3, 1]))
    assert (said.phrase, said.history) == ("came 6 days ago, by the maker of", (0,))
    assert nothing is None


def test_a_restored_source_follows_the_same(channel, ask):
    data = channel([[(0, FOLLOW, 5, 1.0)]], 2, created_at=days(1, 2), creators=("a", "a"))
    source, other = fitted(Following(), data), Following()
    other.restore(source.state(), data.catalog)
    assert other.generate(ask(data, 6), 5).row(0).tolist() == [1, 0]


def test_people_who_did_it_are_counted_once(channel, ask):
    """Item 0: two people clicked, one of them twice; item 1: one completed."""
    data = channel(
        [[(0, CLICK, 1, 1.0), (0, CLICK, 2, 1.0), (1, COMPLETE, 3, 1.0)], [(0, CLICK, 40, 1.0)]], 3
    )
    every = fitted(EventCount(), data)
    assert every.generate(ask(data, 50), 5).row(1).tolist() == [0, 1]
    assert every.generate(ask(data, 50), 5).score[1].tolist() == [2.0, 1.0]
    done = fitted(EventCount(EventCountConfig(events=("complete",))), data)
    assert done.generate(ask(data, 50), 5).row(0).tolist() == [1]
    assert [one and one.phrase for one in done.explain(ask(data), np.array([1, 0]))] == [
        "complete: 1 person",
        None,
    ]
    late = fitted(EventCount(EventCountConfig(days=7)), data)
    assert late.generate(ask(data, 50), 5).row(0).tolist() == [0]
    assert late.explain(ask(data), np.array([0]))[0].phrase == (
        "popular: 1 person in the last 7 days"
    )
    none = fitted(EventCount(EventCountConfig(events=("purchase",))), data)
    assert none.generate(ask(data, 50), 5).row(0).tolist() == []
