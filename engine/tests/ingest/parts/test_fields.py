import numpy as np
import pandas as pd
import pytest
from crossrec.ingest.fields import FieldReader, cell_value, written_text
from crossrec.scenario import UserField
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("text", "text"),
        (" kept as it is ", " kept as it is "),
        ("", None),
        ("  ", None),
        (None, None),
        (np.nan, None),
        (pd.NaT, None),
        (pd.NA, None),
        (float("inf"), None),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (0, 0),
        (False, False),
        (["a", "b"], ["a", "b"]),
        (["a", None, ""], ["a"]),
        ([], None),
        (("a",), ["a"]),
        (np.array(["a", "b"], dtype=object), ["a", "b"]),
        ('["A > B", "C"]', ["A > B", "C"]),
        ("[not json]", "[not json]"),
        ({"k": np.int64(1)}, {"k": 1}),
        ("half \ud83d", "half ?"),
        ("🎧", "🎧"),
        (pd.Timestamp("2024-01-02"), "2024-01-02 00:00:00"),
    ],
)
def test_cells_become_json_values(cell, value):
    assert cell_value(cell) == value
    assert type(cell_value(cell)) is type(value)


def cells(reader, name, values):
    return reader.cells(name, pd.Series(values, dtype=object))


def test_numbers_flags_and_times_follow_the_schema(shop):
    reader = FieldReader(shop.items.fields)
    assert cells(reader, "price", ["12.50", "3", "1,299", "", None, 7]) == [
        12.5, 3, 1299, None, None, 7
    ]  # fmt: skip
    assert cells(reader, "hidden", ["true", "0", "Yes", ""]) == [True, False, True, None]
    assert cells(reader, "released", ["2023-11-14T22:13:20Z", ""]) == [1_700_000_000.0, None]
    assert cells(reader, "title", ["007", "12.50"]) == ["007", "12.50"]
    assert cells(reader, "weight", ["12.50"]) == ["12.50"]
    assert reader.notes() == []


def test_what_does_not_fit_is_kept_as_text_and_counted(shop):
    reader = FieldReader(shop.items.fields)
    assert cells(reader, "price", ["cheap", "1", "nan"]) == ["cheap", 1, None]
    assert cells(reader, "price", ["dear"]) == ["dear"]
    assert cells(reader, "hidden", ["maybe"]) == ["maybe"]
    assert cells(reader, "released", ["soon", "2023-11-14"])[0] == "soon"
    assert reader.notes() == [
        "field 'price': 2 cells are not numbers, such as 'cheap', and were kept as text",
        "field 'hidden': 1 cells are not flags, such as 'maybe', and were kept as text",
        "field 'released': 1 cells are not times, such as 'soon', and were kept as text",
    ]


def test_a_category_of_users_with_several_values_is_a_list():
    reader = FieldReader([UserField("genres", "category")])
    assert cells(reader, "genres", ["jazz|soul", "jazz", "", "|", ["a", "b"], 3]) == [
        ["jazz", "soul"], "jazz", None, None, ["a", "b"], 3
    ]  # fmt: skip
    assert cells(reader, "notes", ["a|b"]) == ["a|b"]


def test_what_is_not_declared_stays_what_it_is():
    assert cells(FieldReader(()), "price", ["12.50", "x"]) == ["12.50", "x"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  a line  ", "a line"),
        ("", ""),
        (None, ""),
        (float("nan"), ""),
        (3, "3"),
        (True, "True"),
        ("[1, 2]", "[1, 2]"),
        (["two", None, "parts"], "two parts"),
        ("half \ud83d of a pair", "half ? of a pair"),
        ("Ärger 🔥", "Ärger 🔥"),
    ],
)
def test_a_written_text_is_a_text_whatever_the_cell(cell, text):
    assert written_text(cell) == text


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.lists(st.text())))
def test_a_written_text_can_always_be_stored(cell):
    written_text(cell).encode("utf-8")


def test_a_column_with_decimal_commas_is_read_and_noted(shop):
    reader = FieldReader(shop.items.fields)
    assert cells(reader, "price", ["3,99", "1.299,00", "0,50", "1.049,90 €", None]) == [
        *(3.99, 1299, 0.5, 1049.9, None)
    ]
    assert cells(reader, "price", ["1.299"]) == [1299]
    assert reader.notes() == ["field 'price': numbers have a decimal comma"]


@pytest.mark.parametrize("marker", ["\\N", "NULL", "NaN", "nan", "<NA>", "#N/A"])
def test_null_markers_are_nothing_in_any_field(shop, marker):
    reader = FieldReader(shop.items.fields)
    for name in ("title", "price", "hidden", "released", "categories", "other"):
        assert cells(reader, name, [marker, f" {marker} "]) == [None, None]
    assert reader.notes() == []


def test_words_that_mean_nothing_to_a_number_may_be_titles(shop):
    reader = FieldReader(shop.items.fields)
    assert cells(reader, "title", ["None", "null", "NA", "-"]) == ["None", "null", "NA", "-"]
    assert cells(reader, "price", ["None", "null", "NA", "n/a"]) == [None] * 4
    assert cells(reader, "categories", ["None", "null", "N/A", "(no genres listed)"]) == [None] * 4


@pytest.mark.parametrize(
    "cell",
    [
        "['Action', 'Comedy']",
        "[{'id': 28, 'name': 'Action'}, {'id': 35, 'name': 'Comedy'}]",
        '["Action", "Comedy"]',
        "Action|Comedy",
        " Action | Comedy ",
        "Action;Comedy",
        '[{"id": 28, "name": "Action"}, {"id": 35, "name": "Comedy"}]',
        ["Action", "Comedy"],
        ("Action", None, "Comedy"),
        [{"name": "Action"}, {"name": "Comedy"}],
        "('Action', 'Comedy')",
        "['Action' 'Comedy']",
        "['Action'\n 'Comedy']",
        "{Action,Comedy}",
        '{"Action","Comedy"}',
        "[Action, Comedy]",
        "<Action><Comedy>",
    ],
)
def test_lists_in_their_usual_spellings(shop, cell):
    reader = FieldReader(shop.items.fields)
    assert cells(reader, "categories", [cell]) == [["Action", "Comedy"]]
    assert reader.notes() == []


def test_what_looks_like_a_list_and_is_none_is_noted(shop):
    reader = FieldReader(shop.items.fields)
    broken = "[{'id': 28, 'name': 'Act"
    assert cells(reader, "categories", [f"{broken}]", "Home", broken]) == [
        f"{broken}]",
        "Home",
        broken,
    ]
    (note,) = reader.notes()
    assert note.startswith("field 'categories': 1 cells are not lists, such as")


@pytest.mark.parametrize(
    "text", ["Home > Garden", "Black &amp; Decker", "Toys (big)", "[sale]", "a, b", "C++", "(2024)"]
)
def test_texts_of_one_category_stay_whole(shop, text):
    assert cells(FieldReader(shop.items.fields), "categories", [text]) == [text]
