"""Lists of one entity's items, lists to put in order, and entities that stand for their items."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from crossrec.components.query import Entity, Query
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import UsageError
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.history_rows import History
from crossrec.pipeline.request import answer, traced
from crossrec.pipeline.requested import entity_of, requested
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.serving import surface_for
from crossrec.pipeline.subject import subject_of
from crossrec.pipeline.why_not import why_not
from crossrec.scenario import ItemField, ItemSchema, Relation
from crossrec.testing.requests import TOY, serve, user_with, with_every_source
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = ItemSchema((ItemField("title"), ItemField("genre", "category", ("style",))), "{title}")
SHOP = dataclasses.replace(TOY, items=SCHEMA, relations=(Relation("kind", "genre"),))
SURFACES = {
    "user": {},
    "like": {"input": "item", "sources": ["together"], "fallback": []},
    "row": {"input": "entity"},
    "picks": {
        "input": "list",
        "sources": ["together"],
        "fallback": ["given"],
        "history": "keep",
        "consumed": "keep",
    },
}


@pytest.fixture(scope="module")
def genres(make_shop):
    """The toy shop, in which every third item is jazz and the others are rock."""
    data = make_shop()
    ids = [data.catalog.items.id(at) for at in range(len(data.catalog))]
    records = {
        name: {"title": f"item {name}", "genre": ["Jazz" if at % 3 == 0 else "Rock"]}
        for at, name in enumerate(ids)
    }
    return dataclasses.replace(
        data, catalog=Catalog.from_records(data.catalog.items, records, SCHEMA)
    )


@pytest.fixture(scope="module")
def shop(registry, make_config, genres):
    config = make_config("popular", "together", surfaces=SURFACES)
    fitted = fit_pipeline(SHOP, genres, resolve_pipeline(config, registry, "user"), RunOptions())
    return serve(with_every_source(fitted, genres), SHOP)


def on(shop, name, user=None, **fields):
    fields.setdefault("k", 10)
    return answer(shop, Query(**fields), user or user_with(), name)


JAZZ = {f"i{at}" for at in range(0, 20, 3)}


def test_a_row_holds_the_items_of_its_entity_alone(shop):
    slate = on(shop, "row", user_with(liked=("i2", "i4")), entity=Entity("genre", "jazz"))
    assert set(slate.item_ids) == JAZZ
    assert "only 7 of 10" in slate.short_because
    together = [item.item_id for item in slate.items if item.reasons[0].source == "together"]
    assert together, "even items are near to what an even user bought"
    assert all(int(name[1:]) % 2 == 0 for name in together)


def test_what_was_bought_stays_out_of_a_row(shop):
    slate = on(shop, "row", user_with(liked=("i0", "i3")), entity=Entity("genre", "JAZZ"))
    assert set(slate.item_ids) == JAZZ - {"i0", "i3"}


@pytest.mark.parametrize("field", ["genre", "mood"])
def test_an_unknown_entity_is_an_empty_row_that_says_so(shop, field):
    slate = on(shop, "row", entity=Entity(field, "polka"))
    assert slate.items == ()
    assert f"no item has {field} 'polka'" in slate.notes
    assert slate.short_because.startswith("only 0 of 10")


def test_without_a_user_a_row_has_what_is_popular_of_it(shop):
    slate = on(shop, "row", entity=Entity("genre", "jazz"), k=3)
    people = shop.pipeline.people
    counts = [people[item.index] for item in slate.items]
    jazz = sorted((people[shop.pipeline.catalog.items.index(one)] for one in JAZZ), reverse=True)
    assert counts == jazz[:3]


def test_an_entity_stands_for_its_items_on_a_surface_about_items(shop):
    """Nothing of it is excluded: the radio of an artist plays the artist."""
    slate = on(shop, "like", entity=Entity("genre", "jazz"), k=20)
    assert slate.path == "items"
    assert set(slate.item_ids) & JAZZ
    named = {one for item in slate.items for reason in item.reasons for one in reason.history}
    assert named <= JAZZ
    none = History.of(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), None)
    query = Query(entity=Entity("genre", "jazz"))
    subject = subject_of(shop, shop.pipeline.surfaces["like"], query, none)
    people = shop.pipeline.people[subject.about].tolist()
    assert people == sorted(people), "the best known last, as in a history"


PICKS = ("i1", "i9", "i2", "i7", "i4", "i11")


def test_a_list_without_a_user_keeps_the_order_of_its_editor(shop):
    slate = on(shop, "picks", item_ids=PICKS, k=6)
    assert slate.item_ids == PICKS
    assert slate.path == "no history"


def test_a_list_is_put_in_personal_order_and_nothing_is_lost(shop):
    """Even items are near to an even user; the others stay in the order of the editor."""
    slate = on(shop, "picks", user_with(viewed=("i0", "i6")), item_ids=PICKS, k=6)
    assert set(slate.item_ids[:2]) == {"i2", "i4"}
    assert slate.item_ids[2:] == ("i1", "i9", "i7", "i11")


def test_what_was_bought_stays_in_a_list_and_what_is_disliked_goes(shop):
    user = user_with(liked=("i4",), disliked=("i9",))
    slate = on(shop, "picks", user, item_ids=PICKS, k=6)
    assert set(slate.item_ids) == set(PICKS) - {"i9"}


def test_unknown_and_repeated_items_of_a_list(shop):
    slate = on(shop, "picks", item_ids=("i1", "nope", "i1", "i2"), k=4)
    assert slate.item_ids == ("i1", "i2")
    assert "1 of 4 given items are not in the fitted catalog" in slate.notes


@given(st.lists(st.integers(0, 19), min_size=1, max_size=20, unique=True), st.integers(0, 3))
def test_a_list_is_always_a_permutation(shop, items, n_viewed):
    ids = tuple(f"i{at}" for at in items)
    slate = on(shop, "picks", user_with(viewed=ids[:n_viewed]), item_ids=ids, k=len(ids))
    assert sorted(slate.item_ids) == sorted(ids)
    assert slate.short_because == ""


def test_the_usual_surface_for_what_a_request_brings(shop):
    pipeline = shop.pipeline
    found = {one: surface_for(pipeline, None, one).plan.name for one in ("user", "items", "entity")}
    assert found == {"user": "user", "items": "like", "entity": "row"}
    assert surface_for(pipeline, "picks", "items").plan.name == "picks"
    assert surface_for(pipeline, "like", "entity").plan.name == "like"


@pytest.mark.parametrize(
    ("name", "brought", "words"),
    [
        ("row", "user", "about an entity such as a genre: give --entity NAME=VALUE"),
        ("row", "items", "give --entity NAME=VALUE"),
        ("picks", "user", "a list to put in order: give the items with --item"),
        ("picks", "entity", "give the items with --item"),
        ("like", "user", "about an item: give --item"),
        ("user", "items", "about a user: give --user or --history"),
        ("user", "entity", "about a user: give --user or --history"),
    ],
)
def test_a_surface_that_needs_something_else_says_what(shop, name, brought, words):
    with pytest.raises(UsageError, match=words):
        surface_for(shop.pipeline, name, brought)


def test_the_arguments_of_a_call_become_a_query(shop):
    place, query = requested(shop, SHOP, entity=("kind", "jazz"), user_id="u", filter="x", k=3)
    assert place.plan.name == "row"
    assert (query.entity, query.user_id, query.filter, query.k) == (
        Entity("genre", "jazz"), "u", "x", 3,
    )  # fmt: skip
    place, query = requested(shop, SHOP, surface="picks", item_ids=PICKS)
    assert query.k == len(PICKS), "a list to put in order is as long as it is"
    with pytest.raises(UsageError, match="about items or about an entity, not about both"):
        requested(shop, SHOP, entity=("kind", "jazz"), item_ids=("i1",))


@pytest.mark.parametrize("name", ["kind", "genre", "style"])
def test_an_entity_is_named_by_relation_field_or_alias(shop, name):
    assert entity_of(SHOP, shop.items, name, "jazz") == Entity("genre", "jazz")


def test_a_field_that_is_none_is_refused(shop):
    with pytest.raises(UsageError, match="no relation or field 'colour': its relations are kind"):
        entity_of(SHOP, shop.items, "colour", "red")


def test_why_an_item_is_not_in_a_row(shop, genres):
    """The reason names the entity, not the history."""
    query = Query(entity=Entity("genre", "jazz"), k=3)
    trace = traced(shop, query, user_with(), "row", explain=False)
    found = why_not(shop, trace, genres.catalog.items.index("i1"), query, SHOP)
    assert found.outcome == "excluded"
    assert "of other items alone" in found.why
