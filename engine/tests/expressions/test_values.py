"""Columns and constants of every kind, by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.coded import CodedLists, CodedTexts
from crossrec.expressions.compare import ExpressionError, equal, in_list, negated, ordered
from crossrec.expressions.values import (
    FALSE,
    TRUE,
    UNKNOWN,
    Flag,
    Number,
    Text,
    Texts,
    among,
    as_flag,
    as_number,
    choice,
    constant,
    same_texts,
)
from hypothesis import given
from hypothesis import strategies as st

words = st.lists(st.sampled_from(["", "a", "b", "c", "7", "2024-01-01"]), min_size=1, max_size=6)


def column(values: list[str]) -> Text:
    return Text(CodedTexts.of(values))


def flags(letters: str) -> Flag:
    return Flag(np.array(["f?t".index(letter) for letter in letters], dtype=np.int8))


@given(words, st.data())
def test_texts_of_two_vocabularies_are_compared_by_what_they_say(one, data):
    other = data.draw(
        st.lists(st.sampled_from(["", "a", "c"]), min_size=len(one), max_size=len(one))
    )
    found = same_texts(column(one), column(other)).data.tolist()
    wanted = [UNKNOWN if "" in (x, y) else TRUE if x == y else FALSE for x, y in zip(one, other)]
    assert found == wanted
    assert same_texts(column(other), column(one)).data.tolist() == wanted


@given(words)
def test_a_column_and_a_constant(values):
    found = same_texts(column(values), constant("a")).data.tolist()
    assert found == [UNKNOWN if not x else TRUE if x == "a" else FALSE for x in values]


@given(words)
def test_texts_as_numbers(values):
    number = {"7": 7.0, "2024-01-01": 1_704_067_200.0}
    found = as_number(column(values))
    assert found is not None
    wanted = [number.get(value, np.nan) for value in values]
    np.testing.assert_array_equal(found.data, wanted)


def test_what_is_no_number_and_no_flag():
    assert as_number(flags("t")) is None
    assert as_flag(column(["a"])) is None
    assert as_flag(constant("yes")) is None
    unknown = as_flag(constant(""))
    assert unknown is not None
    assert unknown.data == UNKNOWN


def test_constants():
    assert isinstance(constant(True), Flag)
    assert isinstance(constant(3), Number)
    assert isinstance(constant(["a"]), Texts)
    text = constant(" a ")
    assert isinstance(text, Text)
    assert text.constant == "a"
    assert column(["a"]).constant is None


def test_lists_share_a_text():
    rows = Texts(CodedLists.of([["a", "b"], [], ["c"]]))
    assert among(rows, ["b", "c"]).data.tolist() == [TRUE, FALSE, TRUE]
    assert in_list(constant("a"), rows, None).data.tolist() == [TRUE, FALSE, FALSE]
    assert in_list(rows, constant(["c"]), None).data.tolist() == [FALSE, FALSE, TRUE]
    assert in_list(constant(["x"]), rows, None).data.tolist() == [FALSE, FALSE, FALSE]
    assert in_list(constant(""), rows, None).data.tolist() == [FALSE, FALSE, FALSE]
    with pytest.raises(ExpressionError, match="in one another"):
        in_list(rows, rows, None)


def test_not_turns_what_is_known():
    assert negated(flags("f?t")).data.tolist() == [TRUE, UNKNOWN, FALSE]


def test_flags_are_equal_where_both_are_known():
    assert equal(flags("tf?"), flags("tt?"), None).data.tolist() == [TRUE, FALSE, UNKNOWN]


def test_a_constant_that_writes_no_number_is_a_mistake_at_its_place():
    with pytest.raises(ExpressionError) as error:
        ordered(constant(3), constant("soon"), np.less, 5)
    assert error.value.at == 5
    assert "'soon'" in error.value.message


def test_a_choice_takes_the_first_that_holds():
    found = choice([flags("tf?"), flags("tt?")], [constant(1), constant(2)], constant(3))
    assert isinstance(found, Number)
    assert found.data.tolist() == [1, 2, 3]
    assert choice([flags("t")], [constant("a")], constant("b")) is None
    assert choice([flags("t")], [constant(1)], flags("t")) is None
