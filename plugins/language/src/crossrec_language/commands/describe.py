"""``crossrec language describe``: a taste in words, edited, kept, and used as a query."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from crossrec.errors import UsageError
from crossrec.terminal import echo_json, json_option, table, workspace_option

from crossrec_language.calls.chosen import Choice
from crossrec_language.commands.options import model_options, who_options

if TYPE_CHECKING:
    from crossrec.pipeline.engine import Engine


@click.command()
@click.argument("scenario")
@who_options
@click.option("--edit", help="Your own text in place of it: then the list for it is shown.")
@click.option("--keep", is_flag=True, help="Keep the text with the user; needs their consent.")
@click.option("--consent", is_flag=True, help="The user has agreed that it is kept.")
@click.option("--kept", is_flag=True, help="Show the kept text, and the list for it.")
@click.option("--drop", is_flag=True, help="Delete the kept text, and the consent.")
@click.option("-k", type=int, help="Length of the list.  [default: the surface's own]")
@workspace_option
@model_options
@json_option
def describe(
    scenario: str,
    user: str | None,
    history: list[str] | None,
    edit: str | None,
    keep: bool,
    consent: bool,
    kept: bool,
    drop: bool,
    k: int | None,
    workspace: Path,
    choice: Choice,
    as_json: bool,
) -> None:
    """Describe a user's taste in SCENARIO in a few words that can be edited and handed back."""
    from crossrec.pipeline.engine import Engine

    from crossrec_language.features.describe.keeping import (
        drop_description,
        keep_description,
        kept_description,
    )

    if (keep or kept or drop) and user is None:
        raise UsageError("--keep, --kept and --drop need --user: whose text is it?")
    with Engine.open(workspace, background=False) as engine:
        if drop and user is not None:
            gone = drop_description(engine, scenario, user)
            click.echo("deleted" if gone else "there was none")
            return
        text = edit
        if kept and user is not None:
            text = kept_description(engine, scenario, user)
            if not text:
                raise UsageError(f"no description of user {user!r} is kept: --keep keeps one")
        if text is None:
            text = _described(engine, scenario, user, history, choice, as_json)
        else:
            _listed(engine, scenario, user, history, text, k, as_json)
        if keep and user is not None:
            keep_description(engine, scenario, user, text, consent=consent)


def _described(
    engine: Engine,
    scenario: str,
    user: str | None,
    history: list[str] | None,
    choice: Choice,
    as_json: bool,
) -> str:
    """Show a description and return its text."""
    from crossrec_language.calls.chosen import caller_for
    from crossrec_language.features.describe.describe import describe_taste

    caller = caller_for(engine.registry, engine.workspace, choice)
    found = describe_taste(engine, scenario, user, history=history, caller=caller)
    if as_json:
        echo_json(found.to_dict())
        return found.text
    click.echo(found.text or "nothing stands out yet")
    if found.text:
        click.echo(f"({found.summary} Worded by {found.model}, from {found.facts.items} items.)")
    for one in found.degraded:
        click.echo(f"degraded: {one.component}: {one.error}")
    return found.text


def _listed(
    engine: Engine,
    scenario: str,
    user: str | None,
    history: list[str] | None,
    text: str,
    k: int | None,
    as_json: bool,
) -> None:
    """Show the list for a text."""
    from crossrec_language.features.describe.describe import recommend_for_taste

    found = recommend_for_taste(engine, scenario, text, user, history=history, k=k)
    if as_json:
        echo_json({"text": text, **found.to_dict()})
        return
    click.echo(text)
    rows = [(at, one.item_id, one.title) for at, one in enumerate(found.slate.items, 1)]
    table(("#", "ITEM", "TITLE"), rows)
    for note in found.slate.notes:
        click.echo(f"note: {note}")
    for one in found.slate.degraded:
        click.echo(f"degraded: {one.component}: {one.error}")
