"""The kit passes right surfaces, and a planted violation of each kind makes it fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.policies import Availability
from crossrec.components.policy_context import PolicyContext
from crossrec.components.query import QueryBatch
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.pipeline.config import PipelineConfig
from crossrec.plugins.found import FoundPlugin, find_plugins
from crossrec.plugins.loader import load_plugins
from crossrec.plugins.registration import Registration
from crossrec.plugins.registry import Registry
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface
from crossrec.testing import SurfaceTests
from crossrec.testing.random_requests import N_ITEMS, fitted_on_random_events, random_case
from crossrec.testing.toy_sources import Popular, Together, plugin

SHOP = Scenario(
    name="toy",
    summary="a toy shop",
    events=(
        EventType("view"),
        EventType("buy", strength=3.0, consumes="hard"),
        EventType("dislike", kind="explicit", polarity=-1, strength=-1.0, consumes="hard"),
        EventType(
            "ban", kind="explicit", polarity=-1, strength=-2.0, consumes="hard", relation="maker"
        ),
    ),
    items=ItemSchema(
        (
            ItemField("title"),
            ItemField("maker", "category"),
            ItemField("is_hidden", "flag"),
            ItemField("availability", "category"),
            ItemField("content_classification", "category"),
        ),
        "{title}",
        categories="",
        creator="maker",
    ),
    surfaces=(Surface("home"), Surface("alike", "item"), Surface("top", "nothing")),
    pipeline="",
    default_event="view",
    main_surface="home",
    relations=(Relation("maker", "maker"),),
)
CAP = {"name": "attribute_cap", "settings": {"field": "maker", "most": 1}}
GAP = {"name": "attribute_gap", "settings": {"field": "maker", "gap": 2}}
RULES: tuple[Any, ...] = ("availability", "rights", CAP)
SOURCES = ("popular", "together")


class Backwards:
    """Turns the pool round, whatever stood before it."""

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        order = np.arange(len(ranked))[::-1]
        if not len(ranked):
            return ranked
        return ranked.take(order, PolicyChange(int(ranked.index[-1]), "moved", "turned"))


class PutsInAnything:
    """Puts all items into the list, also those that the person refused or has."""

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        index = np.arange(len(context.items))
        new = [PolicyChange(int(one), "inserted", "anything") for one in index]
        whole = Ranked.of(index, np.linspace(1.0, 0.1, len(index)))
        return replace(whole, changes=(*ranked.changes, *new))


class ThrowsDice:
    """Draws by a generator of its own."""

    dice = np.random.default_rng(0)

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        if len(ranked) < 2:
            return ranked
        order = self.dice.permutation(len(ranked))
        return ranked.take(order, PolicyChange(int(ranked.index[0]), "moved", "diced"))


class Twice:
    """Shows the first item twice."""

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        return ranked.take(np.r_[0, np.arange(len(ranked))]) if len(ranked) else ranked


class ByRow(Popular):
    """Gives each query of a batch another order."""

    def scores(self, queries: QueryBatch) -> Any:
        found = super().scores(queries) + 1.0
        rows = [np.roll(row, 11 * at) for at, row in enumerate(found)]
        return np.array(rows, dtype=np.float32)


class Shameless(Popular):
    """Proposes what it likes, also what is excluded."""

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        n = len(queries)
        index = np.tile(np.arange(min(k, N_ITEMS)), (n, 1))
        return Candidates(index, np.tile(-index[:1].astype(np.float32), (n, 1)), "shameless")


def registry() -> Registry:
    """Return toy sources, faulty ones, and the installed policies."""
    policies = {
        "backwards": Backwards,
        "anything": PutsInAnything,
        "dice": ThrowsDice,
        "twice": Twice,
    }
    sources = {"popular": Popular, "together": Together, "by-row": ByRow, "shameless": Shameless}
    toys = plugin(candidate_generators=sources, policies=policies)
    engine, *others = find_plugins()
    beside = [one for one in others if one.name == "policies"]
    return Registry(
        load_plugins([engine, *beside, FoundPlugin("toy", "toy", "1", lambda: toys)], strict=True)
    )


REGISTRY = registry()


def kit_for(
    scenario: Scenario = SHOP,
    policies: tuple[Any, ...] = RULES,
    sources: tuple[str, ...] = SOURCES,
    **surface: Mapping[str, Any],
) -> SurfaceTests:
    """Return the kit for a shop with this pipeline."""
    surfaces = {
        one.name: {"input": one.input, "k": one.k, **surface.get(one.name, {})}
        for one in scenario.surfaces
    }
    values = {
        "sources": list(sources),
        "policies": list(policies),
        "surfaces": surfaces,
        "ranker": "rrf",
    }

    class Mine(SurfaceTests):
        registered = Registration("scenarios", "toy", lambda: scenario, summary="a shop")

        def config(self) -> PipelineConfig:
            return PipelineConfig.model_validate(values)

        def registry(self) -> Registry:
            return REGISTRY

    return Mine()


TESTS = [name for name in vars(SurfaceTests) if name.startswith("test")]


@pytest.mark.parametrize("test", TESTS)
def test_a_right_shop_passes(test: str) -> None:
    getattr(kit_for(), test)()


def test_a_right_gap_passes() -> None:
    kit_for(policies=("availability", "rights", GAP)).test_caps_and_gaps_hold()


#: What is wrong → the kit for it, the test that finds it, and what that says.
PLANTED: dict[str, tuple[SurfaceTests, str, str]] = {
    "no policy of availability": (
        kit_for(policies=("rights",)),
        "test_nothing_that_cannot_be_had",
        "shows what cannot be had",
    ),
    "one surface without it": (
        kit_for(top={"policies": ["rights"]}),
        "test_nothing_that_cannot_be_had",
        "top shows what cannot be had",
    ),
    "no policy of rights": (
        kit_for(policies=("availability",)),
        "test_nothing_that_may_not_be_seen",
        "shows what may not be seen",
    ),
    "a policy that puts in what was refused": (
        kit_for(policies=("anything",)),
        "test_k_distinct_items_or_a_reason",
        "excluded for this user",
    ),
    "a policy that undoes a cap": (
        kit_for(policies=(CAP, "backwards")),
        "test_caps_and_gaps_hold",
        "attribute_cap does not hold",
    ),
    "a policy that undoes a gap": (
        kit_for(policies=(GAP, "dice")),
        "test_caps_and_gaps_hold",
        "attribute_gap does not hold",
    ),
    "a policy that shows an item twice": (
        kit_for(policies=("twice",)),
        "test_k_distinct_items_or_a_reason",
        "an item twice",
    ),
    "a source that proposes what is excluded": (
        kit_for(sources=("shameless", "popular")),
        "test_k_distinct_items_or_a_reason",
        "shameless",
    ),
    "a source that looks at its place in the batch": (
        kit_for(sources=("by-row",)),
        "test_alone_as_in_a_batch",
        "depends on the batch",
    ),
    "a policy with dice of its own": (
        kit_for(policies=("dice",)),
        "test_the_same_request_gets_the_same_list",
        "changes by itself",
    ),
}


@pytest.mark.parametrize("name", list(PLANTED))
def test_a_planted_violation_is_found(name: str) -> None:
    kit, test, says = PLANTED[name]
    with pytest.raises(AssertionError, match=says):
        getattr(kit, test)()


def test_what_an_engine_forgets_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Effects of the past that are not applied: refused, banned and bought items come back."""
    from crossrec.testing import random_requests

    blind = replace(SHOP, events=tuple(
        replace(one, consumes="none", kind="implicit", relation="") for one in SHOP.events
    ))  # fmt: skip
    real = random_requests.EventEffects.of
    monkeypatch.setattr(random_requests.EventEffects, "of", lambda scenario: real(blind))
    kit = kit_for(policies=())
    for test, says in (
        ("test_nothing_that_was_refused", "shows what was refused"),
        ("test_nothing_that_is_done_with", "shows what is consumed"),
    ):
        with pytest.raises(AssertionError, match=says):
            getattr(kit, test)()


