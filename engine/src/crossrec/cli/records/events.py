"""``crossrec events``: look into the stored events, and delete some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossrec.cli.records.shared import (
    Command,
    confirm,
    delete_now,
    many,
    opened_workspace,
    page_options,
    say_more,
    unknown,
    yes_option,
)
from crossrec.errors import UsageError
from crossrec.terminal import echo_json, json_option, table, wait_option, workspace_option

if TYPE_CHECKING:
    from crossrec.store.base import Store, StoredEvent


def event_options(command: Command) -> Command:
    """Add ``--user``, ``--item`` and ``--type``."""
    command = click.option("--type", "event_type", help="Only events of this type.")(command)
    command = click.option("--item", "item_id", help="Only events of this item.")(command)
    return click.option("--user", "user_id", help="Only events of this user.")(command)


@click.group(no_args_is_help=True)
def events() -> None:
    """Look into the events of a scenario, and delete some."""


@events.command("list")
@click.argument("scenario")
@event_options
@page_options
@workspace_option
@json_option
def list_events(
    scenario: str,
    user_id: str | None,
    item_id: str | None,
    event_type: str | None,
    limit: int,
    offset: int,
    workspace: Path,
    as_json: bool,
) -> None:
    """List the events of SCENARIO, the newest first."""
    store = opened_workspace(workspace, scenario).store()
    chosen = _conditions(store, scenario, user_id, item_id, event_type)
    found = store.list_events(scenario, limit=limit, offset=offset, **chosen)
    if as_json:
        echo_json([one._asdict() for one in found])
        return
    print_events(found, clock=bool(store.counts(scenario).has_clock))
    say_more(len(found), offset, store.count_events(scenario, **chosen), "events")


@events.command("show")
@click.argument("scenario")
@click.argument("number", type=int)
@workspace_option
@json_option
def show_event(scenario: str, number: int, workspace: Path, as_json: bool) -> None:
    """Show the event of SCENARIO with this NUMBER; see its list."""
    store = opened_workspace(workspace, scenario).store()
    found = store.list_events(scenario, limit=1, number=number)
    if not found:
        raise unknown("event", [str(number)], scenario)
    if as_json:
        echo_json(found[0]._asdict())
        return
    print_events(found, clock=bool(store.counts(scenario).has_clock))


@events.command("delete")
@click.argument("scenario")
@click.argument("number", type=int, required=False)
@event_options
@yes_option
@wait_option
@workspace_option
@json_option
def delete_events(
    scenario: str,
    number: int | None,
    user_id: str | None,
    item_id: str | None,
    event_type: str | None,
    yes: bool,
    wait: float | None,
    workspace: Path,
    as_json: bool,
) -> None:
    """Delete the event of SCENARIO with this NUMBER, or all that meet the conditions.

    Users and items that were known by these events alone go with them. The same events may be
    ingested again.
    """
    opened = opened_workspace(workspace, scenario, wait)
    chosen = _conditions(opened.store(), scenario, user_id, item_id, event_type)
    if number is not None:
        chosen["number"] = number
    if not chosen:
        raise UsageError("name what to delete: the NUMBER of an event, --user, --item or --type")
    n = opened.store().count_events(scenario, **chosen)
    if not n:
        raise UsageError(f"no event of {scenario!r} meets this: see `crossrec events list`")
    confirm(f"Delete {many(n, 'event')} of {scenario}?", yes=yes)
    delete_now(opened, lambda store: store.delete_events(scenario, **chosen), as_json=as_json)


def _conditions(
    store: Store,
    scenario: str,
    user_id: str | None,
    item_id: str | None,
    event_type: str | None,
) -> dict[str, Any]:
    """Return the conditions that are given; ids must be known, and a type may be an alias."""
    chosen: dict[str, Any] = {}
    if user_id is not None:
        if store.user(scenario, user_id) is None:
            raise unknown("user", [user_id], scenario)
        chosen["user_id"] = user_id
    if item_id is not None:
        if store.item(scenario, item_id) is None:
            raise unknown("item", [item_id], scenario)
        chosen["item_id"] = item_id
    if event_type is not None:
        chosen["event_type"] = _type(scenario, event_type)
    return chosen


def _type(scenario: str, name: str) -> str:
    """Return the name of an event type by one of its aliases; as it is without the package."""
    from crossrec.errors import CrossrecError, nearest
    from crossrec.plugins.registry import load_registry

    try:
        declared = load_registry().scenario(scenario)
    except CrossrecError:
        return name
    found = declared.event(name)
    if found is None:
        names = [event.name for event in declared.events]
        meant = nearest(name, names)
        hint = f"did you mean {meant!r}?" if meant else f"there are {', '.join(names)}"
        raise UsageError(f"scenario {scenario!r} has no event type {name!r}: {hint}")
    return found.name


def print_events(found: list[StoredEvent], *, clock: bool) -> None:
    """Print events as a table."""
    from datetime import UTC, datetime

    def time(seconds: float) -> str:
        if not clock:
            return ""
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")

    rows = [
        (one.number, one.user_id, one.item_id, one.event_type, time(one.time), one.value)
        for one in found
    ]
    table(("NUMBER", "USER", "ITEM", "TYPE", "TIME (UTC)" if clock else "TIME", "VALUE"), rows)
