"""New items in the closed forms: by their texts, without a solve."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.numeric.ragged import Ragged
from crossrec.numeric.sparse import wider
from crossrec_backbone.relations.config import PriorConfig
from crossrec_backbone.relations.statistics import BackboneConfig
from crossrec_backbone.relations.text import TextRelations
from crossrec_backbone.relations.text_graph import text_graph
from crossrec_backbone.sources.closed_forms import (
    ClosedFormConfig,
    PriorEaseSource,
    TextBehaviourSource,
    joined_by_text,
)
from crossrec_backbone.sources.content import ContentConfig, ContentSource
from scipy.sparse import csr_matrix

RUN = RunOptions()
SOURCES = (ContentSource, PriorEaseSource, TextBehaviourSource)


def built(make: type, config: BackboneConfig) -> Any:
    """Return a source with the settings of the small shop."""
    if make is ContentSource:
        return make(ContentConfig(text=config.text, history=config.history))
    return make(ClosedFormConfig(**config.model_dump()))


def batch(rows: list[list[int]]) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(rows))


def behind(dataset: Dataset, whole: Dataset) -> Dataset:
    """What `add_items` is given: the items of `whole`, vectors of the new ones alone, no events."""
    first = dataset.n_items
    vectors = {name: rows.copy() for name, rows in whole.vectors.items()}
    for rows in vectors.values():
        rows[:first] = 0.0
    return replace(whole, vectors=vectors).with_events(Events.empty())


def short_of(whole: Dataset, first: int) -> Dataset:
    """The first items of a set, with their events."""
    events = whole.events.take(whole.events.items < first)
    vectors = {name: rows[:first] for name, rows in whole.vectors.items()}
    catalog: Catalog = whole.catalog.take(range(first))
    return replace(whole, catalog=catalog, events=events, vectors=vectors)


@pytest.mark.parametrize("make", SOURCES)
def test_a_new_item_of_the_kind_comes_before_old_ones_of_others(make, shop, config) -> None:
    whole = shop(n_items=44)
    source = built(make, config)
    source.fit(short_of(whole, 40), RUN)
    source.add_items(behind(short_of(whole, 40), whole))
    for kind in range(4):
        found = source.generate(batch([[kind, kind + 4]]), 44).row(0).tolist()
        assert 40 + kind in found, "the new item of the kind is no candidate"
        others = [item for item in found if item >= 40 and item % 4 != kind]
        assert all(found.index(40 + kind) < found.index(item) for item in others)


@pytest.mark.parametrize("make", SOURCES)
def test_scores_of_the_items_before_stay_as_they_are(make, shop, config) -> None:
    whole = shop(n_items=44)
    source = built(make, config)
    source.fit(short_of(whole, 40), RUN)
    index = np.tile(np.arange(40), (2, 1))
    before = source.score(batch([[0, 4], [1]]), index)
    longer = copy(source)
    longer.add_items(behind(short_of(whole, 40), whole))
    np.testing.assert_allclose(longer.score(batch([[0, 4], [1]]), index), before, atol=1e-5)


@pytest.mark.parametrize("make", SOURCES)
def test_a_second_growth_goes_on_from_the_first(make, shop, config) -> None:
    whole = shop(n_items=44)
    source = built(make, config)
    source.fit(short_of(whole, 40), RUN)
    once, twice = copy(source), copy(source)
    once.add_items(behind(short_of(whole, 40), whole))
    middle = behind(short_of(whole, 40), short_of(whole, 42))
    twice.add_items(middle)
    twice.add_items(behind(short_of(whole, 42), whole))
    found = [each.generate(batch([[0, 4]]), 44).row(0) for each in (once, twice)]
    assert {40, 41, 42, 43} & set(found[0].tolist()) == {40, 41, 42, 43} & set(found[1].tolist())


def test_ties_by_text_fade_with_the_evidence_by_hand() -> None:
    """Item 2 is new: two thirds of its text lead to item 0, a third to item 1."""
    weights = csr_matrix(np.array([[0, 0.5], [0.4, 0]], dtype=np.float32))
    rows = csr_matrix(np.array([[0, 0, 0], [0, 0, 0], [0.2, 0.1, 0]], dtype=np.float32))
    counts = np.array([0.0, 30.0], dtype=np.float32)
    joined = joined_by_text(weights, rows, counts, 10.0).toarray()
    expected = [[0, 0.5, 0.2], [0.4, 0, 0.1 * 10 / 40], [0.2, 0.1, 0]]
    np.testing.assert_allclose(joined, expected, rtol=1e-6)


def test_without_events_growth_is_the_graph_both_ways(shop, config) -> None:
    whole = shop(n_items=41)
    short = short_of(whole, 40).with_events(Events.empty())
    source = PriorEaseSource(ClosedFormConfig(**config.model_dump()))
    source.fit(short, RUN)
    source.add_items(behind(short, whole))
    relations = TextRelations.fit(short.catalog, short.vectors, config.text)
    longer = relations.extended(whole.catalog, whole.vectors)
    row = text_graph(longer, config.graph, 40)[0].toarray()[40]
    weights = source._weights.toarray()
    np.testing.assert_allclose(weights[40], row, atol=1e-6)
    np.testing.assert_allclose(weights[:40, 40], row[:40], atol=1e-6)


def test_counts_come_back(shop, config) -> None:
    whole = shop(n_items=41)
    short = short_of(whole, 40)
    settings = ClosedFormConfig(**{**config.model_dump(), "prior": PriorConfig(reg=5.0)})
    source = PriorEaseSource(settings)
    source.fit(short, RUN)
    state = source.state()
    counts = np.asarray(state.arrays["counts"])
    np.testing.assert_array_equal(counts, short.matrix(binary=True).sum(axis=0).A1)
    back = PriorEaseSource(settings)
    back.restore(State(dict(state.arrays), state.values), short.catalog)
    for each in (source, back):
        each.add_items(behind(short, whole))
    found, restored = (each.generate(batch([[0, 4]]), 41).row(0) for each in (source, back))
    assert 40 in restored
    np.testing.assert_array_equal(restored, found)


@pytest.mark.parametrize("encoder", ["enc", ""])
def test_grown_content_is_nearly_what_a_fit_of_all_gives(shop, encoder: str) -> None:
    """But for the rarity of words, their spread and the mean of the vectors, of 40 items or 44."""
    whole = shop(n_items=44)
    grown, anew = (ContentSource(ContentConfig(text={"encoder": encoder})) for _ in range(2))
    grown.fit(short_of(whole, 40), RUN)
    grown.add_items(behind(short_of(whole, 40), whole))
    anew.fit(whole, RUN)
    index = np.tile(np.arange(44), (2, 1))
    ours, theirs = (each.score(batch([[0, 4], [1]]), index) for each in (grown, anew))
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99


def test_new_items_without_vectors_or_without_text(shop, config) -> None:
    whole = shop(n_items=44)
    source = built(ContentSource, config)
    source.fit(short_of(whole, 40), RUN)
    bare = copy(source)
    bare.add_items(replace(behind(short_of(whole, 40), whole), vectors={}))
    assert np.isfinite(bare.score(batch([[0]]), np.array([[40, 43]]))).all()
    quiet = whole.catalog.with_texts([*whole.catalog.texts[:42], "", " "])
    source.add_items(replace(behind(short_of(whole, 40), whole), catalog=quiet))
    scores = source.score(batch([[0]]), np.array([[41, 42, 43]]))[0]
    assert np.isfinite(scores).tolist() == [True, False, False]
    assert source.explain(batch([[0, 40]]), np.array([4, 42]))[1] is None


@pytest.mark.parametrize("make", SOURCES)
def test_a_source_that_was_saved_grows_like_the_one_that_was_fitted(make, shop, config) -> None:
    whole = shop(n_items=44)
    short = short_of(whole, 40)
    source, back = built(make, config), built(make, config)
    source.fit(short, RUN)
    state = source.state()
    back.restore(State(dict(state.arrays), dict(state.values)), short.catalog)
    for each in (source, back):
        each.add_items(behind(short, whole))
    index = np.arange(44)[None, :]
    ours, theirs = (each.score(batch([[0, 4]]), index) for each in (source, back))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_wider_matrix_shares_its_entries() -> None:
    matrix = csr_matrix(np.array([[0, 1.5], [2.5, 0]], dtype=np.float32))
    wide = wider(matrix, 4)
    assert wide.shape == (4, 4)
    np.testing.assert_array_equal(wide.toarray()[:2, :2], matrix.toarray())
    assert wide.nnz == 2
    assert np.shares_memory(wide.data, matrix.data)
    assert wider(matrix, 2).shape == (2, 2)


def test_only_the_vectors_of_new_items_are_read(shop, config) -> None:
    whole = shop(n_items=44)
    short = short_of(whole, 40)
    relations = TextRelations.fit(short.catalog, short.vectors, config.text)
    full = relations.extended(whole.catalog, whole.vectors)
    alone = relations.extended(whole.catalog, behind(short, whole).vectors)
    for name in relations.names:
        left, right = full.factor(name), alone.factor(name)
        if name in relations.sparse:
            left, right = left.toarray(), right.toarray()
        np.testing.assert_array_equal(left, right)
        assert len(left) == 44
