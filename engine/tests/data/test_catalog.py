"""The catalog: records become columns, fields become text, gaps stay gaps."""

import math
import re

import numpy as np
import pytest
from crossrec.data.catalog import Catalog, as_list, as_text, render
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import ItemField, ItemSchema
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = ItemSchema(
    (ItemField("title"), ItemField("categories", "category"), ItemField("brand")),
    "{title}. {categories}. {brand}",
    creator="brand",
)
RECORDS = {
    "b": {"title": "Tea", "categories": ["Drinks", "Hot"], "brand": "Ö", "price": 3.5},
    "c": {"title": None, "categories": "Books|Poems", "stock": 0},
    "zz": {"title": "not in the vocabulary"},
}


@pytest.fixture
def catalog():
    return Catalog.from_records(Vocabulary("abc"), RECORDS, SCHEMA)


def test_columns_follow_the_vocabulary(catalog):
    assert len(catalog) == 3
    assert catalog.titles == ("", "Tea", "")
    assert catalog.texts == ("", "Tea. Drinks Hot. Ö", "Books|Poems")
    assert catalog.categories == ((), ("Drinks", "Hot"), ("Books", "Poems"))
    assert catalog.creators == ("", "Ö", "")
    assert catalog.known.tolist() == [False, True, True]


def test_every_further_field_is_an_attribute_with_gaps(catalog):
    assert dict(catalog.attributes) == {"price": (None, 3.5, None), "stock": (None, None, 0)}


def test_an_item_with_an_empty_row_is_known():
    catalog = Catalog.from_records(Vocabulary("a"), {"a": {}}, SCHEMA)
    assert catalog.known.tolist() == [True]
    assert catalog.titles == catalog.texts == ("",)


def test_no_items_at_all():
    catalog = Catalog.from_records(Vocabulary(), {}, SCHEMA)
    assert len(catalog) == 0
    assert catalog.known.dtype == bool
    assert catalog.attributes == {}


def test_a_scenario_may_have_neither_title_nor_categories():
    bare = ItemSchema((), "{text}", title="", categories="")
    catalog = Catalog.from_records(Vocabulary("a"), {"a": {"text": "hello", "title": "t"}}, bare)
    assert catalog.titles == ("",)
    assert catalog.categories == ((),)
    assert catalog.texts == ("hello",)
    assert catalog.attributes["title"] == ("t",)


def test_label_is_the_title_else_the_id(catalog):
    assert [catalog.label(i) for i in range(3)] == ["a", "Tea", "c"]


def test_with_texts(catalog):
    other = catalog.with_texts(catalog.titles)
    assert other.texts == catalog.titles
    assert other.items is catalog.items
    assert catalog.texts[2] == "Books|Poems"
    with pytest.raises(ValueError, match="2 texts for 3 items"):
        catalog.with_texts(["a", "b"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (math.nan, ""),
        (np.float64("nan"), ""),
        ("  a b ", "a b"),
        (["a", None, "", "b"], "a b"),
        (("x", ("y", 1)), "x y 1"),
        ([], ""),
        (0, "0"),
        (False, "False"),
        (3.5, "3.5"),
        ("😀", "😀"),
    ],
)
def test_as_text(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (None, ()),
        (math.nan, ()),
        ("", ()),
        ("|", ()),
        ("a", ("a",)),
        (" a | b||c ", ("a", "b", "c")),
        (["a", "", None, " b "], ("a", "b")),
        (["a|b"], ("a|b",)),
        (("A > B", 7), ("A > B", "7")),
        (5, ("5",)),
    ],
)
def test_as_list(value, parts):
    assert as_list(value) == parts


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"title": "T", "categories": ["A", "B"], "brand": "X"}, "T. A B. X"),
        ({"title": "T", "brand": "X"}, "T. X"),
        ({"title": "T", "categories": "A"}, "T. A"),
        ({"categories": "A", "brand": "X"}, "A. X"),
        ({"brand": "X"}, "X"),
        ({"title": "T", "categories": [], "brand": math.nan}, "T"),
        ({}, ""),
        ({"other": "y"}, ""),
    ],
)
def test_an_empty_field_falls_out_with_its_punctuation(row, text):
    assert render(SCHEMA.text_template, row) == text


def test_a_field_may_look_like_a_template():
    assert render("{title}. {brand}", {"title": "{brand} {", "brand": "}"}) == "{brand} {. }"


field = st.one_of(st.none(), st.text("abc .", max_size=5), st.lists(st.text("ab", max_size=2)))


@given(st.fixed_dictionaries({"title": field, "categories": field, "brand": field}))
def test_text_holds_every_word_in_order_and_no_empty_place(row):
    text = render(SCHEMA.text_template, row)
    words = [w for name in ("title", "categories", "brand") for w in as_text(row[name]).split()]
    want = [w.strip(".") for w in words if w.strip(".")]
    assert [w.strip(".") for w in re.split(r"[ .]+", text) if w.strip(".")] == [
        part for w in want for part in re.split(r"\.+", w)
    ]
    assert text == text.strip(" .,;|-")
    assert "{" not in text


@given(st.lists(st.text(max_size=3), unique=True, max_size=6), st.data())
def test_renumbered_items_keep_their_fields(ids, data):
    records = {id_: {"title": f"t{n}", "x": n} for n, id_ in enumerate(ids)}
    order = data.draw(st.permutations(ids))
    first, second = (Catalog.from_records(Vocabulary(o), records, SCHEMA) for o in (ids, order))
    for id_ in ids:
        one, other = first.items.index(id_), second.items.index(id_)
        assert first.titles[one] == second.titles[other]
        assert first.attributes["x"][one] == second.attributes["x"][other]


def test_chosen_items_keep_all_their_fields(catalog):
    few = catalog.take([2, 1])
    assert few.items.ids == ["c", "b"]
    assert few.titles == ("", "Tea")
    assert few.categories == (("Books", "Poems"), ("Drinks", "Hot"))
    assert few.attributes == {"price": (None, 3.5), "stock": (0, None)}
    assert few.known.tolist() == [True, True]
    assert len(catalog.take([])) == 0
    assert catalog.take(range(3)).texts == catalog.texts


def test_items_behind_leave_the_indexes_before(catalog):
    records = {"new": {"title": "Cake", "brand": "Ö", "colour": "red"}}
    longer = catalog.followed_by(Catalog.from_records(Vocabulary(["new"]), records, SCHEMA))
    assert longer.items.ids == ["a", "b", "c", "new"]
    assert longer.titles == (*catalog.titles, "Cake")
    assert longer.creators[3] == "Ö"
    assert longer.attributes["price"] == (None, 3.5, None, None)
    assert longer.attributes["colour"] == (None, None, None, "red")
    assert longer.known.tolist() == [False, True, True, True]
    assert longer.take(range(3)).texts == catalog.texts


def test_the_same_item_cannot_stand_twice(catalog):
    with pytest.raises(ValueError, match="same id twice"):
        catalog.followed_by(catalog.take([1]))
