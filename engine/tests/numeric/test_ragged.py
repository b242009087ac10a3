"""Rows of unequal length, against lists of lists."""

import numpy as np
import pytest
from crossrec.numeric.ragged import Ragged, offsets
from hypothesis import given
from hypothesis import strategies as st

lists = st.lists(st.lists(st.integers(0, 2**40), max_size=7), max_size=8)


def plain(rows: Ragged) -> list[list[int]]:
    return [rows.row(i).tolist() for i in range(len(rows))]


def test_by_hand():
    rows = Ragged.from_rows([[5, 3, 5], [], [9]])
    assert rows.indptr.tolist() == [0, 3, 3, 4]
    assert rows.values.tolist() == [5, 3, 5, 9]
    assert len(rows) == 3
    assert rows.lengths.tolist() == [3, 0, 1]
    assert rows.row_of.tolist() == [0, 0, 0, 2]
    assert rows.from_end().tolist() == [2, 1, 0, 0]
    assert plain(rows.tail(2)) == [[3, 5], [], [9]]
    assert plain(rows.take(np.array([2, 0, 2]))) == [[9], [5, 3, 5], [9]]


def test_a_row_is_a_view_and_costs_no_copy():
    rows = Ragged.from_rows([[1, 2], [3]])
    assert np.shares_memory(rows.row(0), rows.values)


@given(lists)
def test_what_goes_in_comes_out(given_rows):
    rows = Ragged.from_rows(given_rows)
    assert plain(rows) == given_rows
    assert rows.indptr.dtype == rows.values.dtype == np.int64
    assert rows.lengths.tolist() == [len(row) for row in given_rows]


@given(lists)
def test_row_of_and_from_end_are_counted_by_a_loop(given_rows):
    rows = Ragged.from_rows(given_rows)
    assert rows.row_of.tolist() == [i for i, row in enumerate(given_rows) for _ in row]
    from_end = [len(row) - 1 - at for row in given_rows for at in range(len(row))]
    assert rows.from_end().tolist() == from_end


@given(lists, st.integers(0, 9))
def test_tail_is_a_slice_of_each_row(given_rows, limit):
    rows = Ragged.from_rows(given_rows)
    want = [row[len(row) - min(limit, len(row)) :] for row in given_rows]
    assert plain(rows.tail(limit)) == want
    assert plain(rows) == given_rows


@given(lists.filter(bool), st.lists(st.integers(0, 100), max_size=12))
def test_take_is_indexing_with_repeats_in_any_order(given_rows, chosen):
    at = [number % len(given_rows) for number in chosen]
    taken = Ragged.from_rows(given_rows).take(np.array(at, dtype=np.int64))
    assert plain(taken) == [given_rows[i] for i in at]


@given(lists.filter(bool), st.data())
def test_take_accepts_a_mask(given_rows, data):
    mask = data.draw(
        st.lists(st.booleans(), min_size=len(given_rows), max_size=len(given_rows)), label="mask"
    )
    taken = Ragged.from_rows(given_rows).take(np.array(mask))
    assert plain(taken) == [row for row, kept in zip(given_rows, mask) if kept]


@given(lists)
def test_tail_of_tail_and_take_of_everything_change_nothing(given_rows):
    rows = Ragged.from_rows(given_rows)
    assert plain(rows.tail(3).tail(5)) == plain(rows.tail(3))
    assert plain(rows.take(np.arange(len(rows)))) == given_rows


def test_what_is_taken_is_independent_of_the_original():
    rows = Ragged.from_rows([[1, 2], [3]])
    for part in (rows.take(np.array([0, 1])), rows.tail(5)):
        part.values[:] = 99
    assert rows.values.tolist() == [1, 2, 3]


@pytest.mark.parametrize("rows", [Ragged.empty(0), Ragged.from_rows([])])
def test_no_rows(rows):
    assert len(rows) == 0
    assert rows.row_of.tolist() == rows.from_end().tolist() == rows.lengths.tolist() == []
    assert len(rows.tail(3)) == len(rows.take(np.zeros(0, dtype=np.int64))) == 0


