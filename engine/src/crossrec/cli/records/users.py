"""``crossrec users``: look into the stored users, and delete some."""

from __future__ import annotations

from pathlib import Path

import click

from crossrec.cli.records.events import print_events
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
def users() -> None:
    """Look into the users of a scenario, and delete one."""


@users.command("list")
@click.argument("scenario")
@page_options
@workspace_option
@json_option
def list_users(scenario: str, limit: int, offset: int, workspace: Path, as_json: bool) -> None:
    """List the users of SCENARIO in the order of their first ingestion."""
    store = opened_workspace(workspace, scenario).store()
    found = store.list_users(scenario, limit=limit, offset=offset)
    if as_json:
        echo_json([one._asdict() for one in found])
        return
    table(("USER", "EVENTS", "FIELDS"), ((one.user_id, one.events, in_one_line(one.fields))
                                         for one in found))  # fmt: skip
    say_more(len(found), offset, store.counts(scenario).users, "users")


@users.command("show")
@click.argument("scenario")
@click.argument("user_id")
@workspace_option
@json_option
def show_user(scenario: str, user_id: str, workspace: Path, as_json: bool) -> None:
    """Show the fields and the latest events of one user of SCENARIO."""
    opened = opened_workspace(workspace, scenario)
    store = opened.store()
    found = store.user(scenario, user_id)
    if found is None:
        raise unknown("user", [user_id], scenario)
    latest = store.list_events(scenario, user_id=user_id, limit=5)
    if as_json:
        echo_json({**found._asdict(), "latest_events": [one._asdict() for one in latest]})
        return
    click.echo(f"{user_id}: {many(found.events, 'event')}")
    if found.fields:
        table(("FIELD", "VALUE"), found.fields.items())
    print_events(latest, clock=bool(store.counts(scenario).has_clock))


@users.command("delete")
@click.argument("scenario")
@click.argument("user_ids", nargs=-1, required=True)
@yes_option
@wait_option
@workspace_option
@json_option
def delete_users(
    scenario: str,
    user_ids: tuple[str, ...],
    yes: bool,
    wait: float | None,
    workspace: Path,
    as_json: bool,
) -> None:
    """Delete users of SCENARIO with all their events from the store.

    From then on a request treats them as unknown. What was fitted on their events stays until the
    next fit.
    """
    opened = opened_workspace(workspace, scenario, wait)
    wanted = list(dict.fromkeys(user_ids))
    missing = [one for one in wanted if opened.store().user(scenario, one) is None]
    if missing:
        raise unknown("user", missing, scenario)
    confirm(f"Delete {named('user', wanted)} of {scenario} with all events?", yes=yes)

    delete_now(opened, lambda store: store.delete_users(scenario, wanted), as_json=as_json)
