from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from crossrec.components.live_items import LiveItems
from crossrec.components.policies import _OUT, Availability, flag, number, out_of_stock, seconds
from crossrec.components.policy_context import PolicyContext
from crossrec.components.protocols import Policy
from crossrec.components.query import Query
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.user_state import UserState
from crossrec.components.wording import in_english
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import ItemSchema
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_700_000_000.0
SCHEMA = ItemSchema((), "{title}")


def live(changed=None, **attributes):
    n = len(next(iter(attributes.values()), [None] * 4))
    blank = ("",) * n
    catalog = Catalog(
        items=Vocabulary([f"i{j}" for j in range(n)]),
        titles=blank,
        texts=blank,
        categories=((),) * n,
        creators=blank,
        known=np.ones(n, dtype=bool),
        attributes={name: tuple(column) for name, column in attributes.items()},
    )
    return LiveItems(catalog, SCHEMA, changed)


def context(items, now=NOW):
    return PolicyContext(
        query=Query(now=now),
        user=UserState(),
        surface="home",
        items=items,
        now=now,
        seed=0,
        k=10,
    )


def ranked(n, changes=()):
    return Ranked(np.arange(n), 1.0 / (np.arange(n) + 1), np.ones(n), changes)


def applied(items, now=NOW):
    return Availability().apply(ranked(len(items)), context(items, now))


def cause(now=NOW, changed=None, **attributes):
    """Why the first item cannot be had; empty where it can."""
    after = applied(live(changed, **attributes), now)
    (code,) = [change.code for change in after.changes if change.item == 0] or [""]
    assert (0 in after.index) == (code == "")
    return code


def test_is_a_policy():
    assert isinstance(Availability(), Policy)


def test_a_catalog_without_these_attributes_is_left_alone():
    pool = ranked(4)
    assert Availability().apply(pool, context(live())) is pool


def test_drops_what_cannot_be_had_and_keeps_the_order_of_the_rest():
    items = live(
        is_hidden=[None, True, None, None, None, None, None, None],
        expires_at=[None, None, NOW - 1, None, None, NOW + 1, None, None],
        available_at=[NOW - 1, None, None, NOW + 86400, None, None, None, None],
        availability=["IN_STOCK", None, None, None, "OUT_OF_STOCK", None, None, None],
        available_quantity=[3, None, None, None, None, None, 0, None],
        withdrawn=[None, None, None, None, None, None, None, True],
    )
    after = applied(items)
    assert after.index.tolist() == [0, 5]
    assert after.score.tolist() == [1.0, 1 / 6]
    assert {(c.item, c.action, c.code) for c in after.changes} == {
        (1, "dropped", "hidden"),
        (2, "dropped", "expired"),
        (3, "dropped", "not_yet_available"),
        (4, "dropped", "out_of_stock"),
        (6, "dropped", "out_of_stock"),
        (7, "dropped", "withdrawn"),
    }
    shown = {c.item: in_english(c.code, c.values) for c in after.changes}
    assert shown == {
        1: "hidden",
        2: "expired at 2023-11-14 22:13 UTC",
        3: "not available before 2023-11-15 22:13 UTC",
        4: "out of stock",
        6: "out of stock",
        7: "no longer offered",
    }


def test_one_cause_is_given_of_several_the_most_lasting():
    everything = {
        "withdrawn": [True],
        "is_hidden": [True],
        "expires_at": [NOW - 1],
        "available_at": [NOW + 1],
        "availability": ["sold out"],
    }
    order = ["withdrawn", "hidden", "expired", "not_yet_available", "out_of_stock"]
    for code, name in zip(order, list(everything), strict=True):
        assert cause(**everything) == code
        del everything[name]


def test_earlier_changes_are_kept():
    first = PolicyChange(1, "dropped", "seen", policy="other")
    pool = ranked(2, (first,))
    after = Availability().apply(pool, context(live(is_hidden=[True, False])))
    assert after.changes == (first, PolicyChange(0, "dropped", "hidden"))
    both = Availability().apply(after, context(live(availability=[None, "out of stock"])))
    assert [change.code for change in both.changes] == ["seen", "hidden", "out_of_stock"]
    assert len(both) == 0


def test_an_empty_pool_stays_empty():
    assert len(applied(live(is_hidden=[]))) == 0


@pytest.mark.parametrize("value", [True, 1, "1", "true", "TRUE", "yes", np.True_, 1.0, "on", "Y"])
def test_hidden(value):
    assert flag(value) == 1.0
    assert cause(is_hidden=[value]) == "hidden"
    assert cause(withdrawn=[value]) == "withdrawn"


@pytest.mark.parametrize("value", [False, 0, "0", "false", "no", "", None, math.nan, 0.0, "off"])
def test_not_hidden(value):
    assert cause(is_hidden=[value]) == ""
    assert cause(withdrawn=[value]) == ""


@pytest.mark.parametrize("value", sorted(_OUT))
def test_every_word_for_out_of_stock(value):
    assert cause(availability=[value]) == "out_of_stock"
    assert cause(availability=[value.upper()]) == "out_of_stock"


