"""``crossrec items``: look into the stored items, and delete some."""

from __future__ import annotations

from pathlib import Path

import click

from crossrec.cli.records.shared import (
    confirm,
    delete_now,
    in_one_line,
    many,
    named,
    opened_workspace,
    page_options,
    say_more,
    unknown,
    yes_option,
)
from crossrec.terminal import echo_json, json_option, table, wait_option, workspace_option


@click.group(no_args_is_help=True)
def items() -> None:
    """Look into the items of a scenario, and delete some."""


@items.command("list")
@click.argument("scenario")
@page_options
@click.option("--withdrawn", is_flag=True, help="Only those that are no longer offered.")
@workspace_option
@json_option
def list_items(
    scenario: str, limit: int, offset: int, withdrawn: bool, workspace: Path, as_json: bool
) -> None:
    """List the items of SCENARIO in the order of their first ingestion."""
    store = opened_workspace(workspace, scenario).store()
    found = store.list_items(
        scenario, limit=limit, offset=offset, withdrawn=True if withdrawn else None
    )
    if as_json:
        echo_json([one._asdict() for one in found])
        return
    columns = ("ITEM", "STATE", "FIELDS")
    table(columns, ((one.item_id, _state(one.known, one.withdrawn), in_one_line(one.fields))
                    for one in found))  # fmt: skip
    say_more(len(found), offset, store.counts(scenario).withdrawn if withdrawn
          else store.counts(scenario).items, "items")  # fmt: skip


@items.command("show")
@click.argument("scenario")
@click.argument("item_id")
@workspace_option
@json_option
def show_item(scenario: str, item_id: str, workspace: Path, as_json: bool) -> None:
    """Show the fields of one item of SCENARIO and how many events it has."""
    store = opened_workspace(workspace, scenario).store()
    found = store.item(scenario, item_id)
    if found is None:
        raise unknown("item", [item_id], scenario)
    events = store.count_events(scenario, item_id=item_id)
    if as_json:
        echo_json({**found._asdict(), "events": events})
        return
    state = _state(found.known, found.withdrawn)
    click.echo(f"{item_id}: {many(events, 'event')}{f', {state}' if state else ''}")
    table(("FIELD", "VALUE"), found.fields.items())


@items.command("delete")
@click.argument("scenario")
@click.argument("item_ids", nargs=-1, required=True)
@yes_option
@wait_option
@workspace_option
@json_option
def delete_items(
    scenario: str,
    item_ids: tuple[str, ...],
    yes: bool,
    wait: float | None,
    workspace: Path,
    as_json: bool,
) -> None:
    """Delete items of SCENARIO with their events; no request offers them from then on.

    To take an item off the list and keep what is known of it, ingest it with is_hidden.
    """
    opened = opened_workspace(workspace, scenario, wait)
    wanted = dict.fromkeys(item_ids)
    missing = [one for one in wanted if opened.store().item(scenario, one) is None]
    if missing:
        raise unknown("item", missing, scenario)
    confirm(f"Delete {named('item', list(wanted))} of {scenario} with all events?", yes=yes)
    delete_now(opened, lambda store: store.delete_items(scenario, list(wanted)), as_json=as_json)


def _state(known: bool, withdrawn: bool) -> str:
    """Return what is special about an item."""
    if withdrawn:
        return "no longer offered"
    return "" if known else "only in events"
