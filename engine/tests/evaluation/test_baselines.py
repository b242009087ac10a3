"""Popularity and repeat-last: known right answers, exclusion, short lists."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.evaluation.baselines import Popularity, RepeatLast
from crossrec.evaluation.models import Model
from crossrec.numeric.ragged import Ragged
from hypothesis import given, settings
from hypothesis import strategies as st

RowsOfItems = st.lists(st.lists(st.integers(0, 7), max_size=9), min_size=1, max_size=5)


def rows(ragged: Ragged) -> list[list[int]]:
    return [ragged.row(i).tolist() for i in range(len(ragged))]


def ask(history: list[list[int]], exclude: list[list[int]] | None = None) -> QueryBatch:
    excluded = Ragged.from_rows(exclude) if exclude is not None else Ragged.empty(len(history))
    return QueryBatch.from_histories(Ragged.from_rows(history), exclude=excluded)


@pytest.fixture
def data(make_dataset):
    """Counts: item 3 four times, item 1 three times, 0 and 4 twice, 2 never, 5 disliked only."""
    events = [(0, 3), (1, 3), (2, 3), (3, 3), (0, 1), (1, 1), (2, 1), (0, 4), (1, 4), (2, 0)]
    return make_dataset([*events, (3, 0), (3, 5, 99, -1)], n_items=6)


def test_both_are_models(data):
    for baseline in (Popularity(data), RepeatLast(data)):
        assert isinstance(baseline, Model)
        assert baseline.fit_seconds >= 0
    assert Popularity(data).name == "popularity"
    assert RepeatLast(data).name == "repeat-last"


def test_popularity_shows_the_most_counted_first_ties_by_index(data):
    answer = Popularity(data).top(ask([[], [2]]), 10)
    assert answer.index.tolist() == [[3, 1, 0, 4]] * 2
    assert answer.score.tolist() == [[4, 3, 2, 2]] * 2


def test_popularity_leaves_out_what_was_never_liked(data):
    shown = Popularity(data).top(ask([[]]), 10).row(0)
    assert 2 not in shown
    assert 5 not in shown


def test_popularity_fills_up_behind_excluded_items(data):
    answer = Popularity(data).top(ask([[]] * 3, [[3, 1], [], [3, 1, 0, 4]]), 2)
    assert answer.index.tolist() == [[0, 4], [3, 1], [PAD, PAD]]
    assert np.isneginf(answer.score[2]).all()


def test_popularity_of_an_empty_training_shows_nothing(make_dataset):
    answer = Popularity(make_dataset([], n_users=1, n_items=3)).top(ask([[1]]), 5)
    assert answer.index.shape == (1, 0)


def test_repeat_last_shows_the_latest_distinct_first(data):
    answer = RepeatLast(data).top(ask([[1, 2, 1, 3], [], [4]]), 10)
    assert [answer.row(i).tolist() for i in range(3)] == [[3, 1, 2], [], [4]]
    assert (np.diff(answer.score[0]) < 0).all()


def test_repeat_last_stops_at_k(data):
    assert RepeatLast(data).top(ask([[0, 1, 2, 3]]), 2).index.tolist() == [[3, 2]]


def test_repeat_last_leaves_out_what_is_excluded_and_moves_up(data):
    answer = RepeatLast(data).top(ask([[0, 1, 2], [0, 1]], [[1], [0, 1]]), 10)
    assert [answer.row(i).tolist() for i in range(2)] == [[2, 0], []]


def test_excluding_is_a_matter_of_each_query(data):
    answer = RepeatLast(data).top(ask([[0, 1], [0, 1]], [[0], [1]]), 10)
    assert [answer.row(i).tolist() for i in range(2)] == [[1], [0]]


def test_no_queries_no_lists(data):
    for baseline in (Popularity(data), RepeatLast(data)):
        assert len(baseline.top(ask([]), 10)) == 0


@given(RowsOfItems)
def test_the_latest_distinct_items_equal_the_loop(history):
    expected = [list(dict.fromkeys(reversed(row))) for row in history]
    assert rows(Ragged.from_rows(history).reversed().distinct()) == expected


@given(RowsOfItems, st.integers(1, 6))
@settings(max_examples=60)
def test_one_query_is_answered_as_in_a_batch_and_never_with_excluded_items(history, k):
    from crossrec.data.catalog import Catalog
    from crossrec.data.dataset import Dataset
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary

    ids = Vocabulary(f"i{i}" for i in range(8))
    catalog = Catalog(ids, ("",) * 8, ("",) * 8, ((),) * 8, ("",) * 8, np.ones(8, dtype=bool))
    ragged = Ragged.from_rows(history)
    events = Events.from_columns(ragged.row_of, ragged.values)
    users = Vocabulary(f"u{i}" for i in range(len(history)))
    data = Dataset.build(users, catalog, events, has_clock=False)
    counts = Counter(ragged.values.tolist())
    exclude = [row[:2] for row in history]
    queries = ask(history, exclude)
    for model in (Popularity(data), RepeatLast(data)):
        batch = model.top(queries, k)
        for i, row in enumerate(history):
            alone = model.top(queries.take(np.array([i])), k).row(0).tolist()
            shown = batch.row(i).tolist()
            assert shown == alone
            assert len(shown) <= k
            assert not set(shown) & set(exclude[i])
            pool = set(counts) if model.name == "popularity" else set(row)
            assert len(shown) == min(k, len(pool - set(exclude[i])))
    best = Popularity(data).top(ask([[]]), k).row(0).tolist()
    assert best == sorted(counts, key=lambda item: (-counts[item], item))[:k]
