"""`crossrec scenarios show NAME`: everything that a scenario declares, on one page."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.pipeline.config_files import load_config
from crossrec.plugins.registry import load_registry

SCENARIOS = ("ecommerce", "music", "social", "video")
each = pytest.mark.parametrize("name", SCENARIOS)


def shown(*arguments: str) -> str:
    """Return what the command prints on a wide terminal."""
    done = CliRunner().invoke(main, ["scenarios", "show", *arguments], env={"COLUMNS": "400"})
    assert done.exit_code == 0, done.output
    return done.stdout


def line_of(page: str, first: str) -> str:
    """Return the first line of a table that begins with this word."""
    return next(line for line in page.splitlines() if line.split()[:1] == [first])


@each
def test_all_that_is_declared_is_there(name: str) -> None:
    scenario, page = load_registry().scenario(name), shown(name)
    for event in scenario.events:
        line = line_of(page, event.name)
        assert str(event.strength) in line
        assert event.consumes in line
        assert (event.relation or "item") in line or event.cancels
        assert all(alias in line for alias in event.aliases)
    for field in scenario.items.fields:
        assert f"\n{field.name} " in page, field.name
    for user_field in scenario.users:
        line = page.partition("USER FIELD")[2].partition("relations:")[0]
        assert line_of(line, user_field.name).split()[1] == user_field.kind
    for relation in scenario.relations:
        assert f"{relation.name} ({relation.field})" in page


@each
def test_surfaces_say_what_answers_and_what_fills_them(name: str) -> None:
    scenario, page = load_registry().scenario(name), shown(name)
    config = load_config(scenario)
    for surface in scenario.surfaces:
        line = line_of(page, surface.name)
        assert f" {surface.input} " in line
        assert f" {surface.k} " in line
        assert surface.summary in line
        assert ", ".join(config.sources_of(surface.name)) in line
        fallback = config.surfaces[surface.name].fallback
        assert line.rstrip().endswith(", ".join(fallback) or "stays short")


@each
def test_the_default_pipeline_is_there_with_what_differs_from_it(name: str) -> None:
    config, page = load_config(load_registry().scenario(name)), shown(name)
    end = page[page.index("default pipeline: ") :]
    assert "encoder auto, ranker auto" in end
    for source in config.sources:
        assert f"\n{source.label} " in end
    differs = end[end.index("of their own:") :]
    for surface, plan in config.surfaces.items():
        own = plan.policies is not None or bool(plan.filter)
        assert (f"\n{surface} " in differs) == own, surface
        assert (plan.filter or "") in differs


@each
def test_as_json_each_surface_has_its_whole_plan(name: str) -> None:
    config = load_config(load_registry().scenario(name))
    values = json.loads(shown(name, "--json"))["default_pipeline"]
    assert [source["label"] for source in values["sources"]] == [
        source.label for source in config.sources
    ]
    for surface, plan in values["surfaces"].items():
        assert tuple(plan["sources"]) == config.sources_of(surface)
        assert [one["name"] for one in plan["policies"]] == [
            one.name for one in config.policies_of(surface)
        ]
        assert plan["history"] == config.history_of(surface)
        assert plan["filter"] == config.filter_of(surface)


def test_settings_are_readable() -> None:
    page = shown("ecommerce")
    assert "attribute_cap (field categories, most 1)" in page
    assert "(events purchase)" in page
    assert line_of(page, "view").count("none") == 2, "a view has no value and consumes nothing"
    assert "undoes add_to_cart" in line_of(page, "remove_from_cart")


def test_what_an_event_acts_on_is_said() -> None:
    assert " author " in line_of(shown("social"), "follow_author")
    assert line_of(shown("music"), "ban_artist").endswith("hard       artist")
    assert " creator " in line_of(shown("video"), "subscribe_channel")
    assert "soft, 7 d" in line_of(shown("music"), "play")
