"""Prior-EASE learns new events, and forgets users, without a fit: as one solve on all events."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.data.events import Events
from crossrec.errors import RefitNeededError
from crossrec.numeric.ragged import Ragged
from crossrec.testing.shop import make_shop
from crossrec_backbone.relations.config import PriorConfig
from crossrec_backbone.relations.statistics import BackboneConfig
from crossrec_backbone.sources.closed_forms import (
    ClosedFormConfig,
    PriorEaseSource,
    TextBehaviourSource,
)
from crossrec_backbone.sources.solved import JointEvents
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

RUN = RunOptions()
USERS, ITEMS = 6, 24
#: All items solved exactly, and most of them beyond the limit.
CONFIGS = [
    PriorConfig(reg=5.0, proximity=1.0, kept=ITEMS),
    PriorConfig(reg=5.0, proximity=0.8, kept=ITEMS),
    PriorConfig(reg=5.0, proximity=0.8, kept=ITEMS, exact_up_to=3),
]
EVENT = st.tuples(
    st.integers(0, USERS - 1),
    st.integers(0, 7),
    st.sampled_from([1.0, 1.0, 0.5, -1.0, -0.5]),
    st.integers(0, 4),
)
EVENTS = st.lists(st.tuples(EVENT, st.booleans()), max_size=40)


def graph_of(seed: int = 3) -> csr_matrix:
    rng = np.random.default_rng(seed)
    dense = rng.random((ITEMS, ITEMS)) * (rng.random((ITEMS, ITEMS)) < 0.4)
    np.fill_diagonal(dense, 0)
    return csr_matrix((0.3 * dense / np.maximum(dense.sum(1, keepdims=True), 1e-9)), dtype="f4")


def whole_of(drawn: list[Any]) -> Dataset:
    rows = [event for event, _ in drawn]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
    users, items, weights, times = columns
    events = Events.from_columns(users, items, times, weights)
    return make_shop(ITEMS, USERS, vectors=False).with_events(events)


def change_of(whole: Dataset, late: np.ndarray[Any, Any]) -> EventChange:
    events = whole.events
    own = np.isin(events.users, events.users[late])
    return EventChange(
        whole.with_events(events.take(own & ~late)), whole.with_events(events.take(own))
    )


def late_of(whole: Dataset, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).random(len(whole.events)) < 0.4


@pytest.mark.parametrize("config", CONFIGS)
@given(drawn=EVENTS, seed=st.integers(0, 3))
@settings(max_examples=40)
def test_changed_sums_are_those_of_all_events(
    config: PriorConfig, drawn: list[Any], seed: int
) -> None:
    whole = whole_of(drawn)
    late = late_of(whole, seed)
    graph = graph_of()
    early = whole.with_events(whole.events.take(~late))
    changed = JointEvents.of(early, graph, config).changed(change_of(whole, late), config)
    full = JointEvents.of(whole, graph, config)
    np.testing.assert_allclose(changed.gram.toarray(), full.gram.toarray(), atol=1e-6)
    np.testing.assert_array_equal(changed.together.toarray(), full.together.toarray())
    ours, theirs = changed.solve(config, 10_000), full.solve(config, 10_000)
    np.testing.assert_allclose(ours.weights.toarray(), theirs.weights.toarray(), atol=1e-5)
    np.testing.assert_array_equal(ours.counts, theirs.counts)


def built(make: type, config: BackboneConfig, **more: Any) -> Any:
    return make(ClosedFormConfig(**config.model_dump(), **more))


def batch(rows: list[list[int]]) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(rows))


def test_the_weight_of_behaviour_stays_as_the_fit_chose_it(shop, config) -> None:
    whole = shop(n_items=40)
    late = late_of(whole)
    source = built(TextBehaviourSource, config)
    source.fit(whole.with_events(whole.events.take(~late)), RUN)
    kappa = source.kappa
    source.update(change_of(whole, late))
    assert source.kappa == kappa
    fixed = built(TextBehaviourSource, config, choose_kappa=False)
    fixed.fit(whole, RUN)
    fixed.kappa = kappa
    index = np.tile(np.arange(40), (2, 1))
    ours, theirs = (one.score(batch([[0, 4], [1]]), index) for one in (source, fixed))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_new_items_stay_tied_by_text_and_gain_by_their_events(shop, config) -> None:
    whole = shop(n_items=44)
    old = whole.events.items < 40
    first = replace(
        whole,
        catalog=whole.catalog.take(range(40)),
        vectors={name: rows[:40] for name, rows in whole.vectors.items()},
    ).with_events(whole.events.take(old))
    source = built(PriorEaseSource, config)
    source.fit(first, RUN)
    source.add_items(whole.with_events(Events.empty()))
    grown = source.score(batch([[0, 4]]), np.array([[40]]))
    updated = copy(source)
    nothing = whole.with_events(Events.empty())
    updated.update(EventChange(nothing, nothing))
    np.testing.assert_allclose(updated.score(batch([[0, 4]]), np.array([[40]])), grown, rtol=0.5)
    buyers = np.repeat(np.arange(10), 2)
    bought = Events.from_columns(buyers, np.tile([0, 40], 10), np.tile([9e9, 9e9 + 1], 10))
    events = whole.events
    before = events.take(old & (events.users < 10))
    names = ("users", "items", "types", "times", "weights")
    after = Events(
        *(np.concatenate([getattr(one, name) for one in (before, bought)]) for name in names)
    )
    source.update(EventChange(whole.with_events(before), whole.with_events(after)))
    assert source.score(batch([[0]]), np.array([[40]])) > grown


def test_beyond_what_is_kept_a_fit_is_due(shop, config) -> None:
    whole = shop(n_items=40)
    late = late_of(whole)
    source = built(PriorEaseSource, config, update_pairs=10)
    source.fit(whole.with_events(whole.events.take(~late)), RUN)
    assert not any(name.startswith("events.") for name in source.state().arrays)
    with pytest.raises(RefitNeededError, match="update_pairs = 10"):
        source.update(change_of(whole, late))


def test_items_that_it_was_not_given_first_are_refused(shop, config) -> None:
    whole = shop(n_items=40)
    first = replace(
        whole,
        catalog=whole.catalog.take(range(30)),
        vectors={name: rows[:30] for name, rows in whole.vectors.items()},
    ).with_events(whole.events.take(whole.events.items < 30))
    source = built(PriorEaseSource, config)
    source.fit(first, RUN)
    nothing = whole.with_events(Events.empty())
    with pytest.raises(RefitNeededError, match="10 of the items"):
        source.update(EventChange(nothing, nothing))