@pytest.mark.parametrize(
    "value",
    [
        "OUT_OF_STOCK",
        "out of stock",
        "Out-of-Stock",
        "outOfStock",
        "https://schema.org/OutOfStock",
        "http://schema.org/SoldOut",
        "https://schema.org/Discontinued/",
        "sold out!",
        "Sold",
        "mark_as_sold",
        "temporarily out of stock",
        "Currently unavailable.",
        "No longer available",
        "Temporarily Sold Out",
        "out of print",
        "stock-out",
        "None left",
        "0.00",
        "-1",
        -3,
        0.0,
        "Nicht verfügbar",
        "Nicht auf Lager",
        "rupture de stock",
        "épuisé",
        "sin existencias",
        "niet op voorraad",
        "нет в наличии",
        "在庫切れ",
        "缺货",
        "품절",
        False,
        0,
        "0",
        "no",
        "false",
        "off",
    ],
)
def test_spellings_of_out_of_stock(value):
    assert out_of_stock(value) == 1.0
    assert cause(availability=[value]) == "out_of_stock"


@pytest.mark.parametrize(
    "value",
    [
        "IN_STOCK",
        "PREORDER",
        "BACKORDER",
        "LimitedAvailability",
        "https://schema.org/InStock",
        "auf Lager",
        "only a few left",
        "available for order",
        "MadeToOrder",
        "https://schema.org/OnlineOnly",
        "1.0",
        "12",
        "not sold out",
        "never out of stock",
        "stock",
        "",
        None,
        math.nan,
        3,
        True,
        "yes",
    ],
)
def test_in_stock(value):
    assert cause(availability=[value]) == ""


@pytest.mark.parametrize(
    ("value", "gone"),
    [
        (0, True), ("0", True), (0.0, True), (-2, True), ("0.0", True), (1, False), ("7", False),
        (0.5, False), (None, False), ("", False), ("many", False), (math.nan, False),
        ("0 pcs", True), ("0 Stück", True), ("0,0", True), ("0 units.", True), ("-1 pc", True),
        ("3 pcs", False), ("1,5 kg", False), ("10+", False), ("> 10", False), ("0-5", False),
    ],
)  # fmt: skip
def test_a_quantity_of_nothing_is_out_of_stock(value, gone):
    assert (cause(available_quantity=[value]) == "out_of_stock") is gone


def test_a_quantity_does_not_undo_what_the_words_say():
    assert cause(available_quantity=[5], availability=["sold out"]) == "out_of_stock"
    assert cause(available_quantity=[0], availability=["in stock"]) == "out_of_stock"


@pytest.mark.parametrize(
    ("attribute", "value", "gone"),
    [
        ("expires_at", NOW, True),
        ("expires_at", NOW + 0.5, False),
        ("available_at", NOW, False),
        ("available_at", NOW + 0.5, True),
    ],
)
def test_the_moment_itself(attribute, value, gone):
    assert bool(cause(**{attribute: [value]})) is gone


def test_the_time_is_that_of_the_request():
    column = {"expires_at": [NOW]}
    assert cause(now=NOW - 60, **column) == ""
    assert cause(now=NOW + 60, **column) == "expired"


def test_fields_that_were_written_after_the_fit_count():
    assert cause(is_hidden=[False], changed={0: {"is_hidden": True}}) == "hidden"
    assert cause(is_hidden=[True], changed={0: {"is_hidden": False}}) == ""
    assert cause(title=["x"], changed={0: {"available_quantity": 0}}) == "out_of_stock"
    assert cause(title=["x"], changed={0: {"withdrawn": True}}) == "withdrawn"
    assert cause(expires_at=[NOW - 1], changed={0: {"expires_at": "2099-01-01"}}) == ""


def test_a_change_between_two_requests_counts_from_the_next_one_on():
    items = live(availability=["in stock", "in stock"])
    assert applied(items).index.tolist() == [0, 1]
    items = items.updated({1: {"availability": "sold out"}})
    assert applied(items).index.tolist() == [0]
    items = items.updated({1: {"availability": "in stock"}})
    assert applied(items).index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NOW, NOW),
        (int(NOW), NOW),
        (np.float64(NOW), NOW),
        (str(NOW), NOW),
        ("2023-11-14T22:13:20+00:00", NOW),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14 22:13:20", NOW),
        ("2023-11-14 22:13:20 UTC", NOW),
        ("2023-11-14 22:13:20UTC", NOW),
        ("2023-11-14 22:13:20 GMT", NOW),
        ("2023-11-14 22:13:20 utc", NOW),
        ("2023-11-14 22:13:20 z", NOW),
        ("2023-11-14 22:13:20.5Z", NOW + 0.5),
        ("2023-11-14 UTC", datetime(2023, 11, 14, tzinfo=UTC).timestamp()),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14", datetime(2023, 11, 14, tzinfo=UTC).timestamp()),
        ("0", 0.0),
        (None, math.nan),
        ("", math.nan),
        (math.nan, math.nan),
        (math.inf, math.nan),
        ("nan", math.nan),
        ("soon", math.nan),
        ("NaT", math.nan),
        ("UTC", math.nan),
        ("2023-13-45", math.nan),
    ],
)
def test_seconds(value, expected):
    assert seconds(value) == pytest.approx(expected, nan_ok=True, abs=0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), ("4.5", 4.5), (" 2 ", 2.0), (None, math.nan), ("x", math.nan), ("", math.nan)],
)
def test_number(value, expected):
    assert number(value) == pytest.approx(expected, nan_ok=True, abs=0)


@given(st.one_of(st.none(), st.text(), st.floats(), st.integers(), st.booleans()))
def test_no_attribute_makes_it_raise(value):
    names = ("withdrawn", "is_hidden", "expires_at", "available_at", "availability")
    columns = {name: [value] for name in (*names, "available_quantity")}
    assert cause(**columns) in (
        "", "withdrawn", "hidden", "expired", "not_yet_available", "out_of_stock",
    )  # fmt: skip
