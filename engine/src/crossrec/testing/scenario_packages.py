"""Conformance of scenario packages, against the right answers that their author knows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, ClassVar

import numpy as np

from crossrec.data.catalog import render
from crossrec.data.weights import event_weights
from crossrec.pipeline.config_files import load_config
from crossrec.plugins.registry import load_registry
from crossrec.testing.scenarios import ScenarioTests

_HEAVY = ("numpy", "pandas", "scipy", "torch")


class ScenarioPackageTests(ScenarioTests, kit=True):
    """`ScenarioTests`, and what this one scenario must declare.

    Attributes
    ----------
    default_event : str
    public_events : mapping of str to str
        A name of an event in public formats → the event's own name.
    unknown_events : sequence of str
        Names that must lead to no event.
    public_fields : mapping of str to str
        A column of public formats → the item field.
    public_user_fields : mapping of str to str
        A column of users tables of public formats → the user field.
    weights : mapping of str to mapping of value to weight
        What one event counts with each value; None where it has no value.
    ladders : sequence of tuples of str
        Events in the order of their weights, which rise strictly.
    never_again : set of str
        The events after which an item never comes back.
    texts : sequence of (record, text)
        Items, and the text that the template makes of each.
    surfaces : mapping of str to str
        Surface → its input.
    sources : tuple of str
        The sources of the default pipeline, in order.
    main_sources : tuple of str
        Labels of the sources that answer the main surface, and others of users that `own_sources`
        does not name; all where empty.
    own_sources : mapping of str to tuple of str
        Surface → the labels of the sources that answer there.
    importers : tuple of str
        All importers of the package.
    """

    default_event: ClassVar[str]
    public_events: ClassVar[Mapping[str, str]]
    unknown_events: ClassVar[Sequence[str]]
    public_fields: ClassVar[Mapping[str, str]] = {}
    public_user_fields: ClassVar[Mapping[str, str]] = {}
    weights: ClassVar[Mapping[str, Mapping[float | None, float]]]
    ladders: ClassVar[Sequence[tuple[str, ...]]]
    never_again: ClassVar[set[str]]
    texts: ClassVar[Sequence[tuple[Mapping[str, Any], str]]]
    surfaces: ClassVar[Mapping[str, str]]
    sources: ClassVar[tuple[str, ...]]
    main_sources: ClassVar[tuple[str, ...]] = ()
    own_sources: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    importers: ClassVar[tuple[str, ...]]

    def weight(self, name: str, value: float | None = None) -> float:
        """Return what one event of this name counts."""
        scenario = self.scenario()
        event = scenario.event(name)
        assert event is not None, f"no event is called {name!r}"
        types = np.array([scenario.events.index(event)])
        values = np.array([np.nan if value is None else value])
        return round(float(event_weights(types, values, scenario)[0]), 6)

    def test_the_default_event(self) -> None:
        """Events without a type are what they mostly are in this domain."""
        assert self.scenario().default_event == self.default_event

    def test_public_names_lead_to_events(self) -> None:
        """Exports of well-known systems can be read as they are."""
        for public, name in self.public_events.items():
            event = self.scenario().event(public)
            assert event is not None, f"no event is called {public!r}"
            assert event.name == name, f"{public!r} is taken for {event.name!r}"

    def test_unknown_names_lead_to_no_event(self) -> None:
        """A name that only resembles one of an event is not guessed."""
        for name in self.unknown_events:
            assert self.scenario().event(name) is None, name

    def test_public_columns_lead_to_fields(self) -> None:
        """Item tables of well-known systems can be read as they are."""
        fields = self.scenario().items.fields
        for public, name in self.public_fields.items():
            found = [field.name for field in fields if public in (field.name, *field.aliases)]
            assert found == [name], public

    def test_public_columns_lead_to_user_fields(self) -> None:
        """Users tables of well-known systems can be read as they are."""
        for public, name in self.public_user_fields.items():
            users = self.scenario().users
            found = [one.name for one in users if public in (one.name, *one.aliases)]
            assert found == [name], public

    def test_weights_of_single_events(self) -> None:
        """Stars, portions and seconds scale the strength; counts and money do not."""
        for name, expected in self.weights.items():
            assert {value: self.weight(name, value) for value in expected} == expected, name

    def test_ladders_rise(self) -> None:
        """What shows more interest weighs more."""
        for ladder in self.ladders:
            weights = [self.weight(name) for name in ladder]
            assert weights == sorted(set(weights)), dict(zip(ladder, weights))

    def test_what_never_comes_back(self) -> None:
        """Exactly these events remove an item for good."""
        hard = {event.name for event in self.scenario().events if event.consumes == "hard"}
        assert hard == self.never_again

    def test_texts_of_items(self) -> None:
        """The template writes items as they should be read, without gaps for empty fields."""
        template = self.scenario().items.text_template
        for record, text in self.texts:
            assert render(template, record) == text

    def test_title_categories_and_creator_are_fields(self) -> None:
        """All three roles of the schema are filled."""
        schema = self.scenario().items
        for name in (schema.title, schema.categories, schema.creator):
            assert schema.field(name) is not None, f"no field {name!r}"

    def test_exactly_these_surfaces(self) -> None:
        """Every surface is there under its name, and no other."""
        scenario = self.scenario()
        assert {surface.name: surface.input for surface in scenario.surfaces} == self.surfaces
        assert scenario.surface("no_such_surface") is None

    def test_the_default_pipeline_has_these_sources(self) -> None:
        """The sources in order, one encoder for all, and no popularity in "more like this"."""
        config = load_config(self.scenario())
        assert tuple(source.name for source in config.sources) == self.sources
        assert {name: one.input for name, one in config.surfaces.items()} == self.surfaces
        main_sources = self.main_sources or tuple(one.label for one in config.sources)
        assert config.history_of(self.scenario().main_surface) == "auto", "data decide what returns"
        for name, surface in config.surfaces.items():
            if name in self.own_sources:
                assert config.sources_of(name) == self.own_sources[name]
            elif surface.about_items:
                popular = [one for one in config.sources_of(name) if one.startswith("popularity")]
                assert not popular, f"{name} shows what is popular: {popular}"
            else:
                assert config.sources_of(name) == main_sources, name
        registry = load_registry()
        assert config.encoder in registry.names("encoders")
        installed = registry.names("candidate_generators")
        encoders = {source.settings.get("encoder") for source in config.sources}
        for source in config.sources:
            if source.name in installed:
                built = registry.get("candidate_generators", source.name).build(source.settings)
                encoders.add(getattr(getattr(built, "config", None), "encoder", None))
        assert encoders - {None} == {config.encoder}

    def test_registered_with_exactly_these_importers(self) -> None:
        """The registry hands out the one declared scenario and the package's importers."""
        registry, mine = load_registry(), self.registration()
        assert registry.scenario(mine.name) is self.scenario()
        found = [one for one in registry.all("importers") if one.plugin == mine.plugin]
        assert {one.name for one in found} == set(self.importers)
        for one in found:
            assert callable(one.build()), f"{one.name} is no importer"
            assert one.summary, f"{one.name} has no summary"

    def test_registering_is_light(self) -> None:
        """The plugin's module imports nothing heavy: every start of crossrec imports it."""
        plugins = entry_points(group="crossrec")
        (entry,) = (one for one in plugins if one.name == self.registration().plugin)
        code = f"import sys, {entry.module}; print(*sorted({{*{_HEAVY}}} & {{*sys.modules}}))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "", f"{entry.module} imports {done.stdout.strip()}"
