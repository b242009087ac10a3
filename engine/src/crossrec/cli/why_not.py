"""``crossrec why-not``: what became of one item in one request."""

from __future__ import annotations

from pathlib import Path

import click

from crossrec.cli.recommend import (
    changed_policies,
    listed_ids,
    named_entity,
    named_values,
    policy_option,
)
from crossrec.errors import UsageError
from crossrec.terminal import echo_json, json_option, table, workspace_option


@click.command("why-not")
@click.argument("scenario")
@workspace_option
@click.option("--item", required=True, help="The item that is missed.")
@click.option("--user", help="User id; the history is read from the workspace.")
@click.option("--history", help="Item ids, oldest first: i1,i2,i3 (or a JSON list).")
@click.option("--about", multiple=True, help="Item id that the list is about (repeatable).")
@click.option("--entity", help="What the list is of: genre=jazz, artist='Nina Simone'.")
@click.option("--surface", help="Where the list is shown; the scenario's usual one by default.")
@click.option("--filter", help="Filter of the list, as for recommend.")
@click.option("--boost", help="Boost of the list, as for recommend.")
@click.option("--context", multiple=True, help="What is known now: device=tv (repeatable).")
@policy_option
@click.option("-k", type=int, help="Length of the list.  [default: the surface's own]")
@json_option
def why_not(
    scenario: str,
    workspace: Path,
    item: str,
    user: str | None,
    history: str | None,
    about: tuple[str, ...],
    entity: str | None,
    surface: str | None,
    filter: str | None,
    boost: str | None,
    context: tuple[str, ...],
    policies: tuple[str, ...],
    k: int | None,
    as_json: bool,
) -> None:
    """Say why SCENARIO does not recommend an item: no source, a rule, or better ones."""
    from crossrec.pipeline.engine import Engine

    if about and (user is not None or history is not None):
        raise UsageError("give --about alone, without --user and --history")
    with Engine.open(workspace, background=False) as engine:
        found = engine.why_not(
            scenario,
            item,
            user,
            history=None if history is None else listed_ids(history),
            item_ids=about,
            entity=named_entity(entity),
            surface=surface,
            filter=filter or "",
            boost=boost or "",
            context=named_values(context),
            k=k,
            policies=changed_policies(policies),
        )
    if as_json:
        echo_json(found.to_dict())
        return
    click.echo(f"{found.item_id} {found.title}".rstrip() + f": {found.why}")
    rows = [(label, "" if rank is None else rank) for label, rank in found.sources.items()]
    table(("SOURCE", "PLACE"), rows)
    for change in found.changes:
        click.echo(f"{change.policy}: {change.action}, {change.why}")
