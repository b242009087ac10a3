"""``crossrec scenarios``: the installed scenarios, and what each of them declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from crossrec.errors import CrossrecError
from crossrec.plugins.registry import load_registry
from crossrec.scenario import EventType, Scenario, Surface
from crossrec.terminal import echo_json, json_option, table

if TYPE_CHECKING:
    from crossrec.pipeline.config import PipelineConfig, PolicyConfig, SourceConfig


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
    """Show what one scenario declares: events, fields, relations, surfaces, default pipeline."""
    from crossrec.pipeline.config_files import load_config

    scenario = load_registry().scenario(name)
    config, error = None, ""
    try:
        config = load_config(scenario)
    except CrossrecError as found:
        error = str(found)
    if as_json:
        plans = None if config is None else plans_of(config)
        echo_json({**described(scenario), "default_pipeline": plans})
        return
    click.echo(f"{scenario.name}: {scenario.summary}\n")
    _show_data(scenario)
    rows = [_surface(one, config) for one in scenario.surfaces]
    table(("SURFACE", "INPUT", "K", "SUMMARY", "SOURCES", "FALLBACK"), rows)
    click.echo(f"main surface: {scenario.main_surface}\n")
    if config is None:
        click.echo(f"default pipeline: {error}")
        return
    _show_pipeline(config)


def described(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario ready for JSON."""
    fields = asdict(scenario)
    if callable(scenario.demo):
        fields["demo"] = f"{scenario.demo.__module__}:{scenario.demo.__qualname__}"
    return fields


def plans_of(config: PipelineConfig) -> dict[str, Any]:
    """Return a pipeline ready for JSON, each surface with what it leaves to the pipeline."""
    values = config.model_dump()
    for name, plan in values["surfaces"].items():
        plan["sources"] = config.sources_of(name)
        plan["policies"] = [one.model_dump() for one in config.policies_of(name)]
        plan["filter"], plan["boost"] = config.filter_of(name), config.boost_of(name)
        plan["history"] = config.history_of(name)
    return values


def _show_data(scenario: Scenario) -> None:
    """Print what is read: events, fields of items and users, relations."""
    heads = ("EVENT", "STRENGTH", "VALUE", "CONSUMES", "ACTS ON", "ALSO CALLED")
    table(heads, map(_event, scenario.events))
    click.echo(f"default event: {scenario.default_event}\n")
    table(
        ("ITEM FIELD", "KIND", "ALSO CALLED"),
        ((f.name, f.kind, ", ".join(f.aliases)) for f in scenario.items.fields),
    )
    click.echo(f"text: {scenario.items.text_template}\n")
    if scenario.users:
        table(
            ("USER FIELD", "KIND", "ALSO CALLED"),
            ((f.name, f.kind, ", ".join(f.aliases)) for f in scenario.users),
        )
    relations = ", ".join(f"{one.name} ({one.field})" for one in scenario.relations)
    click.echo(f"relations: {relations or 'none'}\n")


def _event(event: EventType) -> tuple[object, ...]:
    """Return one line of the table of events."""
    consumes: str = event.consumes
    if event.half_life_days is not None:
        consumes = f"{consumes}, {event.half_life_days:g} d"
    acts = event.relation or (f"undoes {', '.join(event.cancels)}" if event.cancels else "item")
    aliases = ", ".join(event.aliases)
    return (event.name, event.strength, event.value, consumes, acts, aliases)


def _surface(surface: Surface, config: PipelineConfig | None) -> tuple[object, ...]:
    """Return one line of the table of surfaces."""
    sources = fallback = ""
    if config is not None:
        sources = ", ".join(config.sources_of(surface.name))
        fallback = ", ".join(config.surfaces[surface.name].fallback) or "stays short"
    return (surface.name, surface.input, surface.k, surface.summary, sources, fallback)


def _show_pipeline(config: PipelineConfig) -> None:
    """Print the default pipeline, and where surfaces differ from it."""
    click.echo(f"default pipeline: encoder {config.encoder or 'none'}, ranker {config.ranker}")
    click.echo(f"policies: {_policies(config.policies)}\n")
    table(("SOURCE", "IS", "SETTINGS"), map(_source, config.sources))
    own = [
        (name, _policies(one.policies or ()) if one.policies is not None else "", one.filter or "")
        for name, one in config.surfaces.items()
        if one.policies is not None or one.filter
    ]
    if own:
        click.echo("\nsurfaces with policies or a filter of their own:")
        table(("SURFACE", "POLICIES", "FILTER"), own)


def _source(source: SourceConfig) -> tuple[object, ...]:
    """Return one line of the table of sources."""
    return (source.label, source.name, _settings(source.settings))


def _policies(policies: Sequence[PolicyConfig]) -> str:
    """Return policies as text, in their order."""
    found = [f"{one.name} {_settings(one.settings)}".strip() for one in policies]
    return ", ".join(found) or "none"


def _settings(settings: Mapping[str, Any]) -> str:
    """Return settings as ``(most 2, field brand)``; "" where there are none."""
    parts = []
    for key, value in settings.items():
        text = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        parts.append(f"{key} {text}")
    return f"({', '.join(parts)})" if parts else ""
