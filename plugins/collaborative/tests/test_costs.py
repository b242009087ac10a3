"""Costs follow from what the methods do: right shapes, not seconds of some machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from crossrec.components.cost import DatasetSize
from crossrec.components.run import RunOptions
from crossrec_collaborative.als import Als, AlsConfig
from crossrec_collaborative.baskets.bought_together import BoughtTogether
from crossrec_collaborative.baskets.buy_again import BuyAgain
from crossrec_collaborative.baskets.next_basket import NextBasket
from crossrec_collaborative.bpr import Bpr, BprConfig
from crossrec_collaborative.covisitation import Covisitation, CovisitationConfig
from crossrec_collaborative.ease import Ease, EaseConfig
from crossrec_collaborative.item_knn import ItemKnn, ItemKnnConfig
from crossrec_collaborative.popularity import DecayedPopularity, Popularity
from crossrec_collaborative.user_knn import UserKnn

RUN = RunOptions()
SIZE = DatasetSize(
    users=50_000,
    items=20_000,
    events=500_000,
    interactions=500_000,
    active_items=20_000,
    pairs=10_000_000,
)


def test_ease_is_cubic_in_the_items_with_events() -> None:
    small = Ease().estimate(replace(SIZE, active_items=5_000), RUN)
    large = Ease().estimate(replace(SIZE, active_items=40_000), RUN)
    assert large.seconds / small.seconds > 250
    assert large.memory == pytest.approx(4 * 40_000**2, rel=0.1)
    assert Ease().estimate(replace(SIZE, items=10**6), RUN) == Ease().estimate(SIZE, RUN)


def test_ease_beyond_its_dense_size_ranks_its_rows_too() -> None:
    dense = Ease(EaseConfig(dense_items=30_000)).estimate(SIZE, RUN)
    assert Ease().estimate(SIZE, RUN).seconds > dense.seconds


def test_a_wider_window_counts_more_pairs() -> None:
    one, ten = (
        Covisitation(CovisitationConfig(window=n)).estimate(SIZE, RUN).seconds for n in (1, 10)
    )
    assert 3 < ten / one < 10


def test_neighbours_are_what_item_knn_keeps() -> None:
    few, many = (ItemKnn(ItemKnnConfig(neighbours=n)).estimate(SIZE, RUN) for n in (10, 200))
    assert many.memory - few.memory == 8 * SIZE.items * 190
    assert many.seconds == few.seconds


def test_user_knn_does_its_work_in_its_answers() -> None:
    fit, both = (UserKnn().estimate(replace(SIZE, queries=n), RUN).seconds for n in (0, 4_000))
    assert both > 50 * fit


def test_rounds_of_training_are_paid_one_by_one() -> None:
    als = [Als(AlsConfig(iterations=n)).estimate(SIZE, RUN).seconds for n in (10, 20, 30)]
    bpr = [Bpr(BprConfig(epochs=n)).estimate(SIZE, RUN).seconds for n in (10, 20, 30)]
    for first, second, third in (als, bpr):
        assert third - second == pytest.approx(second - first)
        assert second > 1.5 * first


def test_boards_cost_next_to_nothing() -> None:
    plain, decayed = (one.estimate(SIZE, RUN) for one in (Popularity(), DecayedPopularity()))
    ease = Ease().estimate(SIZE, RUN)
    assert plain.seconds < decayed.seconds < ease.seconds / 20
    assert decayed.memory < ease.memory / 20


def test_sources_of_baskets_grow_with_the_purchases_alone() -> None:
    for source in (NextBasket(), BuyAgain(), BoughtTogether()):
        one, ten = (
            source.estimate(replace(SIZE, interactions=n, pairs=20 * n), RUN).seconds
            for n in (10**6, 10**7)
        )
        assert 5 < ten / one < 10.1, source.name
        many = source.estimate(replace(SIZE, pairs=10**12), RUN)
        assert many.seconds < 3 * source.estimate(SIZE, RUN).seconds, "baskets are no histories"
