"""What goes on: half-watched items, next episodes, and when neither is proposed."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.numeric.ragged import Ragged
from crossrec_collaborative.shelves.continuation import Continuation, ContinuationConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RUN = RunOptions(threads=1)
CLICK, WATCH, COMPLETE = range(3)
#: Items 0 to 3 are two seasons of a series, out of order; 4 and 5 another; 6 and 7 films.
SERIES = ("a", "a", "a", "a", "b", "b", None, None)
SEASON = (1, 2, 1, 2, None, None, None, None)
EPISODE = (2, 1, 1, 2, 1, 2, None, None)


@pytest.fixture
def shelf(channel):
    """Return a maker of one person's data over the series above."""

    def make(*lines, **fields):
        columns = {"series_id": SERIES, "season_number": SEASON, "episode_number": EPISODE}
        return channel([list(lines)], 8, **{**columns, **fields})

    return make


def fitted(data, **config):
    source = Continuation(ContinuationConfig(**config))
    source.fit(data, RUN)
    return source


def row(data, query, **config):
    return fitted(data, **config).generate(query, 10).row(0).tolist()


@pytest.mark.parametrize(
    ("portion", "expected"), [(0.05, []), (0.1, [6]), (0.5, [6]), (0.89, [6]), (0.95, [])]
)
def test_what_is_partly_watched_goes_on(shelf, ask, portion, expected):
    data = shelf((6, WATCH, 1, portion))
    assert row(data, ask(data, 2)) == expected


def test_the_next_episode_replaces_a_finished_one(shelf, ask):
    """Season 1: items 2, 0; season 2: items 1, 3."""
    for at, after in ((2, [0]), (0, [1]), (1, [3]), (3, [])):
        data = shelf((at, COMPLETE, 1, 1.0))
        assert row(data, ask(data, 2)) == after
        data = shelf((at, WATCH, 1, 1.0))
        assert row(data, ask(data, 2)) == after


def test_watched_episodes_are_passed_over_and_a_half_watched_one_stays(shelf, ask):
    data = shelf((0, COMPLETE, 1, 1.0), (2, COMPLETE, 2, 1.0))
    assert row(data, ask(data, 3)) == [1]
    data = shelf((2, COMPLETE, 1, 1.0), (0, WATCH, 2, 0.4))
    assert row(data, ask(data, 3)) == [0]


def test_the_latest_comes_first(shelf, ask):
    data = shelf((2, COMPLETE, 1, 1.0), (6, WATCH, 2, 0.5), (4, COMPLETE, 3, 1.0))
    assert row(data, ask(data, 4)) == [5, 6, 0]
    assert row(data, ask(data, 4, exclude=[[5]])) == [6, 0]


def test_a_click_neither_begins_nor_ends(shelf, ask):
    data = shelf((6, WATCH, 1, 0.5), (6, CLICK, 2, 1.0), (7, CLICK, 3, 1.0))
    assert row(data, ask(data, 4)) == [6]


def test_what_was_left_alone_is_dropped(shelf, ask):
    data = shelf((6, WATCH, 1, 0.5), (7, WATCH, 50, 0.5))
    assert row(data, ask(data, 62)) == [7]
    assert row(data, ask(data, 62), days=90) == [7, 6]
    assert row(data, ask(data)) == [7, 6], "without times nothing is too old"


def test_of_given_items_the_next_one(shelf):
    """A surface about an item: it counts as finished."""
    data = shelf((6, WATCH, 1, 0.5))
    query = QueryBatch.from_histories(Ragged.from_rows([[4]]), exclude=Ragged.empty(1))
    assert row(data, query) == [5]
    (said,) = fitted(data).explain(query, np.array([5]))
    assert (said.phrase, said.history, said.strengths) == ("next episode after", (4,), (1.0,))


def test_reasons_say_how_much_was_watched_and_when(shelf, ask):
    data = shelf((6, WATCH, 1, 0.4))
    said, nothing = fitted(data).explain(ask(data, 2), np.array([6, 7]))
    assert said.phrase == "40% watched yesterday"
    assert said.values == {"portion": 0.4}
    assert nothing is None


def test_without_series_only_what_was_begun(channel, ask):
    data = channel([[(0, WATCH, 1, 0.5), (1, COMPLETE, 2, 1.0)]], 3)
    assert row(data, ask(data, 3)) == [0]


def test_a_new_episode_goes_on_at_once(shelf, ask, channel):
    data = shelf((3, COMPLETE, 1, 1.0))
    source = fitted(data)
    assert source.generate(ask(data, 2), 5).row(0).tolist() == []
    longer = channel(
        [[(3, COMPLETE, 1, 1.0)]],
        9,
        series_id=(*SERIES, "a"),
        season_number=(*SEASON, 3),
        episode_number=(*EPISODE, 1),
    )
    source.add_items(longer)
    assert source.generate(ask(longer, 2), 5).row(0).tolist() == [8]


def test_a_restored_source_says_the_same(shelf, ask):
    data = shelf((2, COMPLETE, 1, 1.0), (6, WATCH, 2, 0.5))
    source, other = fitted(data), Continuation()
    state = source.state()
    other.restore(State(dict(state.arrays), dict(state.values)), data.catalog)
    query = ask(data, 3)
    assert other.generate(query, 5).row(0).tolist() == [6, 0]
    assert other.explain(query, np.array([6, 0])) == source.explain(query, np.array([6, 0]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.sampled_from([CLICK, WATCH, COMPLETE]), st.floats(0.01, 1)),
        max_size=12,
    )
)
def test_never_what_is_finished_and_one_of_a_series(shelf, ask, lines):
    events = [(item, kind, day, 1.0 if kind != WATCH else part)
              for day, (item, kind, part) in enumerate(lines)]  # fmt: skip
    data = shelf(*events)
    found = row(data, ask(data, 20))
    done = {
        item
        for item, kind, _, part in events
        if kind == COMPLETE or (kind == WATCH and part >= 0.9)
    }
    last = {item: (kind, part) for item, kind, _, part in events if kind != CLICK and part >= 0.1}
    named = [SERIES[item] for item in found if SERIES[item]]
    assert len(named) == len(set(named))
    for item in set(found) & done:
        assert last[item][0] == WATCH, "only what was begun anew"
        assert last[item][1] < 0.9
