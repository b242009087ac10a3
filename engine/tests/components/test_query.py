"""Queries: last items and blocks against loops; which values are refused."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from crossrec.components.query import Query, QueryBatch
from crossrec.errors import UsageError
from crossrec.numeric.ragged import Ragged
from hypothesis import given
from hypothesis import strategies as st

N_ITEMS = 7
histories = st.lists(st.lists(st.integers(0, N_ITEMS - 1), max_size=9), min_size=1, max_size=5)


def batch(history, **more):
    return QueryBatch.from_histories(Ragged.from_rows(history), **more)


@given(histories)
def test_last_items_are_the_last_or_none(history):
    want = [items[-1] if items else -1 for items in history]
    assert batch(history).last_items().tolist() == want


@given(st.integers(0, 20), st.integers(1, 7))
def test_blocks_are_all_rows_once_in_order(n, size):
    blocks = QueryBatch.from_histories(Ragged.empty(n)).blocks(size)
    assert [int(row) for block in blocks for row in block] == list(range(n))
    assert all(0 < len(block) <= size for block in blocks)
    assert len(blocks) == -(-n // size)


@given(histories, st.data())
def test_take_keeps_every_column_aligned(history, data):
    n = len(history)
    queries = batch(
        history,
        users=np.arange(n) + 10,
        exclude=Ragged.from_rows([[i] for i in range(n)]),
        now=np.arange(n) / 2,
    )
    rows = np.array(data.draw(st.lists(st.integers(0, n - 1), max_size=6)), dtype=np.int64)
    taken = queries.take(rows)
    assert len(taken) == len(rows)
    assert taken.users.tolist() == (rows + 10).tolist()
    assert taken.now.tolist() == (rows / 2).tolist()
    for at, row in enumerate(rows):
        assert taken.history.row(at).tolist() == history[row]
        assert taken.exclude.row(at).tolist() == [row]
    assert batch(history).take(rows).now is None


def test_defaults_are_unknown_users_whose_history_is_excluded():
    queries = batch([[1, 2], []])
    assert queries.users.tolist() == [-1, -1]
    assert queries.exclude is queries.history
    assert queries.now is None


@pytest.mark.parametrize("k", [0, -1, -(10**9)])
def test_k_below_one_is_refused(k):
    with pytest.raises(UsageError, match=f"k must be 1 or more, not {k}"):
        Query(k=k)


@pytest.mark.parametrize("k", [2.5, "3", None, float("nan")])
def test_k_that_is_no_whole_number_is_refused(k):
    with pytest.raises(UsageError, match="k must be a whole number"):
        Query(k=k)


def test_k_of_numpy_is_a_number():
    assert Query(k=np.int64(3)).k == 3


def test_a_query_is_a_value():
    query = Query(user_id="u", history=("a",))
    assert query == Query(user_id="u", history=("a",))
    with pytest.raises(FrozenInstanceError):
        query.k = 3


def test_nobody_can_write_into_a_batch() -> None:
    rows = Ragged.from_rows([[1, 2], [3]])
    queries = QueryBatch(
        np.array([0, 1]),
        rows,
        rows,
        np.zeros(2),
        negatives=Ragged.from_rows([[4], []]),
        demoted=Ragged.from_rows([[], [5]]),
        factors=np.full(1, 0.5, np.float32),
        times=np.arange(3.0),
        types=np.arange(3),
        weights=np.ones(3, np.float32),
        session_start=np.zeros(2),
    )
    arrays = [
        queries.users, queries.now, queries.times, queries.types, queries.weights,
        queries.history.values, queries.exclude.values, queries.about.indptr,
        queries.negatives.values, queries.demoted.values, queries.factors, queries.session_start,
    ]  # fmt: skip
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    rows.values[0] = 7  # the caller's own arrays stay writable


def test_aligned_columns_are_taken_along() -> None:
    rows = Ragged.from_rows([[1, 2], [3], [4, 5, 6]])
    queries = QueryBatch(
        np.arange(3),
        rows,
        rows,
        about=Ragged.from_rows([[], [9], []]),
        negatives=Ragged.from_rows([[7], [], [8]]),
        demoted=Ragged.from_rows([[1, 2], [3], [5]]),
        factors=np.array([0.1, 0.2, 0.3, 0.4], np.float32),
        times=np.arange(6.0),
        types=np.arange(6),
        session_start=np.array([1.0, 2.0, np.nan]),
        context={"hour": np.array([1, 2, 3])},
        surface="home",
    )
    part = queries.take(np.array([2, 1]))
    assert part.history.values.tolist() == [4, 5, 6, 3]
    assert part.times is not None
    assert part.times.tolist() == [3.0, 4.0, 5.0, 2.0]
    assert part.types is not None
    assert part.types.tolist() == [3, 4, 5, 2]
    assert part.weights is None
    assert part.about.lengths.tolist() == [0, 1]
    assert [part.negatives.row(at).tolist() for at in range(2)] == [[8], []]
    assert [part.demoted.row(at).tolist() for at in range(2)] == [[5], [3]]
    assert part.factors is not None
    assert part.factors.tolist() == np.float32([0.4, 0.3]).tolist()
    assert part.session_start is not None
    assert np.isnan(part.session_start[0])
    assert part.session_start[1] == 2.0
    assert part.context["hour"].tolist() == [3, 2]
    assert part.surface == "home"


def test_seeds_are_what_a_list_is_about_else_the_history() -> None:
    rows = Ragged.from_rows([[1, 2], [3]])
    plain = QueryBatch.from_histories(rows)
    assert plain.seeds is plain.history
    assert plain.related() is plain
    about = QueryBatch.from_histories(rows, about=Ragged.from_rows([[], [9]]))
    assert [about.seeds.row(i).tolist() for i in range(2)] == [[1, 2], [9]]
    assert about.related().history.values.tolist() == [1, 2, 9]
    assert about.history.values.tolist() == [1, 2, 3]


def test_a_batch_about_items_reads_like_one_whose_history_they_are() -> None:
    rows = Ragged.from_rows([[1, 2], [3]])
    about = QueryBatch(
        np.arange(2), rows, rows, about=Ragged.from_rows([[8], [9]]), times=np.arange(3.0)
    )
    related = about.related()
    assert related.history.values.tolist() == [8, 9]
    assert related.times is None, "times belong to the history, which is another now"
    assert related.exclude.values.tolist() == [1, 2, 3]


def test_rows_that_are_left_out_are_empty_for_every_query() -> None:
    queries = batch([[1], [2, 3]])
    for name in ("about", "negatives", "demoted"):
        assert getattr(queries, name).lengths.tolist() == [0, 0]


def with_linked(rows):
    batch = QueryBatch.from_histories(Ragged.from_rows([[at] for at in range(len(rows))]))
    return replace(batch, linked=Ragged.from_rows(rows))


def test_linked_items_follow_their_query():
    batch = with_linked([[5, 6], [], [7]])
    assert batch.take(np.array([2, 0])).linked.values.tolist() == [7, 5, 6]
    stacked = QueryBatch.stack([batch, with_linked([[9]])])
    assert [stacked.linked.row(at).tolist() for at in range(4)] == [[5, 6], [], [7], [9]]
    assert batch.related().linked is batch.linked
    with pytest.raises(ValueError, match="read-only"):
        batch.linked.values[0] = 1


def test_without_linked_items_there_is_an_empty_row_for_each_query():
    batch = QueryBatch.from_histories(Ragged.from_rows([[1], [2], [3]]))
    assert batch.linked.lengths.tolist() == [0, 0, 0]
    assert QueryBatch.stack([batch, with_linked([[4]])]).linked.lengths.tolist() == [0, 0, 0, 1]
