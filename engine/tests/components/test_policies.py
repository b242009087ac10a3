from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from crossrec.components.policies import Availability, seconds, unavailable
from crossrec.components.protocols import Policy, PolicyContext
from crossrec.components.query import Query
from crossrec.components.slate import Slate, SlateItem
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_700_000_000.0


def catalog(**attributes):
    n = len(next(iter(attributes.values()), [None] * 4))
    blank = ("",) * n
    return Catalog(
        items=Vocabulary([f"i{j}" for j in range(n)]),
        titles=blank,
        texts=blank,
        categories=((),) * n,
        creators=blank,
        known=np.ones(n, dtype=bool),
        attributes={name: tuple(column) for name, column in attributes.items()},
    )


def applied(items, now=NOW):
    slate = Slate(tuple(SlateItem(j, f"i{j}", 1.0 / (j + 1)) for j in range(len(items))))
    return Availability().apply(slate, PolicyContext(Query(now=now), items, now))


def test_is_a_policy():
    assert isinstance(Availability(), Policy)


def test_a_catalog_without_these_attributes_is_left_alone():
    items = catalog()
    slate = Slate(tuple(SlateItem(j, f"i{j}", 1.0) for j in range(4)))
    assert Availability().apply(slate, PolicyContext(Query(), items, NOW)) is slate


def test_drops_what_cannot_be_had_and_keeps_the_order_of_the_rest():
    items = catalog(
        is_hidden=[None, True, None, None, None, None],
        expires_at=[None, None, NOW - 1, None, None, NOW + 1],
        available_at=[NOW - 1, None, None, NOW + 86400, None, None],
        availability=["IN_STOCK", None, None, None, "OUT_OF_STOCK", None],
    )
    slate = applied(items)
    assert slate.item_ids == ("i0", "i5")
    assert [(c.item_id, c.action) for c in slate.changes] == [
        ("i1", "dropped"),
        ("i2", "dropped"),
        ("i3", "dropped"),
        ("i4", "dropped"),
    ]
    assert [c.why for c in slate.changes] == [
        "hidden",
        "expired at 2023-11-14 22:13 UTC",
        "not available before 2023-11-15 22:13 UTC",
        "out of stock",
    ]
    assert {c.policy for c in slate.changes} == {"availability"}


def test_earlier_changes_are_kept():
    items = catalog(is_hidden=[True, False])
    first = applied(items)
    context = PolicyContext(Query(), catalog(availability=[None, "out of stock"]), NOW)
    second = Availability().apply(first, context)
    assert [c.why for c in second.changes] == ["hidden", "out of stock"]
    assert second.item_ids == ()


def test_an_empty_slate_stays_empty():
    assert applied(catalog(is_hidden=[])).items == ()


@pytest.mark.parametrize("value", [True, 1, "1", "true", "TRUE", "yes", np.True_, 1.0])
def test_hidden(value):
    assert unavailable(catalog(is_hidden=[value]), 0, NOW) == "hidden"


@pytest.mark.parametrize("value", [False, 0, "0", "false", "no", "", None, math.nan, 0.0])
def test_not_hidden(value):
    assert unavailable(catalog(is_hidden=[value]), 0, NOW) == ""


@pytest.mark.parametrize("value", ["OUT_OF_STOCK", "out of stock", "Out-of-Stock"])
def test_out_of_stock(value):
    assert unavailable(catalog(availability=[value]), 0, NOW) == "out of stock"


@pytest.mark.parametrize("value", ["IN_STOCK", "PREORDER", "BACKORDER", "", None, math.nan, 3])
def test_in_stock(value):
    assert unavailable(catalog(availability=[value]), 0, NOW) == ""


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
    assert bool(unavailable(catalog(**{attribute: [value]}), 0, NOW)) is gone


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
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14", datetime(2023, 11, 14, tzinfo=UTC).timestamp()),
        (None, None),
        ("", None),
        (math.nan, None),
        (math.inf, None),
        ("nan", None),
        ("soon", None),
        ("NaT", None),
    ],
)
def test_seconds(value, expected):
    assert seconds(value) == expected


@given(st.one_of(st.none(), st.text(), st.floats(), st.integers(), st.booleans()))
def test_no_attribute_makes_it_raise(value):
    columns = {
        name: [value] for name in ("is_hidden", "expires_at", "available_at", "availability")
    }
    assert isinstance(unavailable(catalog(**columns), 0, NOW), str)
