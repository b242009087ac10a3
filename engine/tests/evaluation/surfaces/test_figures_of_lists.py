"""Figures of lists by hand: hits, coverage, new items, creators, empty slots."""

from __future__ import annotations

import math

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.evaluation import metrics
from crossrec.evaluation.surfaces.figures import ItemFacts, answered, figures_of
from crossrec.numeric.ragged import Ragged

DAY = 24.0


@pytest.fixture
def facts(timed) -> ItemFacts:
    """Six items: 0 to 2 are old, 3 came ten days before the cut, 4 and 5 never."""
    train = timed(
        [(0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 3, 90 * DAY), (1, 0, 99 * DAY)],
        n_items=6,
        creators=("ann", "ann", "bob", "bob", "cy", ""),
    )
    cut = train.events.times.min() + 100 * 86_400.0
    return ItemFacts.of(train, cut)


def test_which_items_are_new(facts, timed):
    assert facts.new.tolist() == [False, False, False, True, True, True]
    ordered = timed([(0, 0, 0), (0, 2, 1)], n_items=3, clock=False)
    assert ItemFacts.of(ordered, math.nan).new.tolist() == [False, True, False]


def test_figures_by_hand(facts):
    lists = np.array([[0, 1], [3, PAD], [PAD, PAD]])
    targets = Ragged.from_rows([[1, 2], [3], [4]])
    found = figures_of("shelf", lists, targets, facts, 2)
    assert found.columns["recall@2"].tolist() == [0.5, 1.0, 0.0]
    assert found.columns["hit@2"].tolist() == [1.0, 1.0, 0.0]
    assert found.columns["mrr@2"].tolist() == [0.5, 1.0, 0.0]
    second, whole = 1 / math.log2(3), 1 + 1 / math.log2(3)
    assert found.columns["ndcg@2"].tolist() == pytest.approx([second / whole, 1.0, 0.0])
    assert found.lists["filled@2"] == 0.5
    assert found.lists["coverage@2"] == 0.5
    assert found.lists["new_items@2"] == pytest.approx(1 / 3)
    # Ann is shown twice, Bob once, Cy never.
    assert found.lists["creator_gini@2"] == pytest.approx(metrics.gini(np.array([2, 1, 0])))
    assert math.isnan(found.lists["diversity@2"])
    assert not found.baseline


def test_only_the_first_k_count(facts):
    found = figures_of("long", np.array([[0, 1, 2]]), Ragged.from_rows([[2]]), facts, 2)
    assert found.columns["recall@2"].tolist() == [0.0]
    assert found.lists["coverage@2"] == pytest.approx(2 / 6)


def test_empty_lists_have_no_share_of_anything(facts):
    found = figures_of("none", np.full((2, 3), PAD), Ragged.from_rows([[1], [2]]), facts, 3)
    assert found.lists["filled@3"] == 0.0
    assert math.isnan(found.lists["new_items@3"])
    assert math.isnan(found.lists["creator_gini@3"])


def test_a_catalogue_without_creators_has_no_gini_of_them(timed):
    facts = ItemFacts.of(timed([(0, 0, 0), (0, 1, 1)]), math.nan)
    found = figures_of("x", np.array([[0, 1]]), Ragged.from_rows([[1]]), facts, 2)
    assert math.isnan(found.lists["creator_gini@2"])


def test_diversity_is_of_the_vectors_that_the_set_carries(timed):
    train = timed([(0, 0, 0), (0, 1, 1), (0, 2, 2)]).with_vectors(
        "enc", np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
    )
    facts = ItemFacts.of(train, math.nan)
    target = Ragged.from_rows([[0]])
    across, alike = (
        figures_of("x", np.array([pair]), target, facts, 2).lists["diversity@2"]
        for pair in ([0, 1], [0, 2])
    )
    assert across == pytest.approx(1.0)
    assert alike == pytest.approx(0.0)


def test_which_lists_have_an_item():
    assert answered(np.array([[PAD, PAD], [PAD, 3], [1, 2]])).tolist() == [False, True, True]


def test_a_hit_is_any_target_among_the_first():
    targets = Ragged.from_rows([[5, 6], [7], []])
    ranks = np.array([metrics.MISS, 1, 2])
    assert metrics.hit(ranks, targets, 2).tolist()[:2] == [1.0, 0.0]
    assert math.isnan(metrics.hit(ranks, targets, 2)[2])
