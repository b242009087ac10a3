import numpy as np
import pandas as pd
import pytest
from crossrec.ingest.ids import FAULTS, MAX_LENGTH, coded_ids, id_text
from hypothesis import given
from hypothesis import strategies as st


def faults_of(values, dtype=object):
    coded, faults = coded_ids(pd.Series(values, dtype=dtype))
    return coded.strings(), [FAULTS[fault].format("item") for fault in faults]


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
        "NA",
        "null",
        "nan",
    ],
)
def test_texts_stay_as_they_are_written(text):
    assert faults_of([text]) == ([text], [""])


def test_what_cannot_be_an_id():
    strings, faults = faults_of(["", "  ", None, "x" * 10_000, "\ud83d", "ok"])
    assert strings[:3] == ["", "  ", ""]
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


def test_lists_and_bytes_do_not_stop_the_others():
    strings, _ = faults_of([["a"], b"b", "c"])
    assert strings == ["['a']", "b", "c"]
    assert id_text(b"b") == "b"


def test_an_empty_column():
    coded, faults = coded_ids(pd.Series([], dtype=object))
    assert len(coded) == 0
    assert len(faults) == 0


@given(st.lists(st.text(min_size=1, max_size=6), max_size=40))
def test_coding_keeps_every_text(texts):
    coded, faults = coded_ids(pd.Series(texts, dtype=object))
    assert coded.strings() == texts
    assert all((fault == 1) == text.isspace() for fault, text in zip(faults, texts, strict=True))
