"""``crossrec scenarios``: the installed scenarios, their events, item fields and surfaces."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from crossrec.errors import CrossrecError
from crossrec.plugins.registry import load_registry
from crossrec.scenario import EventType, Scenario
from crossrec.terminal import echo_json, json_option, table


@click.group(no_args_is_help=True)
def scenarios() -> None:
    """Show what each scenario expects and shows."""


@scenarios.command("list")
@json_option
def list_scenarios(as_json: bool) -> None:
    """List the installed scenarios."""
    registry = load_registry()
    found = registry.all("scenarios")
    if as_json:
        echo_json(
            [{"name": r.name, "summary": r.summary, "distribution": r.distribution} for r in found]
        )
        return
    if not found:
        raise CrossrecError(
            "no scenario is installed: run `crossrec install crossrec-ecommerce`, "
            "or -social, -video, -music"
        )
    table(("SCENARIO", "PACKAGE", "SUMMARY"), ((r.name, r.distribution, r.summary) for r in found))


@scenarios.command("show")
@click.argument("name")
@json_option
def show_scenario(name: str, as_json: bool) -> None:
    """Show the events, item fields and surfaces of one scenario."""
    scenario = load_registry().scenario(name)
    if as_json:
        echo_json(described(scenario))
        return
    click.echo(f"{scenario.name}: {scenario.summary}\n")
    table(("EVENT", "STRENGTH", "VALUE", "CONSUMES", "ALSO CALLED"), map(_event, scenario.events))
    click.echo(f"default event: {scenario.default_event}\n")
    table(
        ("ITEM FIELD", "KIND", "ALSO CALLED"),
        ((f.name, f.kind, ", ".join(f.aliases)) for f in scenario.items.fields),
    )
    click.echo(f"text: {scenario.items.text_template}\n")
    table(
        ("SURFACE", "INPUT", "K", "SUMMARY"),
        ((s.name, s.input, s.k, s.summary) for s in scenario.surfaces),
    )
    click.echo(f"main surface: {scenario.main_surface}")


def described(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario ready for JSON."""
    fields = asdict(scenario)
    if callable(scenario.demo):
        fields["demo"] = f"{scenario.demo.__module__}:{scenario.demo.__qualname__}"
    return fields


def _event(event: EventType) -> tuple[object, ...]:
    """Return one line of the table of events."""
    return (event.name, event.strength, event.value, event.consumes, ", ".join(event.aliases))
