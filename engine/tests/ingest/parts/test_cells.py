"""Cells that hold nothing, in columns of any type."""

import numpy as np
import pandas as pd
import pytest
from crossrec.ingest.cells import blanked, is_nothing, nothing


@pytest.mark.parametrize(
    "text", ["", " ", "\t", "NULL", "null", "\\N", " \\N ", "NaN", "nan", "None", "<NA>", "N/A"]
)
def test_blanks_and_markers_are_nothing(text):
    assert is_nothing(text)
    assert nothing(pd.Series([text, "x"], dtype=object)).tolist() == [True, False]


@pytest.mark.parametrize("text", ["0", "no", "Nano", "N", "\\n\\N", "not null", "-", "NULL 1"])
def test_other_texts_are_something(text):
    assert not is_nothing(text)
    assert nothing(pd.Series([text], dtype=object)).tolist() == [False]


def test_missing_values_of_any_type_are_nothing():
    assert nothing(pd.Series([1.0, np.nan])).tolist() == [False, True]
    assert nothing(pd.Series([1, None], dtype="Int64")).tolist() == [False, True]
    assert nothing(pd.Series(pd.to_datetime(["2024-01-01", None]))).tolist() == [False, True]
    assert nothing(pd.Series([None, 0, "", ["a"]], dtype=object)).tolist() == [
        *(True, False, True, False)
    ]


def test_markers_are_blanked_and_everything_else_stays():
    column = pd.Series(["a", " NULL", "", None, " b ", 3], dtype=object)
    assert blanked(column).tolist() == ["a", "", "", "", " b ", 3]
    numbers = pd.Series([1.0, np.nan])
    assert blanked(numbers) is numbers
    whole = pd.Series(["a", "b"], dtype=object)
    assert blanked(whole) is whole
