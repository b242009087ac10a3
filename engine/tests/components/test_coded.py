"""Texts as codes: what changes, what is kept."""

from __future__ import annotations

import numpy as np
from crossrec.components.coded import CodedLists, CodedTexts
from hypothesis import given
from hypothesis import strategies as st

texts = st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=6)
rows = st.lists(st.lists(st.sampled_from("abc"), max_size=3), min_size=1, max_size=5)


def plain(column: CodedTexts) -> list[str]:
    return [column.names[code] if code >= 0 else "" for code in column.codes.tolist()]


def lists(column: CodedLists) -> list[list[str]]:
    return [[column.names[c] for c in column.codes.row(at)] for at in range(len(column.codes))]


@given(texts, st.data())
def test_one_text_changes(values, data):
    at = data.draw(st.integers(0, len(values) - 1))
    new = data.draw(st.sampled_from(["", "a", "new"]))
    column = CodedTexts.of(values)
    assert plain(column) == values
    assert plain(column.replaced(at, new)) == [*values[:at], new, *values[at + 1 :]]
    assert plain(column) == values, "the old one stays"


@given(rows, st.data())
def test_one_list_changes(values, data):
    at = data.draw(st.integers(0, len(values) - 1))
    new = data.draw(st.lists(st.sampled_from(["a", "new"]), max_size=3))
    column = CodedLists.of(values)
    assert lists(column) == values
    assert lists(column.replaced(at, new)) == [*values[:at], new, *values[at + 1 :]]


@given(rows, st.sets(st.sampled_from("abz")))
def test_any_of_some_texts(values, wanted):
    found = CodedLists.of(values).any_of(wanted)
    assert found.tolist() == [bool(wanted & set(row)) for row in values]


def test_a_function_of_the_texts_is_called_once_for_each_and_kept():
    column = CodedTexts.of(["a", "b", "a", ""])
    seen: list[str] = []

    def length(text: str) -> float:
        seen.append(text)
        return float(len(text))

    np.testing.assert_array_equal(column.map(length), [1, 1, 1, np.nan])
    np.testing.assert_array_equal(column.take(np.array([3, 0])).map(length), [np.nan, 1])
    assert seen == ["a", "b"]
    for _ in range(40):
        column.map(lambda text: 1.0)
    column.map(length)
    assert len(seen) == 4, "the last functions alone are kept"
