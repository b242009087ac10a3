"""Sizes of datasets, and costs that add up."""

import math

import pytest
from crossrec.components.cost import NO_COST, Cost, DatasetSize
from crossrec.components.machine import machine_speed
from crossrec.testing import toy


def test_the_size_of_a_dataset_is_counted():
    shop = toy.shop().dataset
    size = DatasetSize.of(shop, queries=3)
    distinct = [len(set(shop.sequences.row(row).tolist())) for row in range(shop.n_users)]
    assert (size.users, size.items, size.queries) == (shop.n_users, shop.n_items, 3)
    assert (size.events, size.interactions) == (len(shop.events), len(shop.interactions))
    assert size.pairs == sum(n * n for n in distinct)
    assert size.active_items == len(set(shop.interactions.items.tolist()))
    texts = {text for text in shop.catalog.texts if text.strip()}
    assert (size.texts, size.characters) == (len(texts), sum(map(len, texts)))
    assert set(size.contents) == texts


def test_blank_and_repeated_texts_count_once():
    size = DatasetSize().with_texts(["a b", " ", "", "a b", "cde"])
    assert (size.texts, size.characters, size.contents) == (2, 6, ("a b", "cde"))


def test_texts_do_not_fill_the_log():
    assert "secret" not in repr(DatasetSize().with_texts(["secret"]))


def test_costs_add_up_and_what_is_shared_counts_once():
    first = Cost(1.0, 100, {"texts": 5.0, "solve": 1.0})
    both = first.plus(Cost(2.0, 50, {"texts": 7.0}))
    assert both == Cost(3.0, 100, {"texts": 7.0, "solve": 1.0})
    assert both.total == 11.0
    assert NO_COST.plus(first) == first


def test_a_second_fit_may_cost_less():
    assert Cost(9.0, 10, {"texts": 2.0}, again=3.0).second == Cost(3.0, 10, {"texts": 2.0})
    assert Cost(9.0, 10).second == Cost(9.0, 10)


@pytest.mark.parametrize(
    "cost",
    [
        Cost(1.0, 0, again=-1.0),
        Cost(-1.0, 0),
        Cost(math.nan, 0),
        Cost(math.inf, 0),
        Cost(1.0, -1),
        Cost(0, 0, {"a": -1.0}),
    ],
)
def test_nonsense_is_not_sound(cost):
    assert not cost.is_sound
    assert Cost(1.0, 1, {"a": 0.0}).is_sound


def test_a_cost_is_scaled_by_this_machine():
    speed = machine_speed()
    assert min(speed.dense, speed.scattered) > 0
    assert speed.cores >= 1
    cost = Cost.of(dense=2.0, scattered=3.0, memory=1e3)
    assert cost.seconds == pytest.approx(2 * speed.dense / speed.cores + 3 * speed.scattered)
    assert cost.memory == 1000


def test_the_machine_is_timed_once():
    assert machine_speed() is machine_speed()
