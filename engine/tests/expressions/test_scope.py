"""What a field of the item, the user, the history and the moment is read as."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.expressions import Scope
from crossrec.expressions.scope import kind_of
from crossrec.expressions.values import UNKNOWN, Flag, Number, Text, Texts
from crossrec.scenario import ItemSchema

BARE = ItemSchema((), "{title}")


def undeclared(values):
    ids = Vocabulary(f"i{at}" for at in range(len(values)))
    records = {f"i{at}": {"x": value} for at, value in enumerate(values)}
    return LiveItems(Catalog.from_records(ids, records, BARE), BARE)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, "2.5", None], "number"),
        ([1, "two"], "text"),
        (["a", ""], "text"),
        ([["a", "b"], None], "category"),
        ([None, ""], "text"),
        (["nan"], "text"),
    ],
)
def test_undeclared_fields_are_read_as_their_values_look(values, kind):
    items = undeclared(values)
    assert items.seems("x") == kind
    assert items.updated({0: {"x": "else"}}).seems("x") == kind, "looked at once"


def test_declared_fields_are_read_as_declared(items):
    kinds = {name: kind_of(items, name) for name in ("title", "price", "genres", "is_kids", "size")}
    assert kinds == {
        "title": "text",
        "price": "number",
        "genres": "category",
        "is_kids": "flag",
        "size": "number",
    }


def test_a_declared_field_that_nobody_has_is_unknown(items):
    schema = items.schema
    catalog = Catalog.from_records(Vocabulary("a"), {"a": {"title": "A"}}, schema)
    scope = Scope(LiveItems(catalog, schema), 0.0)
    price, kids, genres = (scope.item(name) for name in ("price", "is_kids", "genres"))
    assert isinstance(price, Number)
    assert np.isnan(price.data).all()
    assert isinstance(kids, Flag)
    assert kids.data.tolist() == [UNKNOWN]
    assert isinstance(genres, Texts)
    assert not genres.data.any_of(["x"]).any()


@pytest.mark.parametrize(
    ("value", "kind"),
    [(True, Flag), (3, Number), (2.5, Number), (np.float32(1), Number), ("DE", Text)],
)
def test_fields_of_a_request_are_what_they_are(items, value, kind):
    scope = Scope(items, 0.0, user={"field": value}, context={"field": value})
    assert isinstance(scope.request("user", "field"), kind)
    assert isinstance(scope.request("context", "field"), kind)


def test_lists_of_a_request(items):
    scope = Scope(items, 0.0, user={"likes": ["a", "b", ""]})
    found = scope.request("user", "likes")
    assert isinstance(found, Texts)
    assert found.data == {"a", "b"}


def test_what_a_request_does_not_say_is_unknown(items):
    found = Scope(items, 0.0, context={"city": None}).request("context", "city")
    assert isinstance(found, Text)
    assert found.constant == ""


def test_the_history_as_fields(items):
    scope = Scope(items, 0.0, history=np.array([0, 1, 2, 1]))
    length, price, kids = (scope.past(name) for name in ("length", "price", "is_kids"))
    assert isinstance(length, Number)
    assert length.data == 4
    assert isinstance(price, Number)
    assert price.data == pytest.approx((3 + 10 + 10) / 3), "of the items that have one"
    assert isinstance(kids, Number)
    assert kids.data == pytest.approx(1 / 3)
    genres, series = scope.past("genres"), scope.past("series_id")
    assert isinstance(genres, Texts)
    assert genres.data == {"x", "y", "z"}
    assert isinstance(series, Texts)
    assert series.data == {"s1"}


def test_no_history(items):
    scope = Scope(items, 0.0)
    assert scope.past("length").data == 0
    assert np.isnan(scope.past("price").data)
    assert scope.past("genres").data == frozenset()
