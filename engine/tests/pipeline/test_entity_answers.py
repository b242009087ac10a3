"""Values of a field as answers: scored by the places of their items, with examples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from crossrec.components.live_items import LiveItems
from crossrec.components.query import Entity, Query
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.entity_answers import answered_entities, short_of_entities
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.request import answer, answer_batch
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.scenario import ItemField, ItemSchema, Relation
from crossrec.testing.requests import TOY, serve, user_with, with_every_source
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = ItemSchema(
    (ItemField("title"), ItemField("maker", "category"), ItemField("tags", "category")),
    "{title}",
    creator="maker",
)
SHOP = dataclasses.replace(TOY, items=SCHEMA, relations=(Relation("maker", "maker"),))
NO_QUERY = Query()


def column(rows):
    """The items of these values of a field `tags`."""
    records = {f"i{at}": {"title": f"t{at}", "tags": row} for at, row in enumerate(rows)}
    catalog = Catalog.from_records(Vocabulary(records), records, SCHEMA)
    return LiveItems(catalog, SCHEMA)


def answered(rows, index, supported=None, about=(), query=NO_QUERY):
    items = column(rows)
    index = np.array(index, dtype=np.int64)
    supported = np.ones(len(index), bool) if supported is None else np.array(supported)
    found = answered_entities(
        items, "tags", index, supported, np.array(about, dtype=np.int64), query
    )
    names = items.entities("tags").names
    return [names[code] for code in found.codes], found


def test_a_value_counts_the_places_of_all_its_items():
    """B has places 1 and 2 (1/11 + 1/12), A place 0 (1/10), C place 3."""
    names, found = answered([["A"], ["B"], ["B"], ["C"]], [0, 1, 2, 3])
    assert names == ["b", "a", "c"]
    assert found.best.tolist() == [1, 0, 3]
    assert [found.places.row(row).tolist() for row in range(3)] == [[1, 2], [0], [3]]


def test_an_item_counts_for_each_of_its_values():
    names, found = answered([["A", "B"], ["B"]], [0, 1])
    assert names == ["b", "a"]
    assert [found.places.row(row).tolist() for row in range(2)] == [[0, 1], [0]]


def test_what_only_fills_the_list_counts_for_next_to_nothing():
    names, _ = answered([["A"], ["B"], ["B"], ["B"]], [0, 1, 2, 3], [True, False, False, False])
    assert names == ["a", "b"]


def test_values_of_the_items_in_question_are_left_out():
    names, found = answered([["A"], ["B"], ["A"], ["C"]], [1, 2, 3], about=[0])
    assert names == ["b", "c"]
    assert found.left_out == 1


def test_excluded_and_shown_values_are_left_out_in_any_case():
    query = Query(exclude=("a", "nobody"), shown=("B",))
    names, found = answered([["A"], ["B"], ["C"]], [0, 1, 2], query=query)
    assert (names, found.left_out) == (["c"], 2)
    assert short_of_entities(found, "tags", 3, 5) == (
        "only 1 of 5: 3 candidates have 3 values of tags, 2 of which are left out"
    )
    assert short_of_entities(found, "tags", 3, 1) == ""


def test_without_the_field_or_items_there_is_nothing():
    assert len(answered([["A"]], [])[1]) == 0
    items = column([["A"]])
    index, none = np.array([0]), np.zeros(0, dtype=np.int64)
    assert len(answered_entities(items, "label", index, index == 0, none, NO_QUERY)) == 0


@given(
    st.lists(st.lists(st.sampled_from("ABCDE"), max_size=3), min_size=1, max_size=12),
    st.data(),
)
def test_against_plain_python(rows, data):
    index = data.draw(st.permutations(range(len(rows))))
    supported = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    totals, first = {}, {}
    for place, item in enumerate(index):
        for name in {one.casefold() for one in rows[item]}:
            weight = (1.0 if supported[place] else 1e-9) / (10 + place)
            totals[name] = totals.get(name, 0.0) + weight
            first.setdefault(name, place)
    names, found = answered(rows, index, supported)
    assert set(names) == set(totals)
    assert [round(totals[name], 9) for name in names] == sorted(
        (round(value, 9) for value in totals.values()), reverse=True
    )
    assert found.best.tolist() == [first[name] for name in names]


@pytest.fixture(scope="module")
def shop(registry, make_config, make_shop):
    """The toy shop, in which two makers share the even items and two the odd ones."""
    data = make_shop()
    ids = [data.catalog.items.id(at) for at in range(len(data.catalog))]
    records = {
        name: {"title": f"item {name}", "maker": f"Maker {at % 4}"} for at, name in enumerate(ids)
    }
    catalog = Catalog.from_records(data.catalog.items, records, SCHEMA)
    data = dataclasses.replace(data, catalog=catalog)
    whole = {"answers": "maker", "history": "keep", "consumed": "keep", "fallback": []}
    config = make_config(
        "popular",
        "together",
        surfaces={
            "user": {},
            "makers": {**whole, "sources": ["together"]},
            "alike": {**whole, "input": "item", "sources": ["together"]},
            "labels": {**whole, "answers": "label"},
        },
    )
    fitted = fit_pipeline(SHOP, data, resolve_pipeline(config, registry, "user"), RunOptions())
    return serve(with_every_source(fitted, data), SHOP)


def on(shop, name, user=None, **fields):
    fields.setdefault("k", 10)
    return answer(shop, Query(**fields), user or user_with(), name)


def test_makers_for_somebody_with_items_of_theirs(shop):
    slate = on(shop, "makers", user_with(viewed=("i0", "i4")))
    assert slate.answers == "maker"
    assert set(slate.item_ids) == {"Maker 0", "Maker 2"}, "even people like the even makers"
    for one in slate.items:
        number = int(one.item_id.split()[1])
        assert 1 <= len(one.examples) <= 3
        assert all(int(example.item_id[1:]) % 4 == number for example in one.examples)
        assert one.examples[0].title == f"item {one.examples[0].item_id}"
        assert one.reasons
    assert slate.short_because.startswith("only 2 of 10: ")


def test_a_banned_maker_is_no_answer(shop):
    """A dislike of all items of a maker, as a ban acts on them, leaves it without candidates."""
    disliked = tuple(f"i{at}" for at in range(0, 20, 4))
    slate = on(shop, "makers", user_with(viewed=("i2",), disliked=disliked))
    assert slate.item_ids == ("Maker 2",)


def test_makers_like_the_one_of_an_item_or_like_a_maker(shop):
    by_item = on(shop, "alike", item_ids=("i4",))
    by_name = on(shop, "alike", entity=Entity("maker", "maker 0"))
    assert by_item.item_ids == by_name.item_ids == ("Maker 2",)


def test_pages_of_makers_do_not_repeat(shop):
    user = user_with(viewed=("i0",))
    first = on(shop, "makers", user, k=1)
    second = on(shop, "makers", user, k=1, shown=first.item_ids)
    assert first.next_cursor
    assert set(first.item_ids) | set(second.item_ids) == {"Maker 0", "Maker 2"}


def test_a_field_that_no_item_has_is_an_empty_answer(shop):
    slate = on(shop, "labels", user_with(viewed=("i0",)))
    assert slate.items == ()
    assert "0 values of label" in slate.short_because


def test_a_batch_answers_as_single_requests_do(shop):
    users = [user_with(viewed=("i0",)), user_with(viewed=("i1", "i3")), user_with()]
    requests = [(Query(k=3), user) for user in users]
    batch = answer_batch(shop, requests, "makers")
    assert [one.item_ids for one in batch] == [
        on(shop, "makers", user, k=3).item_ids for user in users
    ]


def test_examples_are_in_the_public_form(shop):
    public = on(shop, "makers", user_with(viewed=("i0",)), k=1).to_dict()
    assert public["answers"] == "maker"
    assert public["items"][0]["examples"][0].keys() == {"item_id", "title"}
