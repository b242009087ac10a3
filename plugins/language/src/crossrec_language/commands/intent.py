"""``crossrec language intent``: a list for free words."""

from __future__ import annotations

from pathlib import Path

import click
from crossrec.terminal import echo_json, json_option, table, workspace_option

from crossrec_language.calls.chosen import Choice
from crossrec_language.commands.options import model_options, who_options


@click.command()
@click.argument("scenario")
@click.argument("words")
@who_options
@click.option("-k", type=int, help="Length of the list.  [default: the surface's own]")
@click.option("--surface", help="Where the list is shown; the scenario's usual one by default.")
@workspace_option
@model_options
@json_option
def intent(
    scenario: str,
    words: str,
    user: str | None,
    history: list[str] | None,
    k: int | None,
    surface: str | None,
    workspace: Path,
    choice: Choice,
    as_json: bool,
) -> None:
    """Recommend items of SCENARIO for WORDS: "something lighter, no horror, under 20 euro"."""
    from crossrec.pipeline.engine import Engine

    from crossrec_language.calls.chosen import caller_for
    from crossrec_language.features.intent.recommend import recommend_for_wish

    with Engine.open(workspace, background=False) as engine:
        caller = caller_for(engine.registry, engine.workspace, choice)
        found = recommend_for_wish(
            engine,
            scenario,
            words,
            user,
            history=history,
            caller=caller,
            k=k,
            surface=surface,
        )
    if as_json:
        echo_json(found.to_dict())
        return
    click.echo(f"read by: {'rules' if found.model == 'template' else f'rules and {found.model}'}")
    for part in found.wish.parts:
        click.echo(f"{part.kind}: {part.words}  [{part.expression}]")
    if found.wish.text:
        click.echo(f"about: {found.wish.text}")
    rows = [
        (place, item.item_id, item.title, "; ".join(reason.text for reason in item.reasons))
        for place, item in enumerate(found.slate.items, 1)
    ]
    table(("#", "ITEM", "TITLE", "WHY"), rows)
    lines = [found.slate.short_because] if found.slate.short_because else []
    lines += [f"note: {note}" for note in found.slate.notes]
    lines += [f"degraded: {one.component}: {one.error}" for one in found.slate.degraded]
    for line in lines:
        click.echo(line)
