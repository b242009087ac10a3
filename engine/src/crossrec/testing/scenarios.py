"""Conformance of scenario packages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import pytest

from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import UsageError
from crossrec.expressions import Scope, parse_expression
from crossrec.expressions.values import TRUE
from crossrec.ingest.frames import Frames
from crossrec.pipeline.config import GIVEN, PipelineConfig
from crossrec.pipeline.config_files import load_config
from crossrec.pipeline.with_backbone import BACKBONE, why_no_backbone, with_backbone
from crossrec.plugins.registration import resolve
from crossrec.plugins.registry import load_registry
from crossrec.scenario import Scenario
from crossrec.testing.base import Conformance
from crossrec.testing.demo_data import demo_frames

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_METRIC = re.compile(r"[a-z_]+(@[1-9][0-9]*)?")


class ScenarioTests(Conformance, kit=True):
    """What every scenario must declare, and that its declarations are consistent."""

    kind: ClassVar[str] = "scenarios"

    def scenario(self) -> Scenario:
        """Return the declared scenario."""
        scenario = self.build()
        assert isinstance(scenario, Scenario)
        return scenario

    def test_its_name_is_the_registered_one(self) -> None:
        """Name and summary are given, and the name is lower case and easy to type."""
        scenario = self.scenario()
        assert scenario.name == self.registration().name
        assert re.fullmatch(r"[a-z][a-z0-9-]*", scenario.name)
        assert scenario.summary.strip()

    def test_event_names_are_distinct(self) -> None:
        """No name or alias is given twice."""
        events = self.scenario().events
        assert events
        check_distinct(name for event in events for name in (event.name, *event.aliases))

    def test_every_event_is_found_by_its_names(self) -> None:
        """Names and aliases lead to the event in any spelling."""
        scenario = self.scenario()
        for event in scenario.events:
            for name in (event.name, *event.aliases):
                assert scenario.event(name.upper().replace("_", "-")) is event

    def test_strength_and_polarity_agree(self) -> None:
        """The sign of the strength is the polarity."""
        for event in self.scenario().events:
            assert np.sign(event.strength) == event.polarity, event.name

    def test_values_have_what_they_need(self) -> None:
        """Ratings have a range, seconds a cap, soft consumption a half-life, and nothing else."""
        for event in self.scenario().events:
            assert (event.value_range is not None) == (event.value == "rating"), event.name
            assert (event.value_cap is not None) == (event.value == "seconds"), event.name
            assert (event.half_life_days is not None) == (event.consumes == "soft"), event.name
            if event.value_range is not None:
                assert event.value_range[0] < event.value_range[1], event.name
            assert event.value_cap is None or event.value_cap > 0, event.name
            assert event.half_life_days is None or event.half_life_days > 0, event.name

    def test_every_field_may_be_filtered(self) -> None:
        """Every declared field is a name that filters can read, of an item and of a history."""
        scenario = self.scenario()
        empty = Catalog.from_records(Vocabulary(["a"]), {"a": {}}, scenario.items)
        items = LiveItems(empty, scenario.items)
        for field in scenario.items.fields:
            for root in ("item", "history"):
                try:
                    condition = parse_expression(f"{root}.{field.name} IS NULL")
                    condition.check(items)
                except UsageError as error:
                    raise AssertionError(str(error)) from None
                assert condition.true(Scope(items, 0.0)).tolist() == [TRUE], field.name

    def test_the_default_event_exists(self) -> None:
        """Events without a type count as a positive one, named by its own name."""
        scenario = self.scenario()
        event = scenario.event(scenario.default_event)
        assert event is not None
        assert event.name == scenario.default_event
        assert event.strength > 0

    def test_fields_are_distinct_and_used(self) -> None:
        """The template, title, categories, creator and relations name fields of the schema."""
        scenario = self.scenario()
        schema = scenario.items
        check_distinct(name for field in schema.fields for name in (field.name, *field.aliases))
        names = {field.name for field in schema.fields}
        used = set(_PLACEHOLDER.findall(schema.text_template))
        assert used, "the text template names no field"
        roles = {schema.title, schema.categories, schema.creator} - {""}
        relations = {relation.field for relation in scenario.relations}
        for wanted in (used, roles, relations):
            assert wanted <= names, f"no such field: {sorted(wanted - names)}"

    def test_user_fields_are_distinct(self) -> None:
        """No name or alias is given twice, and none is that of the id."""
        fields = self.scenario().users
        check_distinct(name for one in fields for name in (one.name, *one.aliases))
        assert not {"user_id", "id"} & {name for one in fields for name in (one.name, *one.aliases)}

    def test_surfaces(self) -> None:
        """There is a main surface for users and one for items."""
        scenario = self.scenario()
        check_distinct(surface.name for surface in scenario.surfaces)
        main = scenario.surface(scenario.main_surface)
        assert main is not None
        assert main.input == "user"
        assert any(surface.input == "item" for surface in scenario.surfaces)
        for surface in scenario.surfaces:
            assert surface.k >= 1

    def test_metrics_are_well_formed(self) -> None:
        """Metrics look like ``recall@10``."""
        metrics = self.scenario().metrics
        assert metrics
        assert all(_METRIC.fullmatch(metric) for metric in metrics)

    def test_a_backbone_joins_the_main_surface_of_the_default_pipeline(self) -> None:
        """The main surface lists no sources, so what a workspace has pretrained answers on it too.

        Sources of other surfaces are ``listed_only``, so that they stay out of it.
        """
        scenario = self.scenario()
        config = load_config(scenario)
        if why_no_backbone(config):
            pytest.skip("the default pipeline takes no backbone")
        joined = with_backbone(config, "any", scenario.name).sources_of(scenario.main_surface)
        before = config.sources_of(scenario.main_surface)
        assert joined == (BACKBONE, *before), f"{scenario.main_surface} lists its sources"

    def test_the_default_pipeline_is_complete(self) -> None:
        """The pipeline file exists, is valid and names only installed components."""
        config = load_config(self.scenario())
        registry = load_registry()
        for source in config.sources:
            registry.get("candidate_generators", source.name).build(dict(source.settings))
        for policy in config.policies:
            registry.get("policies", policy.name).build(dict(policy.settings))
        for features in config.features:
            registry.get("features", features.name).build(dict(features.settings))
        registry.get("language_models", config.wording.language_model)
        if config.encoder:
            registry.get("encoders", config.encoder)
        if config.ranker != "auto":
            registry.get("rankers", config.ranker)

    def test_the_default_pipeline_says_what_its_surfaces_show(self) -> None:
        """Answers are values of declared fields, rows have headings, given orders are given."""
        check_plans(self.scenario(), load_config(self.scenario()))

    def demo(self) -> Frames:
        """Return the demo data of seed 0, generated once."""
        if self.scenario().demo is None:
            pytest.skip("has no demo data")
        return demo_frames(self.registration(), 0)

    def test_the_demo_is_data_of_this_scenario(self) -> None:
        """Generated events have known types, known items and valid times."""
        frames, scenario = self.demo(), self.scenario()
        items, events = frames.items, frames.events
        assert items is not None
        assert events is not None
        assert len(items) >= 50
        assert len(events) >= 500
        assert frames.note.strip()
        assert not items["item_id"].duplicated().any()
        assert not events[["user_id", "item_id"]].isna().any().any()
        assert set(events["item_id"]) <= set(items["item_id"])
        if "event_type" in events:
            unknown = {name for name in set(events["event_type"]) if not scenario.event(name)}
            assert not unknown, f"unknown event types {sorted(unknown)}"
        fields = {field.name for field in scenario.items.fields}
        extra = set(items.columns) - fields - {"item_id"}
        assert not extra, f"columns that are not in the schema: {sorted(extra)}"
        assert frames.has_clock == ("time" in events)

    def test_the_demo_has_texts(self) -> None:
        """Nearly every item has a title, and texts distinguish items."""
        frames = self.demo()
        assert frames.items is not None
        records = frames.items.to_dict("records")
        by_id: dict[str, Any] = {str(row["item_id"]): row for row in records}
        catalog = Catalog.from_records(Vocabulary(by_id), by_id, self.scenario().items)
        assert sum(bool(title) for title in catalog.titles) >= 0.9 * len(catalog)
        assert len(set(catalog.texts)) > 0.1 * len(catalog)
        assert all(catalog.categories), "an item without a category"

    def test_the_demo_is_the_same_for_the_same_seed(self) -> None:
        """One seed, one data set."""
        first, demo = self.demo().events, self.scenario().demo
        assert demo is not None
        again = resolve(demo)(0).events
        assert first is not None
        assert again is not None
        assert first.equals(again)


def check_plans(scenario: Scenario, config: PipelineConfig) -> None:
    """Complain of surfaces whose plan names no field, no heading or no list."""
    for name, plan in config.surfaces.items():
        known = not plan.answers or scenario.items.field(plan.answers) is not None
        assert known, f"{name} answers with {plan.answers!r}, which is no field"
        titled = plan.rows is None or "{titles}" in plan.heading
        assert titled, f"{name} has rows, and no heading with {{titles}}"
        given = GIVEN not in plan.fallback or plan.input in ("list", "entity")
        assert given, f"{name} falls back on a list, and is given none"


def check_distinct(names: Iterable[str]) -> None:
    """Assert that no name is given twice, however it is written."""
    seen: set[str] = set()
    for name in names:
        plain = name.strip().lower().replace("-", "_").replace(" ", "_")
        assert plain not in seen, f"{name!r} is used twice"
        seen.add(plain)
