"""A small catalog with a field of every kind, and a request on it."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.expressions import Scope
from crossrec.scenario import ItemField, ItemSchema

SCHEMA = ItemSchema(
    (
        ItemField("title"),
        ItemField("price", "number"),
        ItemField("genres", "category"),
        ItemField("created_at", "time"),
        ItemField("is_kids", "flag"),
        ItemField("brand", "category"),
        ItemField("series_id", "id"),
    ),
    "{title}",
    categories="genres",
    creator="brand",
)
DAY = 86_400.0
NEW_YEAR = 1_704_067_200.0
RECORDS = {
    "a": {
        "title": "A one",
        "price": 3,
        "genres": ["x", "y"],
        "brand": "Acme",
        "is_kids": True,
        "created_at": "2024-01-01",
        "series_id": "s1",
    },
    "b": {"title": "B", "price": "10", "genres": "y|z", "brand": "Bee", "is_kids": "no", "size": 4},
    "c": {"title": "C"},
}


@pytest.fixture
def items():
    return LiveItems(Catalog.from_records(Vocabulary("abc"), RECORDS, SCHEMA), SCHEMA)


@pytest.fixture
def scope(items):
    return Scope(
        items,
        NEW_YEAR + 10 * DAY,
        history=np.array([0]),
        user={"limit": 5, "favourites": ["z"], "country": "DE", "adult": True},
        context={"device": "tv", "hour": 21},
    )
