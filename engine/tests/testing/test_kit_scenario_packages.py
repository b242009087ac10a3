"""The kit compares a scenario with the answers of its author and finds every difference."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from crossrec.errors import ConfigError
from crossrec.plugins.registration import Registration
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.testing import ScenarioPackageTests
from crossrec.testing import scenario_packages as module
from crossrec.testing.toy_sources import registry_of

SCENARIO = Scenario(
    name="toy",
    summary="a small scenario",
    events=(
        EventType("view", aliases=("click",)),
        EventType("buy", strength=4.0, value="money", consumes="hard"),
        EventType("stars", strength=2.0, value="rating", value_range=(1, 5)),
        EventType("hide", polarity=-1, strength=-1.0),
    ),
    items=ItemSchema(
        (ItemField("title", aliases=("name",)), ItemField("categories"), ItemField("by")),
        "{title}. {by}",
        creator="by",
    ),
    surfaces=(Surface("home"), Surface("like_this", "item")),
    pipeline="toy_scenario_resources:pipeline.toml",
    default_event="view",
    main_surface="home",
)
PIPELINE = """
encoder = "letters"
item_sources = ["content"]
[[sources]]
name = "content"
settings = { encoder = "letters" }
[[sources]]
name = "popularity"
"""
ANSWERS: dict[str, Any] = {
    "default_event": "view",
    "public_events": {"click": "view", "VIEW": "view", "Buy": "buy"},
    "unknown_events": ("", "viewing"),
    "public_fields": {"name": "title", "by": "by"},
    "weights": {"stars": {1: -2, 3: 0, 5: 2}, "buy": {99.5: 4, None: 4}},
    "ladders": (("hide", "view", "buy"),),
    "never_again": {"buy"},
    "texts": (({"title": "Rake", "by": "Ann"}, "Rake. Ann"), ({}, "")),
    "surfaces": {"home": "user", "like_this": "item"},
    "sources": ("content", "popularity"),
    "importers": ("toy-files",),
}


def importer() -> Any:
    """Read a toy's files."""
    return lambda folder: None


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the scenario's pipeline file, an encoder and an importer; return the file."""
    package = tmp_path / "toy_scenario_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pipeline.toml").write_text(PIPELINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "toy_scenario_resources", raising=False)
    registry = registry_of(
        scenarios={"toy": lambda: SCENARIO},
        importers={"toy-files": importer},
        encoders={"letters": object, "words": object},
    )
    monkeypatch.setattr(module, "load_registry", lambda: registry)
    return package / "pipeline.toml"


def kit_for(scenario: Scenario = SCENARIO, **answers: Any) -> ScenarioPackageTests:
    one = Registration("scenarios", "toy", lambda: scenario, summary="toy", plugin="toy")
    kit: ScenarioPackageTests = type(
        "T", (ScenarioPackageTests,), {"registered": one, **ANSWERS, **answers}
    )()
    return kit


OWN = [name for name in vars(ScenarioPackageTests) if name.startswith("test_")]
SOURCES = "test_the_default_pipeline_has_these_sources"
LIGHT = "test_registering_is_light"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another default": ({"default_event": "buy"}, "test_the_default_event"),
    "a name of another event": (
        {"public_events": {"click": "buy"}},
        "test_public_names_lead_to_events",
    ),
    "a name of no event": ({"public_events": {"tap": "view"}}, "test_public_names_lead_to_events"),
    "a name that is known": (
        {"unknown_events": ("click",)},
        "test_unknown_names_lead_to_no_event",
    ),
    "a column of another field": (
        {"public_fields": {"name": "by"}},
        "test_public_columns_lead_to_fields",
    ),
    "a column of no field": (
        {"public_fields": {"label": "title"}},
        "test_public_columns_lead_to_fields",
    ),
    "another weight": ({"weights": {"stars": {4: 2}}}, "test_weights_of_single_events"),
    "a weight that falls": ({"ladders": (("buy", "view"),)}, "test_ladders_rise"),
    "equal weights": ({"ladders": (("view", "click"),)}, "test_ladders_rise"),
    "nothing is consumed": ({"never_again": set()}, "test_what_never_comes_back"),
    "another text": ({"texts": (({"title": "Rake"}, "Rake."),)}, "test_texts_of_items"),
    "a surface too many": ({"surfaces": {"home": "user"}}, "test_exactly_these_surfaces"),
    "a surface with a source of its own": ({"own_sources": {"home": ("content",)}}, SOURCES),
    "sources in another order": ({"sources": ("popularity", "content")}, SOURCES),
    "an importer too few": (
        {"importers": ("toy-files", "toy-tables")},
        "test_registered_with_exactly_these_importers",
    ),
}


@pytest.mark.parametrize("test", [name for name in OWN if name != LIGHT])
def test_the_right_answers_pass(test: str) -> None:
    getattr(kit_for(), test)()


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_answer_is_found(name: str) -> None:
    answers, test = WRONG[name]
    with pytest.raises(AssertionError):
        getattr(kit_for(**answers), test)()


def test_a_schema_without_a_creator_is_found() -> None:
    bare = replace(SCENARIO, items=replace(SCENARIO.items, creator=""))
    with pytest.raises(AssertionError, match="no field ''"):
        kit_for(bare).test_title_categories_and_creator_are_fields()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('encoder = "letters"\nitem', 'encoder = "lost"\nitem'),
        ('settings = { encoder = "letters" }', 'settings = { encoder = "words" }'),
        ('item_sources = ["content"]', 'item_sources = ["popularity"]'),
        ("item_sources", 'history = "keep"\nitem_sources'),
    ],
)
def test_a_pipeline_that_is_not_as_it_must_be_is_found(installed: Path, old: str, new: str) -> None:
    assert PIPELINE.count(old) == 1
    installed.write_text(PIPELINE.replace(old, new))
    with pytest.raises(AssertionError):
        getattr(kit_for(), SOURCES)()


def test_another_scenario_under_the_name_is_found() -> None:
    with pytest.raises(AssertionError):
        kit_for(replace(SCENARIO)).test_registered_with_exactly_these_importers()


def test_a_pipeline_that_cannot_be_read_is_found(installed: Path) -> None:
    installed.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        getattr(kit_for(), SOURCES)()


@pytest.mark.parametrize(("code", "heavy"), [("", ""), ("import numpy\n", "numpy")])
def test_a_heavy_plugin_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, heavy: str
) -> None:
    (tmp_path / "toy_scenario_plugin.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    entry = types.SimpleNamespace(name="toy", module="toy_scenario_plugin")
    monkeypatch.setattr(module, "entry_points", lambda group: [entry])
    if not heavy:
        getattr(kit_for(), LIGHT)()
        return
    with pytest.raises(AssertionError, match=f"toy_scenario_plugin imports {heavy}"):
        getattr(kit_for(), LIGHT)()
