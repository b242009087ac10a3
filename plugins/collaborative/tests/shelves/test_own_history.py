"""A person's own items: the latest, the most frequent, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec_collaborative.shelves.own_history import OwnHistory, OwnHistoryConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RUN = RunOptions(threads=1)
CLICK = 0


def clicks(*lines):
    return [(item, CLICK, day, 1.0) for item, day in lines]


def fitted(data, **config):
    source = OwnHistory(OwnHistoryConfig(**config))
    source.fit(data, RUN)
    return source


def test_the_latest_comes_first_and_each_item_once(channel, ask):
    data = channel([clicks((0, 1), (1, 2), (0, 3), (2, 4), (1, 5))], 4)
    found = fitted(data).generate(ask(data, 6), 10)
    assert found.row(0).tolist() == [1, 2, 0]
    assert fitted(data).generate(ask(data, 6), 2).row(0).tolist() == [1, 2]


def test_the_most_frequent_comes_first_of_equal_ones_the_latest(channel, ask):
    data = channel([clicks((0, 1), (0, 2), (1, 3), (2, 4), (2, 5), (3, 6))], 4)
    source = fitted(data, order="count")
    assert source.generate(ask(data, 7), 10).row(0).tolist() == [2, 0, 3, 1]


def test_only_the_last_days_count(channel, ask):
    data = channel([clicks((0, 1), (0, 2), (0, 3), (1, 33), (1, 34), (2, 35))], 3)
    source = fitted(data, order="count", days=30, least=2)
    assert source.generate(ask(data, 40), 10).row(0).tolist() == [1]
    assert source.generate(ask(data), 10).row(0).tolist() == [0, 1], "without times all count"
    assert source.generate(ask(data, 400), 10).row(0).tolist() == []


@pytest.mark.parametrize(
    ("now", "words"),
    [(5.2, "yours: twice, last today"), (6.0, "yours: twice, last yesterday")],
)
def test_reasons_say_how_often_and_when(channel, ask, now, words):
    data = channel([clicks((0, 1), (0, 5), (1, 2))], 3)
    source = fitted(data)
    first, second, third = source.explain(ask(data, now), np.array([0, 1, 2]))
    assert first.phrase == words
    assert first.values["times"] == 2
    assert second.phrase.startswith("yours: once, last ")
    assert third is None
    assert source.explain(ask(data), np.array([0]))[0].phrase == "yours: twice"


def test_excluded_items_are_left_out(channel, ask):
    data = channel([clicks((0, 1), (1, 2), (2, 3)), clicks((1, 1))], 3)
    found = fitted(data).generate(ask(data, 4, exclude=[[2], []]), 10)
    assert found.row(0).tolist() == [1, 0]
    assert found.row(1).tolist() == [1]


def test_a_new_item_in_the_history_is_shown(channel, ask):
    data, longer = channel([clicks((0, 1))], 1), channel([clicks((0, 1), (1, 2))], 2)
    source = fitted(data)
    assert source.generate(ask(longer, 3), 5).row(0).tolist() == [0]
    source.add_items(longer)
    assert source.generate(ask(longer, 3), 5).row(0).tolist() == [1, 0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 6), max_size=20), st.sampled_from(["recent", "count"]))
def test_the_list_is_the_history(channel, ask, items, order):
    data = channel([clicks(*((item, day) for day, item in enumerate(items)))], 7)
    source = fitted(data, order=order)
    query = ask(data, 30)
    found = source.generate(query, 10).row(0).tolist()
    assert sorted(found) == sorted(set(items))
    if order == "recent":
        assert found == list(dict.fromkeys(reversed(items)))
    else:
        counts = [items.count(item) for item in found]
        assert counts == sorted(counts, reverse=True)
    assert np.isfinite(source.score(query, np.arange(7)[None])[0]).sum() == len(set(items))
