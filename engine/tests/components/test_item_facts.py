"""The columns of `item_facts`, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.item_facts import ItemFacts, ItemFactsConfig
from crossrec.components.live_items import LiveItems
from crossrec.components.protocols import FeatureSource
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import NotFittedError
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import ItemSchema

DAY = 86_400.0
SCHEMA = ItemSchema((), "{title}", creator="brand")
RECORDS = {
    "rake": {"title": "rake", "price": 10, "brand": "Iron", "categories": ["tools", "garden"]},
    "spade": {"title": "a spade", "price": 40, "brand": "IRON", "categories": ["Tools"]},
    "pan": {"title": "pan", "price": 0, "brand": "Rouge", "categories": ["kitchen", "garden"]},
    "gift": {"price": "n/a"},
}


def dataset(clock=True):
    catalog = Catalog.from_records(Vocabulary(RECORDS), RECORDS, SCHEMA)
    events = Events.from_columns([0, 0, 1], [0, 1, 1], [1 * DAY, 3 * DAY, 2 * DAY])
    return Dataset.build(Vocabulary(["u", "v"]), catalog, events, has_clock=clock)


def columns_for(data, histories, changed=None, now=5 * DAY, about=None, **settings):
    """Return the columns of all items by name, each float32 (n, n_items)."""
    facts = ItemFacts(ItemFactsConfig(**settings))
    facts.fit(data, RunOptions())
    queries = QueryBatch.from_histories(
        Ragged.from_rows(histories),
        now=None if now is None else np.full(len(histories), now),
        about=None if about is None else Ragged.from_rows(about),
    )
    index = np.tile(np.arange(data.n_items), (len(histories), 1))
    values = facts.compute(queries, index, LiveItems(data.catalog, SCHEMA, changed))
    return dict(zip(facts.columns, np.moveaxis(values, 2, 0), strict=True))


def test_is_a_feature_source():
    assert isinstance(ItemFacts(), FeatureSource)


def test_age_people_and_text_length_are_logarithms():
    found = columns_for(dataset(), [[0]])
    np.testing.assert_allclose(found["age"][0], np.log1p([4, 3, np.nan, np.nan]), rtol=1e-6)
    np.testing.assert_allclose(found["people"][0], np.log1p([1, 2, 0, 0]), rtol=1e-6)
    np.testing.assert_allclose(found["text_length"][0], np.log([4, 7, 3, np.nan]), rtol=1e-6)


def test_a_price_is_relative_to_the_median_of_the_history():
    found = columns_for(dataset(), [[0], [0, 1], [], [2, 3]])["relative_price"]
    np.testing.assert_allclose(found[0], np.log([1, 4, np.nan, np.nan]), rtol=1e-6)
    np.testing.assert_allclose(found[1], np.log([10 / 25, 40 / 25, np.nan, np.nan]), rtol=1e-6)
    assert np.isnan(found[2]).all()
    assert np.isnan(found[3]).all(), "free and unreadable prices are none"


def test_category_and_creator_are_those_of_the_last_item():
    found = columns_for(dataset(), [[1, 0], [2], [3], []])
    np.testing.assert_array_equal(found["same_creator"][0], [1, 1, 0, np.nan])
    np.testing.assert_array_equal(found["same_category"][0], [1, 1, 0.5, np.nan])
    np.testing.assert_array_equal(found["same_category"][1], [0.5, 0, 1, np.nan])
    assert np.isnan(found["same_creator"][2:]).all()
    assert np.isnan(found["same_category"][2:]).all()


def test_what_a_list_is_about_takes_the_place_of_the_history():
    about = columns_for(dataset(), [[2]], about=[[1]])
    history = columns_for(dataset(), [[1]])
    for name in about:
        np.testing.assert_array_equal(about[name], history[name])


def test_the_newest_fields_count():
    later = {0: {"price": 80}, 1: {"available_at": 4 * DAY}}
    found = columns_for(dataset(), [[1]], later)
    np.testing.assert_allclose(found["relative_price"][0, :2], np.log([2, 1]), rtol=1e-6)
    np.testing.assert_allclose(found["age"][0, :2], np.log1p([4, 1]), rtol=1e-6)


def test_without_a_clock_nothing_has_an_age():
    assert np.isnan(columns_for(dataset(clock=False), [[0]], now=None)["age"]).all()


def test_an_item_of_the_future_is_new():
    assert columns_for(dataset(), [[0]], now=0.0)["age"][0, 0] == 0


def test_other_fields_by_settings():
    data = dataset()
    assert np.isnan(columns_for(data, [[0]], price="cost")["relative_price"]).all()
    first = columns_for(data, [[1]], categories=1)["same_category"][0]
    np.testing.assert_array_equal(first, [1, 1, 0, np.nan])


def test_it_has_to_be_fitted():
    with pytest.raises(NotFittedError, match="item_facts"):
        ItemFacts().state()
