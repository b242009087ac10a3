"""The catalog as it is now: fitted columns under the fields that were written since."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from crossrec.components.live_items import Entities, LiveItems
from crossrec.components.policies import flag, number
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import ItemSchema
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = ItemSchema((), "{title}", creator="brand")
RECORDS = {
    "a": {"title": "A", "categories": ["x", "y"], "brand": "Öl", "price": 3, "artists": "One|Two"},
    "b": {"title": "B", "brand": "öl", "price": "4.5", "artists": ["two"]},
    "c": {"title": "C", "price": None},
}


@pytest.fixture
def items():
    return LiveItems(Catalog.from_records(Vocabulary("abc"), RECORDS, SCHEMA), SCHEMA)


def prices(items):
    return items.numbers("price", number).tolist()


def test_without_changes_it_is_the_fitted_catalog(items):
    assert len(items) == 3
    assert items.value("price", 1) == "4.5"
    assert items.value("price", 2) is None
    assert prices(items) == pytest.approx([3.0, 4.5, np.nan], nan_ok=True)


def test_title_categories_and_creator_are_fields_like_others(items):
    assert [items.value("title", at) for at in range(3)] == ["A", "B", "C"]
    assert items.value("categories", 0) == ("x", "y")
    assert items.value("brand", 0) == "Öl"


@pytest.mark.parametrize("name", ["no_such_field", ""])
def test_a_field_that_nobody_has_holds_nothing(items, name):
    assert items.value(name, 0) is None
    assert np.isnan(items.numbers(name, number)).all()
    assert items.entities(name).items("x").tolist() == []


def test_it_knows_which_fields_some_item_has(items):
    assert [items.has(name) for name in ("price", "title", "stock", "")] == [
        True,
        True,
        False,
        False,
    ]
    assert items.updated({1: {"stock": 3}}).has("stock")


def test_changes_win_and_what_was_not_written_stays(items):
    changed = items.updated({0: {"price": 9}, 2: {"price": 1}})
    assert prices(changed) == [9.0, 4.5, 1.0]
    assert changed.value("title", 0) == "A"
    assert changed.value("price", 0) == 9
    assert prices(items) == pytest.approx([3.0, 4.5, np.nan], nan_ok=True), "the old one stays"


def test_a_field_may_be_emptied_and_a_new_one_may_come(items):
    changed = items.updated({0: {"price": None, "is_hidden": True}})
    assert np.isnan(changed.numbers("price", number)[0])
    assert changed.numbers("is_hidden", flag).tolist() == pytest.approx(
        [1.0, np.nan, np.nan], nan_ok=True
    )


def test_later_changes_lie_over_earlier_ones_field_by_field(items):
    changed = items.updated({0: {"price": 9, "stock": 1}}).updated({0: {"price": 8}})
    assert changed.changed == {0: {"price": 8, "stock": 1}}
    assert prices(changed)[0] == 8.0


def test_a_column_is_parsed_once_and_later_only_where_it_changed(items):
    seen = []

    def parse(value):
        seen.append(value)
        return number(value)

    for _ in range(3):
        items.numbers("price", parse)
    assert seen == [3, "4.5", None]
    seen.clear()
    changed = items.updated({1: {"price": 7}, 2: {"stock": 2}})
    assert changed.numbers("price", parse).tolist() == pytest.approx(
        [3.0, 7.0, np.nan], nan_ok=True
    )
    assert seen == [7]


def test_columns_cannot_be_written_into(items):
    for live in (items, items.updated({0: {"price": 1}})):
        with pytest.raises(ValueError, match="read-only"):
            live.numbers("price", number)[0] = 0


def test_entities_share_values_whatever_their_case(items):
    artists = items.entities("artists")
    assert artists.of(0) == ("One", "Two")
    assert artists.items("TWO").tolist() == [0, 1]
    assert artists.sharing(1).tolist() == [0, 1]
    assert artists.sharing(2).tolist() == [2], "an item that has none stands for itself"
    assert items.entities("brand").items("ÖL").tolist() == [0, 1]
    assert items.entities("artists") is artists


def test_entities_follow_a_change_of_their_field_and_of_no_other(items):
    artists = items.entities("artists")
    assert items.updated({2: {"price": 1}}).entities("artists") is artists
    moved = items.updated({2: {"artists": "One"}, 0: {"artists": ""}}).entities("artists")
    assert moved.items("one").tolist() == [2]
    assert moved.items("two").tolist() == [1]


def test_many_threads_see_the_same_entities(items):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: items.entities("artists"), range(64)))
    assert len({id(one) for one in found}) == 1


names = st.lists(st.lists(st.sampled_from(["a", "A", "b", "c d", "é"]), max_size=3), max_size=8)


@given(names)
def test_entities_equal_the_loop_over_all_pairs(values):
    entities = Entities([tuple(row) for row in values])
    folded = [{name.casefold() for name in row} for row in values]
    for item, own in enumerate(folded):
        wanted = [other for other, names in enumerate(folded) if other == item or own & names]
        assert entities.sharing(item).tolist() == wanted
    for name in ("a", "C D", "nobody"):
        wanted = [item for item, own in enumerate(folded) if name.casefold() in own]
        assert entities.items(name).tolist() == wanted


changes = st.dictionaries(
    st.integers(0, 2),
    st.dictionaries(st.sampled_from(["price", "stock"]), st.one_of(st.none(), st.integers(0, 9))),
)


@given(st.lists(changes, max_size=4), st.booleans())
def test_changes_one_by_one_equal_all_at_once(steps, read_before):
    catalog = Catalog.from_records(Vocabulary("abc"), RECORDS, SCHEMA)
    live = LiveItems(catalog, SCHEMA)
    merged: dict[int, dict[str, object]] = {}
    for step in steps:
        if read_before:
            live.numbers("price", number)
        live = live.updated(step)
        for item, fields in step.items():
            merged[item] = {**merged.get(item, {}), **fields}
    whole = LiveItems(catalog, SCHEMA, merged)
    for name in ("price", "stock"):
        np.testing.assert_array_equal(live.numbers(name, number), whole.numbers(name, number))
        assert [live.value(name, at) for at in range(3)] == [
            whole.value(name, at) for at in range(3)
        ]


def texts_of(items, name):
    column = items.texts(name)
    return [column.names[code] if code >= 0 else "" for code in column.codes.tolist()]


def lists_of(items, name):
    column = items.lists(name)
    return [[column.names[code] for code in column.codes.row(at)] for at in range(len(items))]


def test_texts_and_lists_of_a_field(items):
    assert texts_of(items, "price") == ["3", "4.5", ""]
    assert lists_of(items, "artists") == [["One", "Two"], ["two"], []]
    assert texts_of(items, "no_such_field") == ["", "", ""]
    assert lists_of(items, "no_such_field") == [[], [], []]
    assert items.texts("price") is items.texts("price"), "computed once"


def test_texts_and_lists_follow_what_is_written(items):
    items.texts("brand"), items.lists("artists")
    changed = items.updated({2: {"brand": "New", "artists": ["Three"]}, 0: {"brand": None}})
    assert texts_of(changed, "brand") == ["", "öl", "New"]
    assert lists_of(changed, "artists") == [["One", "Two"], ["two"], ["Three"]]
    assert texts_of(items, "brand") == ["Öl", "öl", ""], "the old one stays"
    assert texts_of(changed.updated({2: {"brand": "Newer"}}), "brand") == ["", "öl", "Newer"]


def test_what_was_not_looked_at_before_a_change_is_right_after_it(items):
    changed = items.updated({1: {"artists": "Four|Five", "colour": "red"}})
    assert lists_of(changed, "artists") == [["One", "Two"], ["Four", "Five"], []]
    assert texts_of(changed, "colour") == ["", "red", ""]


def test_it_names_all_fields(items):
    assert items.fields() == {"title", "categories", "brand", "price", "artists"}
    assert "colour" in items.updated({1: {"colour": "red"}}).fields()


def test_entities_as_codes(items):
    artists = items.entities("artists")
    rows = [[artists.names[code] for code in artists.codes.row(at)] for at in range(len(items))]
    assert rows == [
        list(dict.fromkeys(name.casefold() for name in artists.of(at))) for at in range(len(items))
    ]
    for code, name in enumerate(artists.names):
        having = [at for at in range(len(items)) if code in artists.codes.row(at)]
        assert artists.items(name.upper()).tolist() == having
    with pytest.raises(ValueError, match="read-only"):
        artists.codes.values[:1] = 0