def test_empty_rows():
    rows = Ragged.empty(3)
    assert plain(rows) == plain(rows.tail(2)) == [[], [], []]
    assert plain(rows.take(np.array([2, 2]))) == [[], []]


def test_arrays_of_other_integers_become_int64():
    rows = Ragged.from_rows([np.array([1, 2], dtype=np.int32), (3,)])
    assert rows.values.dtype == np.int64
    assert plain(rows) == [[1, 2], [3]]


HISTORIES = st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=5)


@given(HISTORIES, st.integers(0, 9))
def test_within_drops_what_lies_outside(histories: list[list[int]], n_items: int) -> None:
    kept = Ragged.from_rows(histories).within(n_items)
    expected = [[i for i in row if i < n_items] for row in histories]
    assert [kept.row(i).tolist() for i in range(len(kept))] == expected


def test_within_drops_negative_indexes() -> None:
    assert Ragged.from_rows([[-1, 3], [2]]).within(4).values.tolist() == [3, 2]


def test_where_keeps_rows_apart() -> None:
    kept = Ragged.from_rows([[1, 2], [], [3]]).where(np.array([False, True, False]))
    assert [kept.row(i).tolist() for i in range(3)] == [[2], [], []]


@given(HISTORIES, HISTORIES)
def test_without_drops_what_the_same_row_of_the_other_has(ours, theirs) -> None:
    n = min(len(ours), len(theirs))
    kept = Ragged.from_rows(ours[:n]).without(Ragged.from_rows(theirs[:n]))
    expected = [[i for i in a if i not in b] for a, b in zip(ours, theirs, strict=False)]
    assert [kept.row(i).tolist() for i in range(n)] == expected


@given(HISTORIES)
def test_distinct_keeps_the_first_or_the_last(rows) -> None:
    first, last = (Ragged.from_rows(rows).distinct(last=last) for last in (False, True))
    for at, row in enumerate(rows):
        assert first.row(at).tolist() == list(dict.fromkeys(row))
        assert last.row(at).tolist() == list(dict.fromkeys(row[::-1]))[::-1]


def test_heads_and_groups() -> None:
    rows = Ragged.grouped(np.array([0, 0, 0, 2]), np.array([5, 6, 7, 8]), 3)
    assert [rows.row(i).tolist() for i in range(3)] == [[5, 6, 7], [], [8]]
    assert rows.heads(np.array([2, 0, 1])).values.tolist() == [5, 6, 8]


def test_isin_looks_into_the_same_row_only() -> None:
    def isin(ours: list[list[int]], theirs: list[list[int]]) -> list[bool]:
        return Ragged.from_rows(ours).isin(Ragged.from_rows(theirs)).tolist()

    assert isin([[1, 2], [1]], [[2], [3]]) == [False, True, False]
    assert isin([[1]], [[]]) == [False]
    # Row 0's item 4 and row 1's item 0 would share a key if the larger side did not set the width.
    assert isin([[0], [0]], [[4], [9]]) == [False, False]


@given(st.lists(st.lists(st.integers(-1, 9), min_size=3, max_size=3), max_size=5), HISTORIES)
def test_contains_looks_into_the_same_row_and_skips_padding(table, rows) -> None:
    n = min(len(table), len(rows))
    cells = np.array(table[:n], dtype=np.int64).reshape(n, 3)
    expected = [[cell in row for cell in line] for line, row in zip(table, rows)]
    assert Ragged.from_rows(rows[:n]).contains(cells).tolist() == expected


@given(HISTORIES)
def test_reversed_rows_and_places_equal_the_loop(rows) -> None:
    ragged = Ragged.from_rows(rows)
    assert plain(ragged.reversed()) == [row[::-1] for row in rows]
    assert ragged.from_start().tolist() == [at for row in rows for at in range(len(row))]


def test_offsets_of_lengths_and_of_a_mask() -> None:
    assert offsets(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]
    assert offsets(np.array([True, False, True])).tolist() == [0, 1, 1, 2]
    assert offsets(np.zeros(0)).tolist() == [0]
    assert offsets(np.array([1], dtype=np.int32)).dtype == np.int64
