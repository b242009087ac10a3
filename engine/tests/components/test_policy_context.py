"""What a policy may put in, and what it can read only where it is needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.live_items import LiveItems
from crossrec.components.policies import Availability
from crossrec.components.policy_context import PolicyContext
from crossrec.components.query import Query
from crossrec.components.ranked import Ranked
from crossrec.components.user_state import UserState
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import ItemSchema

ITEMS = ("plain", "hidden", "gone", "banned")


def context(**fields):
    rows = {name: {"title": name, "is_hidden": name == "hidden"} for name in ITEMS}
    rows["gone"]["availability"] = "sold out"
    schema = ItemSchema((), "{title}")
    items = LiveItems(Catalog.from_records(Vocabulary(ITEMS), rows, schema), schema)
    return PolicyContext(Query(), UserState(), "home", items, now=0.0, seed=0, k=10, **fields)


def test_without_rules_everything_may_be_put_in_but_what_is_barred():
    everything = np.arange(4)
    assert context().eligible(everything).tolist() == [True] * 4
    assert context(barred=np.array([3])).eligible(everything).tolist() == [True, True, True, False]
    assert context(barred=np.array([3])).eligible(np.array([3, 0])).tolist() == [False, True]
    assert context().eligible(np.zeros(0, dtype=np.int64)).tolist() == []


def test_what_a_rule_of_the_surface_drops_may_not_be_put_in():
    ruled = context(barred=np.array([3]), rules=(Availability().bars,))
    assert ruled.eligible(np.arange(4)).tolist() == [True, False, False, False]


def test_availability_bars_what_it_drops():
    ruled, pool = context(), Ranked.of(np.arange(4), np.linspace(1, 0.1, 4))
    left = Availability().apply(pool, ruled)
    bars = Availability().bars(pool.index, ruled)
    assert left.index.tolist() == pool.index[~bars].tolist() == [0, 3]


def test_vectors_are_read_once_and_only_when_they_are_needed():
    read = []

    def vectors():
        read.append(1)
        return np.eye(4, dtype=np.float32)

    one = context(read_vectors=vectors)
    assert not read
    assert one.vectors is one.vectors
    assert read == [1]
    assert context().vectors is None


def test_each_policy_draws_numbers_of_its_own():
    first = [replace(context(), stream=(at,)).rng.random() for at in (0, 1, 0)]
    assert first[0] == pytest.approx(first[2])
    assert first[0] != first[1]
