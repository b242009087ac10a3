"""A source that is kept from later items: what it is wanted, and what becomes of its answers."""

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.frozen_catalog import FrozenCatalogSource
from hypothesis import given
from hypothesis import strategies as st


class Recorder:
    """Answers with what it was wanted; fails at any item from 4 on, as an array would."""

    n_items = 4

    def __init__(self, full=True):
        self.full = full
        self.report = {"weights": 1}

    def seen(self, queries, index=()):
        rows = (queries.history, queries.exclude, queries.about, queries.negatives, queries.demoted)
        wanted = [*np.concatenate([one.values for one in rows]), *np.ravel(index)]
        if any(item >= self.n_items for item in wanted):
            raise IndexError(max(wanted))

    def generate(self, queries, k):
        self.seen(queries)
        n = len(queries)
        full = np.tile(np.arange(4, dtype=np.float32), (n, 1)) if self.full else None
        index = np.tile(np.arange(4)[::-1][:k], (n, 1))
        return Candidates(index, index.astype(np.float32), "recorder", full=full)

    def score(self, queries, index):
        self.seen(queries, index)
        return np.where(index == PAD, np.nan, index).astype(np.float32)

    def explain(self, queries, index):
        self.seen(queries, index)
        return [Evidence(f"item {item}") if item else None for item in index]


@pytest.fixture
def frozen():
    return FrozenCatalogSource(Recorder(), 4, 6)


def batch(histories, exclude=None):
    rows = Ragged.from_rows(histories)
    return QueryBatch.from_histories(
        rows, exclude=None if exclude is None else Ragged.from_rows(exclude)
    )


def test_later_items_are_kept_from_it(frozen):
    queries = batch([[0, 5, 1], [4], []], [[5, 2], [], [4]])
    with pytest.raises(IndexError):
        Recorder().generate(queries, 2)
    found = frozen.generate(queries, 2)
    assert found.index.tolist() == [[3, 2]] * 3
    older = frozen._older(queries)
    assert [older.history.row(i).tolist() for i in range(3)] == [[0, 1], [], []]
    assert [older.exclude.row(i).tolist() for i in range(3)] == [[2], [], []]
    assert queries.history.row(0).tolist() == [0, 5, 1], "the query itself is left alone"


def test_its_scores_of_the_whole_catalog_say_nothing_of_later_items(frozen):
    found = frozen.generate(batch([[0], [1]]), 2)
    assert found.full.shape == (2, 6)
    assert found.full[0, :4].tolist() == [0, 1, 2, 3]
    assert np.isnan(found.full[:, 4:]).all()


def test_an_answer_without_them_is_left_as_it_is():
    found = FrozenCatalogSource(Recorder(full=False), 4, 6).generate(batch([[0]]), 2)
    assert found.full is None

    class Odd(Recorder):
        def generate(self, queries, k):
            return "no candidates"

    assert FrozenCatalogSource(Odd(), 4, 6).generate(batch([[0]]), 2) == "no candidates"


def test_later_items_have_no_score_and_no_evidence(frozen):
    queries = batch([[0, 4]])
    scores = frozen.score(queries, np.array([[3, 4, PAD, 5, 1]]))
    np.testing.assert_array_equal(scores, [[3, np.nan, np.nan, np.nan, 1]])
    assert scores.dtype == np.float32
    found = frozen.explain(queries, np.array([5, 2, 4, 0]))
    assert found == [None, Evidence("item 2"), None, None]
    assert frozen.explain(queries, np.array([4, 5])) == [None, None]


def test_everything_else_goes_to_the_source_itself(frozen):
    assert frozen.report == {"weights": 1}
    with pytest.raises(AttributeError, match="anything"):
        _ = frozen.anything


rows = st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=6)


@given(rows, st.integers(0, 10))
def test_every_column_loses_what_is_too_high_and_stays_aligned(values, limit):
    """An item's time, type and weight are ten, twenty and thirty times its number."""
    history = Ragged.from_rows(values)
    down = Ragged.from_rows([sorted(set(row)) for row in values])
    queries = QueryBatch(
        np.arange(len(values)),
        history,
        history,
        about=Ragged.from_rows([row[:1] for row in values]),
        negatives=Ragged.from_rows([row[1:] for row in values]),
        demoted=down,
        factors=(down.values / 100).astype(np.float32),
        times=history.values * 10.0,
        types=history.values * 20,
        weights=(history.values * 30).astype(np.float32),
    )
    older = FrozenCatalogSource(Recorder(), limit, 10)._older(queries)
    for at, row in enumerate(values):
        kept = [value for value in row if value < limit]
        lost = row[:1] and row[0] >= limit
        assert older.exclude.row(at).tolist() == kept
        assert older.history.row(at).tolist() == ([] if lost else kept)
        assert older.about.row(at).tolist() == [one for one in row[:1] if one < limit]
        assert older.negatives.row(at).tolist() == [one for one in row[1:] if one < limit]
        assert older.demoted.row(at).tolist() == sorted(set(kept))
    assert older.times.tolist() == (older.history.values * 10.0).tolist()
    assert older.types.tolist() == (older.history.values * 20).tolist()
    assert older.weights.tolist() == (older.history.values * 30).tolist()
    assert older.factors.tolist() == (older.demoted.values / 100).astype(np.float32).tolist()
    taken = older.take(np.arange(len(values)))
    assert taken.times.tolist() == older.times.tolist()


def test_a_list_about_a_later_item_is_about_nothing_for_it(frozen):
    rows = Ragged.from_rows([[1]])
    queries = QueryBatch.from_histories(rows, about=Ragged.from_rows([[5]]))
    assert frozen.generate(queries, 2).index.tolist() == [[3, 2]]
    older = frozen._older(queries)
    assert older.about.row(0).tolist() == []
    assert older.seeds.row(0).tolist() == [], "and not the history in its place"
    some = QueryBatch.from_histories(rows, about=Ragged.from_rows([[5, 2]]))
    assert frozen._older(some).seeds.row(0).tolist() == [2]


def test_queries_without_later_items_are_handed_on_with_the_same_rows(frozen):
    queries = batch([[0, 1], [2]], [[3], []])
    older = frozen._older(queries)
    assert older.history.values.base is queries.history.values.base
