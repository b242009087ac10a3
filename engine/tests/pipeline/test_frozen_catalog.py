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
        wanted = [*queries.history.values, *queries.exclude.values, *np.ravel(index)]
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


rows = st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=6)


@given(rows, st.integers(0, 10))
def test_rows_lose_what_is_too_high_and_keep_their_order(values, limit):
    kept = Ragged.from_rows(values).within(limit)
    assert len(kept) == len(values)
    for at, row in enumerate(values):
        assert kept.row(at).tolist() == [value for value in row if value < limit]
