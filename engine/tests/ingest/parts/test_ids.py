import numpy as np
import pandas as pd
import pytest
from crossrec.components.query import Query, id_tuple
from crossrec.data.ids import MAX_LENGTH, NULL_MARKERS, id_text, requested_id
from crossrec.errors import UsageError
from crossrec.ingest.ids import FAULTS, IdColumn, coded_ids
from hypothesis import given
from hypothesis import strategies as st


def faults_of(values, dtype=object):
    coded, faults = coded_ids(pd.Series(values, dtype=dtype))
    return coded.strings(), [FAULTS[fault].replace("{}", "item") for fault in faults]


@pytest.mark.parametrize(
    "text",
    [
        "007",
        "17850.0",
        "a b",
        "a/b",
        "it's",
        'say "x"',
        "🎧",
        "ß" * MAX_LENGTH,
        "1e3",
        "1.10",
        "nano",
        "Nullarbor",
    ],
)
def test_texts_stay_as_they_are_written(text):
    assert faults_of([text]) == ([text], [""])


def test_what_cannot_be_an_id():
    strings, faults = faults_of(["", "  ", None, "x" * 10_000, "\ud83d", "ok"])
    assert strings[:3] == ["", "", ""]
    assert faults == [
        "missing item",
        "missing item",
        "missing item",
        "item id longer than 1,024 characters",
        "item id is not valid text",
        "",
    ]


def test_numbers_become_texts_and_gaps_do_not_add_fractions():
    assert faults_of([17850, 3], np.int64)[0] == ["17850", "3"]
    assert faults_of([17850.0, np.nan, 2.5], np.float64) == (
        ["17850", "", "2.5"],
        ["", "missing item", ""],
    )
    assert faults_of([17850, "17850", 17850.0])[0] == ["17850"] * 3
    assert faults_of(pd.array([1, None], dtype="Int64"), "Int64")[0][0] == "1"


def test_equal_texts_get_one_code_whatever_they_were():
    coded, _ = coded_ids(pd.Series([1, "1", 2, "2", 1.0], dtype=object))
    assert coded.codes.tolist() == [0, 0, 1, 1, 0]
    assert list(coded.values) == ["1", "2"]


NESTED = (
    "item id is a list or an object, not a text or number: name its part, as --map item=item.id"
)


@pytest.mark.parametrize("cell", [["a"], ("a",), {"a"}, {"id": "a"}, np.array([1])])
def test_lists_and_objects_are_no_ids_and_do_not_stop_the_others(cell):
    strings, faults = faults_of([cell, b"b", "c", cell])
    assert strings == ["", "b", "c", ""]
    assert [fault.removesuffix(" does") for fault in faults] == [NESTED, "", "", NESTED]


@pytest.mark.parametrize("flag", [True, False, np.True_])
def test_flags_are_no_ids_and_do_not_merge_with_numbers(flag):
    strings, faults = faults_of([1, flag, 0, "1", 1.0])
    assert strings == ["1", "", "0", "1", "1"]
    assert faults == ["", "item id is true or false, not a text or number", "", "", ""]
    assert set(faults_of([True, False], bool)[1]) == {faults[1]}


@pytest.mark.parametrize(
    "marker", ["\\N", "NULL", "null", "NaN", "nan", "None", "<NA>", "NA", "N/A", " NULL ", "NaT"]
)
def test_null_markers_are_no_ids(marker):
    assert faults_of(["a", marker]) == (["a", ""], ["", "missing item"])
    assert id_text(marker) == ""


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, pd.NaT, float("inf")])
def test_missing_values_are_no_ids(nothing):
    assert faults_of([nothing, "a"]) == (["", "a"], ["missing item", ""])


@pytest.mark.parametrize("number", [2**70, -(2**64), 10**30])
def test_numbers_of_any_size_keep_every_digit(number):
    assert faults_of([number, str(number)])[0] == [str(number)] * 2


@pytest.mark.parametrize("around", [" ", "\t", "\u00a0", "\ufeff", "\u200b", " \ufeff "])
def test_what_cannot_be_seen_around_an_id_is_no_part_of_it(around):
    assert faults_of([f"{around}i 1{around}", "i 1"])[0] == ["i 1", "i 1"]


def columns_of(*chunks):
    reader = IdColumn()
    return [reader.read(pd.Series(chunk, dtype=object))[0].strings() for chunk in chunks], reader


def test_a_column_of_whole_floats_is_read_as_whole_numbers():
    (ids,), reader = columns_of(["17850.0", "", "3.0", "17850", "u1"])
    assert ids == ["17850", "", "3", "17850", "u1"]
    assert reader.shortened == 2


def test_one_fraction_shows_that_the_point_belongs_to_the_ids():
    (ids,), reader = columns_of(["1.0", "1.1", "2.0"])
    assert ids == ["1.0", "1.1", "2.0"]
    assert reader.shortened == 0


def test_the_first_chunk_with_whole_floats_decides_for_the_source():
    assert columns_of(["1"], ["2.0"], ["2.5", "3.0"])[0] == [["1"], ["2"], ["2.5", "3"]]
    assert columns_of(["2.5", "3.0"], ["4.0"])[0] == [["2.5", "3.0"], ["4.0"]]


@given(st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=20))
def test_numbers_and_their_spellings_are_one_id(numbers):
    plain = [str(number) for number in numbers]
    (floats, padded), _ = columns_of(
        [f"{number}.0" for number in numbers], [f" {number} " for number in numbers]
    )
    assert floats == padded == plain == faults_of(numbers)[0]


@pytest.mark.parametrize(
    ("value", "id_"),
    [
        ("i1", "i1"),
        (" i1 ", "i1"),
        (20, "20"),
        (20.0, "20"),
        (np.int64(7), "7"),
        (2**70, str(2**70)),
    ],
)
def test_requests_are_read_like_files(value, id_):
    assert requested_id("user_id", value) == id_
    assert Query(user_id=value).user_id == id_
    assert Query(history=(value,), exclude=(value,), session=(value,)).exclude == (id_,)


@pytest.mark.parametrize("value", [None, True, ["i1"], {"id": 1}, float("nan"), object()])
def test_what_can_be_no_id_is_refused_in_requests(value):
    with pytest.raises(UsageError, match="history must be an id, a text or a whole number"):
        id_tuple("history", ["i1", value])
    with pytest.raises(UsageError, match="exclude is a list of ids"):
        id_tuple("exclude", 1)


def test_an_empty_column():
    coded, faults = coded_ids(pd.Series([], dtype=object))
    assert len(coded) == 0
    assert len(faults) == 0


@given(st.lists(st.text(min_size=1, max_size=6), max_size=40))
def test_coding_keeps_every_text_but_what_surrounds_it(texts):
    coded, faults = coded_ids(pd.Series(texts, dtype=object))
    assert coded.strings() == [id_text(text) for text in texts]
    assert all(
        (fault == 1) == (not text or text in NULL_MARKERS)
        for fault, text in zip(
            faults, [text.strip("\ufeff\u200b").strip() for text in texts], strict=True
        )
        if "\ufeff" not in text and "\u200b" not in text
    )