def test_the_right_answers_follow_from_the_declarations() -> None:
    """Refused is what was disliked, and everything by a banned maker; bought is what was bought."""
    pipeline = fitted_on_random_events(SHOP, kit_for().config(), REGISTRY)
    banned = 0
    for seed in range(30):
        case = random_case(pipeline, SHOP, seed)
        past = case.user.past
        kinds = [SHOP.events[at].name for at in past.types.tolist()]
        makers = {row["maker"] for row in (
            case.rows[int(item[1:])] for item, kind in zip(past.item_ids, kinds) if kind == "ban"
        )}  # fmt: skip
        disliked = {item for item, kind in zip(past.item_ids, kinds) if kind == "dislike"}
        by_banned = {f"i{at}" for at, row in enumerate(case.rows) if row["maker"] in makers}
        assert case.refused == disliked | by_banned
        assert case.had == {item for item, kind in zip(past.item_ids, kinds) if kind == "buy"}
        banned += len(by_banned) > 1
        same = random_case(pipeline, SHOP, seed)
        assert (same.rows, same.refused) == (case.rows, case.refused)
    assert banned > 5


def test_what_cannot_be_had_agrees_with_the_engine() -> None:
    """Two independent readings of the same fields."""
    pipeline = fitted_on_random_events(SHOP, kit_for().config(), REGISTRY)
    for seed in range(20):
        case = random_case(pipeline, SHOP, seed)
        items = case.serving.items
        context = PolicyContext(
            query=case.query("home", np.random.default_rng(0)),
            user=case.user,
            surface="home",
            items=items,
            now=1_700_000_000.0,
            seed=1,
            k=10,
            event_types=(),
            people=pipeline.people,
        )
        barred = Availability().bars(np.arange(N_ITEMS), context)
        assert barred.tolist() == [case.cannot_be_had(f"i{at}") for at in range(N_ITEMS)]
