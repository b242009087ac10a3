"""Conformance of scenario packages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import pytest

from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.ingest.frames import Frames
from crossrec.pipeline.config import load_config
from crossrec.plugins.registration import resolve
from crossrec.plugins.registry import load_registry
from crossrec.scenario import Scenario
from crossrec.testing.base import Conformance

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_METRIC = re.compile(r"[a-z_]+(@[1-9][0-9]*)?")


class ScenarioTests(Conformance, kit=True):
    """What every scenario package must declare, and that what it declares holds together."""

    kind: ClassVar[str] = "scenarios"

    def scenario(self) -> Scenario:
        """Return the declared scenario."""
        scenario = self.build()
        assert isinstance(scenario, Scenario)
        return scenario

    def test_its_name_is_the_registered_one(self) -> None:
        """Name and summary are given, and the name can be typed."""
        scenario = self.scenario()
        assert scenario.name == self.registration().name
        assert re.fullmatch(r"[a-z][a-z0-9-]*", scenario.name)
        assert scenario.summary.strip()

    def test_event_names_are_distinct(self) -> None:
        """No event is called by a name or alias of another."""
        events = self.scenario().events
        assert events
        check_distinct((event.name, *event.aliases) for event in events)

    def test_every_event_is_found_by_its_names(self) -> None:
        """Names and aliases lead to the event, however they are written."""
        scenario = self.scenario()
        for event in scenario.events:
            for name in (event.name, *event.aliases):
                assert scenario.event(name.upper().replace("_", "-")) is event

    def test_strength_and_polarity_agree(self) -> None:
        """For, against or neither: the sign of the strength says the same as the polarity."""
        for event in self.scenario().events:
            assert np.sign(event.strength) == event.polarity, event.name

    def test_values_have_what_they_need(self) -> None:
        """Ratings have a range, seconds a cap, soft consumption a half-life."""
        for event in self.scenario().events:
            if event.value == "rating":
                assert event.value_range is not None, event.name
                assert event.value_range[0] < event.value_range[1], event.name
            if event.value == "seconds":
                assert (event.value_cap or 0) > 0, event.name
            if event.consumes == "soft":
                assert (event.half_life_days or 0) > 0, event.name

    def test_the_default_event_exists(self) -> None:
        """Events without a type count as a positive one."""
        scenario = self.scenario()
        event = scenario.event(scenario.default_event)
        assert event is not None
        assert event.name == scenario.default_event
        assert event.strength > 0

    def test_fields_are_distinct_and_used(self) -> None:
        """The template, title, categories, creator and relations name fields of the schema."""
        scenario = self.scenario()
        schema = scenario.items
        check_distinct((field.name, *field.aliases) for field in schema.fields)
        names = {field.name for field in schema.fields}
        used = set(_PLACEHOLDER.findall(schema.text_template))
        assert used, "the text template names no field"
        roles = {schema.title, schema.categories, schema.creator} - {""}
        relations = {relation.field for relation in scenario.relations}
        for wanted in (used, roles, relations):
            assert wanted <= names, f"no such field: {sorted(wanted - names)}"

    def test_surfaces(self) -> None:
        """There is a main surface for users and one that is about an item."""
        scenario = self.scenario()
        check_distinct((surface.name,) for surface in scenario.surfaces)
        main = scenario.surface(scenario.main_surface)
        assert main is not None
        assert main.input == "user"
        assert any(surface.input == "item" for surface in scenario.surfaces)
        for surface in scenario.surfaces:
            assert surface.k >= 1
            assert "x" in surface.reason.format(because="x"), surface.name

    def test_metrics_are_well_formed(self) -> None:
        """Metrics look like ``recall@10``."""
        metrics = self.scenario().metrics
        assert metrics
        assert all(_METRIC.fullmatch(metric) for metric in metrics)

    def test_the_default_pipeline_is_complete(self) -> None:
        """The pipeline file is there, is valid, and names only what is installed."""
        config = load_config(self.scenario())
        registry = load_registry()
        for source in config.sources:
            registry.get("candidate_generators", source.name).build(dict(source.settings))
        for policy in config.policies:
            registry.get("policies", policy.name).build(dict(policy.settings))
        if config.encoder:
            registry.get("encoders", config.encoder)
        if config.ranker != "auto":
            registry.get("rankers", config.ranker)

    def demo(self, seed: int = 0) -> Frames:
        """Return the generated demo data."""
        scenario = self.scenario()
        if scenario.demo is None:
            pytest.skip("has no demo data")
        frames = resolve(scenario.demo)(seed)
        assert isinstance(frames, Frames)
        return frames

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
        strange = set(items.columns) - fields - {"item_id"}
        assert not strange, f"columns outside the schema: {sorted(strange)}"
        assert frames.has_clock == ("time" in events)

    def test_the_demo_has_texts(self) -> None:
        """Nearly every item has a title, and texts tell items apart."""
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
        one, same = self.demo(3), self.demo(3)
        assert one.events is not None
        assert same.events is not None
        assert one.events.equals(same.events)


def check_distinct(groups: Iterable[Iterable[str]]) -> None:
    """Assert that no name occurs in two groups, however it is written."""
    seen: dict[str, int] = {}
    for number, group in enumerate(groups):
        for name in group:
            plain = name.strip().lower().replace("-", "_").replace(" ", "_")
            assert seen.setdefault(plain, number) == number, f"{name!r} is used twice"
