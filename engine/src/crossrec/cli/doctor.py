"""``crossrec doctor``: what serves in a workspace, what was left out, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crossrec.terminal import echo_json, json_option, workspace_option

if TYPE_CHECKING:
    from crossrec.pipeline.health import ScenarioHealth, SurfaceHealth
    from crossrec.plugins.state import PluginState


@click.command()
@workspace_option
@json_option
def doctor(workspace: Path, as_json: bool) -> None:
    """Check plugins and every fitted scenario; exit code 1 if something cannot serve.

    Names what the fit left out and why: sources that failed, parts of a backbone that its adapter
    or its gate found to be of no use here, and items that came later or cannot be had. Says of each
    surface what it needs, has and falls back to, and which fields of users its rules read.
    """
    from crossrec.pipeline.engine import Engine
    from crossrec.pipeline.health import examine

    engine = Engine.open(workspace, background=False)
    broken = [state for state in engine.registry.plugins if state.broken]
    scenarios = examine(engine)
    ok = not broken and all(one.ok for one in scenarios)
    if as_json:
        echo_json(
            {
                "ok": ok,
                "workspace": workspace,
                "plugins": [state.to_dict() for state in broken],
                "scenarios": [one.to_dict() for one in scenarios],
            }
        )
    else:
        for line in (*_plugin_lines(broken), *_lines(scenarios)):
            click.echo(line)
        click.echo("all well" if ok else "something cannot serve: see above")
    if not ok:
        raise click.exceptions.Exit(1)


def _plugin_lines(broken: list[PluginState]) -> Iterator[str]:
    """Yield one line for each plugin that cannot be used."""
    for state in broken:
        yield f"plugin {state.name} ({state.distribution}) is {state.status}: {state.error}"


def _lines(scenarios: list[ScenarioHealth]) -> Iterator[str]:
    """Yield one line for each scenario, with its details below."""
    if not scenarios:
        yield "nothing is ingested yet: run `crossrec ingest SCENARIO`"
    for one in scenarios:
        yield _headline(one)
        for line in (*_stored(one), *_details(one)):
            yield f"  {line}"


def _headline(one: ScenarioHealth) -> str:
    """Return whether the scenario serves, and on what."""
    if one.error:
        return f"{one.scenario}: cannot serve: {one.error}"
    if not one.fitted:
        stored = f"{one.stored['items']} items and {one.stored['events']} events"
        return f"{one.scenario}: {stored}, not fitted yet: run `crossrec fit {one.scenario}`"
    since = max(one.stored["events"] - one.events, 0)
    later = f", {since} events since" if since else ""
    return (
        f"{one.scenario}: fitted on {one.events} events of {one.users} users and "
        f"{one.items} items{later}"
    )


def _stored(one: ScenarioHealth) -> Iterator[str]:
    """Yield what is doubtful about the data, fitted or not."""
    known, items = one.stored["known_items"], one.stored["items"]
    if 0 < known < items - known:
        yield (
            f"{items - known} of {items} items are in events only, without a row in the item "
            "table: check that both files write their ids alike"
        )


def _details(one: ScenarioHealth) -> Iterator[str]:
    """Yield what serves and what was left out."""
    if not one.fitted:
        return
    yield f"sources: {', '.join(one.sources)}"
    yield f"ranker: {one.ranker} ({one.why})"
    for label, error in one.failed.items():
        yield f"left out by the fit: {label}: {error}"
    for label, error in one.unavailable.items():
        yield f"unavailable: {label}: {error}"
    if one.new_items:
        known, unknown = ", ".join(one.new_items["in"]), ", ".join(one.new_items["not_in"])
        unknown = f", not by {unknown} before the next fit" if unknown else ""
        yield f"new items: {one.new_items['items']}, known by {known or 'none'}{unknown}"
    if one.behind:
        yield f"new events wait for a fit in: {', '.join(one.behind)}"
    yield from _items(one)
    for surface in one.surfaces:
        yield from _surface(surface, one.stored["users"])
    for label, report in one.reports.items():
        yield from (f"{label}: {line}" for line in report.lines)
    yield from (f"note: {note}" for note in one.notes)


def _items(one: ScenarioHealth) -> Iterator[str]:
    """Yield how many items cannot be had now, and since when."""
    if one.not_available:
        counts = ", ".join(f"{n} {why.replace('_', ' ')}" for why, n in one.not_available.items())
        yield f"items that cannot be had: {counts}; {one.newly_not_available} of them since the fit"
    if one.deleted:
        yield f"items deleted since the fit: {one.deleted}"


def _surface(one: SurfaceHealth, users: int) -> Iterator[str]:
    """Yield what a surface needs, has and falls back to."""
    main = " (main)" if one.main else ""
    has = f"{', '.join(one.sources)}, ranked by {one.ranker}" if one.sources else "no source"
    policies = f", policies {', '.join(one.policies)}" if one.policies else ""
    known = "" if one.known_items != "last" else ", then to known items"
    falls = f"falls back to {', '.join(one.fallback) or 'nothing'}{known}"
    yield f"surface {one.name}{main}: needs {one.needs}; has {has}{policies}; {falls}; k {one.k}"
    for label, error in one.missing.items():
        yield f"surface {one.name} lacks {label}: {error}"
    if one.user_fields:
        counts = ", ".join(
            f"{name} ({n} of {users} have it)" for name, n in one.user_fields.items()
        )
        yield f"surface {one.name} reads of users: {counts}"
    if one.unfiltered:
        yield (
            f"surface {one.name} offers {one.unfiltered} items that cannot be had: name the policy "
            "availability in its policies"
        )
