"""Costs of the sources: what they share is named, and what a setting saves is seen."""

from __future__ import annotations

from dataclasses import replace

from crossrec.components.cost import DatasetSize
from crossrec.components.run import RunOptions
from crossrec_backbone.sources.backbone import BackboneSource
from crossrec_backbone.sources.closed_forms import (
    ClosedFormConfig,
    PriorEaseSource,
    TextBehaviourSource,
)
from crossrec_backbone.sources.content import ContentSource
from crossrec_backbone.sources.costs import GRAPH, RELATIONS

RUN = RunOptions()
SIZE = DatasetSize(
    users=8_000,
    items=4_000,
    events=60_000,
    interactions=60_000,
    active_items=4_000,
    pairs=500_000,
    texts=4_000,
    characters=800_000,
)


def test_relating_texts_is_shared_by_all_sources() -> None:
    content, prior = ContentSource().estimate(SIZE, RUN), PriorEaseSource().estimate(SIZE, RUN)
    assert set(content.shared) == {RELATIONS}
    assert set(prior.shared) == {RELATIONS, GRAPH}
    both = content.plus(prior)
    assert both.total < content.total + prior.total
    assert both.total == content.seconds + prior.seconds + sum(prior.shared.values())


def test_choosing_the_weight_of_behaviour_costs_solves() -> None:
    chosen = TextBehaviourSource().estimate(SIZE, RUN)
    fixed = TextBehaviourSource(ClosedFormConfig(choose_kappa=False)).estimate(SIZE, RUN)
    assert chosen.seconds > 2 * fixed.seconds
    assert chosen.shared == fixed.shared


def test_items_without_events_cost_no_solve() -> None:
    quiet = replace(SIZE, active_items=10, pairs=100, interactions=20, events=20)
    assert PriorEaseSource().estimate(quiet, RUN).seconds < 0.1
    assert (
        PriorEaseSource().estimate(quiet, RUN).shared
        == PriorEaseSource().estimate(SIZE, RUN).shared
    )


def test_the_solve_stops_growing_at_its_largest_size() -> None:
    one, two = (
        PriorEaseSource().estimate(replace(SIZE, items=50_000, active_items=n), RUN)
        for n in (8_000, 50_000)
    )
    assert one == two


def test_a_pair_that_comes_again_costs_little() -> None:
    """Long histories of few items count the same pairs again and again, as films are seen."""
    few, every, again = (
        BackboneSource().estimate(replace(SIZE, pairs=pairs), RUN).seconds
        for pairs in (500_000, 4_000**2, 20 * 4_000**2)
    )
    assert few < every < again
    assert again - every < every - few


def test_the_quick_backbone_learns_no_trees() -> None:
    quick, standard = (
        BackboneSource().estimate(SIZE, replace(RUN, effort=effort))
        for effort in ("quick", "standard")
    )
    assert quick.seconds < standard.seconds / 2
    assert quick.memory <= standard.memory
