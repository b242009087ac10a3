"""The kit finds what does not hold together in a scenario's declaration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from crossrec.errors import ConfigError
from crossrec.ingest.frames import Frames
from crossrec.pipeline.config_files import parse_config
from crossrec.plugins.registration import Registration
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface
from crossrec.testing import ScenarioTests
from crossrec.testing.scenarios import check_plans

RIGHT = Scenario(
    name="toy",
    summary="a small scenario",
    events=(
        EventType("view", aliases=("click", "page-view")),
        EventType("rating", value="rating", value_range=(1, 5), strength=2.0),
        EventType("watch", value="seconds", value_cap=30.0),
        EventType("hide", polarity=-1, strength=-1.0, consumes="soft", half_life_days=3.0),
        EventType("seen", polarity=0, strength=0.0),
    ),
    items=ItemSchema(
        fields=(ItemField("title"), ItemField("categories", aliases=("genre",)), ItemField("by")),
        text_template="{title}. {categories}. {by}",
        creator="by",
    ),
    surfaces=(Surface("home"), Surface("like_this", "item")),
    pipeline="no_such_package_of_toys:pipeline.toml",
    default_event="view",
    main_surface="home",
    relations=(Relation("maker", "by"),),
)


def events(**columns: Any) -> pd.DataFrame:
    n = 600
    base = {
        "user_id": [f"u{i % 20}" for i in range(n)],
        "item_id": [f"i{i % 60}" for i in range(n)],
        "event_type": ["view"] * n,
        "time": [float(i) for i in range(n)],
    }
    return pd.DataFrame({**base, **columns})


def items(**columns: Any) -> pd.DataFrame:
    base = {
        "item_id": [f"i{i}" for i in range(60)],
        "title": [f"Title {i}" for i in range(60)],
        "categories": [["a"]] * 60,
    }
    return pd.DataFrame({**base, **columns})


def demo(**parts: Any) -> Any:
    whole = {"items": items(), "events": events(), "has_clock": True, "note": "generated", **parts}
    return lambda seed: Frames(**whole)


def kit_for(scenario: Scenario, name: str = "toy") -> ScenarioTests:
    one = Registration("scenarios", name, lambda: scenario, summary="toy")
    return type("T", (ScenarioTests,), {"registered": one})()


def with_event(event: EventType) -> Scenario:
    return replace(RIGHT, events=(*RIGHT.events, event))


def with_field(field: ItemField) -> Scenario:
    return replace(RIGHT, items=replace(RIGHT.items, fields=(*RIGHT.items.fields, field)))


NAMES = "test_event_names_are_distinct"
VALUES = "test_values_have_what_they_need"
FIELDS = "test_fields_are_distinct_and_used"
DEMO = "test_the_demo_is_data_of_this_scenario"
FAULTS: dict[str, tuple[Scenario, str]] = {
    "no events": (replace(RIGHT, events=()), NAMES),
    "an alias used twice": (with_event(EventType("open", aliases=("page view",))), NAMES),
    "an alias that is a name": (with_event(EventType("open", aliases=("VIEW",))), NAMES),
    "a dislike that counts for": (
        with_event(EventType("ban", polarity=-1)),
        "test_strength_and_polarity_agree",
    ),
    "a rating without a range": (with_event(EventType("stars", value="rating")), VALUES),
    "a range upside down": (
        with_event(EventType("stars", value="rating", value_range=(5, 1))),
        VALUES,
    ),
    "seconds without a cap": (with_event(EventType("dwell", value="seconds")), VALUES),
    "a range without a rating": (with_event(EventType("stars", value_range=(1, 5))), VALUES),
    "a cap without seconds": (with_event(EventType("dwell", value_cap=30.0)), VALUES),
    "a cap of nothing": (with_event(EventType("dwell", value="seconds", value_cap=0.0)), VALUES),
    "consumed for how long": (with_event(EventType("eat", consumes="soft")), VALUES),
    "a half-life of nothing": (
        with_event(EventType("eat", consumes="soft", half_life_days=0.0)),
        VALUES,
    ),
    "a half-life without consumption": (with_event(EventType("eat", half_life_days=1.0)), VALUES),
    "a default that is unknown": (
        replace(RIGHT, default_event="buy"),
        "test_the_default_event_exists",
    ),
    "a default that counts against": (
        replace(RIGHT, default_event="hide"),
        "test_the_default_event_exists",
    ),
    "a default by its alias": (
        replace(RIGHT, default_event="click"),
        "test_the_default_event_exists",
    ),
    "an alias that repeats its own name": (with_event(EventType("fly", aliases=("Fly",))), NAMES),
    "a field twice": (with_field(ItemField("Genre")), FIELDS),
    "a field that no filter can name": (
        with_field(ItemField("two words")),
        "test_every_field_may_be_filtered",
    ),
    "a template of unknown fields": (
        replace(RIGHT, items=replace(RIGHT.items, text_template="{titel}")),
        FIELDS,
    ),
    "a template without fields": (
        replace(RIGHT, items=replace(RIGHT.items, text_template="item")),
        FIELDS,
    ),
    "a creator that is no field": (
        replace(RIGHT, items=replace(RIGHT.items, creator="brand")),
        FIELDS,
    ),
    "a relation over no field": (replace(RIGHT, relations=(Relation("r", "series"),)), FIELDS),
    "no such main surface": (replace(RIGHT, main_surface="feed"), "test_surfaces"),
    "a main surface about items": (replace(RIGHT, main_surface="like_this"), "test_surfaces"),
    "no item surface": (replace(RIGHT, surfaces=RIGHT.surfaces[:1]), "test_surfaces"),
    "an unknown metric": (
        replace(RIGHT, metrics=("Recall at 10",)),
        "test_metrics_are_well_formed",
    ),
    "no metric": (replace(RIGHT, metrics=()), "test_metrics_are_well_formed"),
    "demo events of unknown type": (
        replace(RIGHT, demo=demo(events=events(event_type=["fly"] * 600))),
        DEMO,
    ),
    "demo events of unknown items": (
        replace(RIGHT, demo=demo(events=events(item_id=["zz"] * 600))),
        DEMO,
    ),
    "demo items twice": (replace(RIGHT, demo=demo(items=items(item_id=["i1"] * 60))), DEMO),
    "demo columns outside the schema": (
        replace(RIGHT, demo=demo(items=items(colour=["red"] * 60))),
        DEMO,
    ),
    "demo without a note": (replace(RIGHT, demo=demo(note="")), DEMO),
    "demo with times but no clock": (replace(RIGHT, demo=demo(has_clock=False)), DEMO),
    "demo without titles": (
        replace(RIGHT, demo=demo(items=items(title=[""] * 60))),
        "test_the_demo_has_texts",
    ),
    "demo without categories": (
        replace(RIGHT, demo=demo(items=items(categories=[[]] * 60))),
        "test_the_demo_has_texts",
    ),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_what_does_not_hold_together_is_found(name: str) -> None:
    scenario, test = FAULTS[name]
    getattr(kit_for(replace(RIGHT, demo=demo())), test)()
    with pytest.raises(AssertionError):
        getattr(kit_for(scenario), test)()


@pytest.mark.parametrize(
    "test",
    [
        name
        for name in dir(ScenarioTests)
        if name.startswith("test_") and "pipeline" not in name and "setting" not in name
        if "capabilities" not in name
    ],
)
def test_a_right_scenario_passes(test: str) -> None:
    getattr(kit_for(replace(RIGHT, demo=demo())), test)()


def test_a_name_that_differs_from_the_registered_one_is_found() -> None:
    with pytest.raises(AssertionError):
        kit_for(RIGHT, name="other").test_its_name_is_the_registered_one()


def test_a_missing_pipeline_file_is_found() -> None:
    with pytest.raises(ConfigError, match=r"no_such_package_of_toys.* cannot be read"):
        kit_for(RIGHT).test_the_default_pipeline_is_complete()


def test_a_demo_of_another_kind_each_time_is_found() -> None:
    calls = iter(range(10))
    changing = replace(
        RIGHT, demo=lambda seed: Frames(events=events(time=[next(calls)] * 600), note="x")
    )
    with pytest.raises(AssertionError):
        kit_for(changing).test_the_demo_is_the_same_for_the_same_seed()


def test_a_scenario_without_a_demo_is_skipped() -> None:
    with pytest.raises(pytest.skip.Exception, match="no demo data"):
        kit_for(RIGHT).test_the_demo_has_texts()


PLANS = {
    "answers of no field": ({"answers": "brand"}, "answers with 'brand', which is no field"),
    "rows without a heading": ({"rows": {}}, "has rows, and no heading with {titles}"),
    "a heading without titles": ({"rows": {}, "heading": "for you"}, "no heading with {titles}"),
    "a given order of nothing": ({"fallback": ["given"]}, "falls back on a list, and is given"),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_that_says_nothing_is_found(name: str) -> None:
    plan, message = PLANS[name]
    config = parse_config({"sources": [{"name": "popular"}], "surfaces": {"home": plan}}, "test")
    with pytest.raises(AssertionError, match=message):
        check_plans(RIGHT, config)


def test_right_plans_pass() -> None:
    surfaces = {
        "home": {},
        "makers": {"answers": "by"},
        "because": {"rows": {}, "heading": "because of {titles}"},
        "picks": {"input": "list", "fallback": ["given"]},
    }
    check_plans(RIGHT, parse_config({"sources": [{"name": "p"}], "surfaces": surfaces}, "test"))
