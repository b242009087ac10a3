"""``crossrec language explain``: why an item is recommended, in true statements."""

from __future__ import annotations

from pathlib import Path

import click
from crossrec.terminal import echo_json, json_option, table, workspace_option

from crossrec_language.calls.chosen import Choice
from crossrec_language.commands.options import model_options, who_options


@click.command()
@click.argument("scenario")
@click.argument("item_id")
@who_options
@workspace_option
@model_options
@json_option
def explain(
    scenario: str,
    item_id: str,
    user: str | None,
    history: list[str] | None,
    workspace: Path,
    choice: Choice,
    as_json: bool,
) -> None:
    """Say why ITEM_ID of SCENARIO is recommended: evidence, history, reviews, catalogue."""
    from crossrec.pipeline.engine import Engine

    from crossrec_language.calls.chosen import caller_for
    from crossrec_language.features.explain.explain import explain_recommendation

    with Engine.open(workspace, background=False) as engine:
        caller = caller_for(engine.registry, engine.workspace, choice)
        found = explain_recommendation(
            engine, scenario, item_id, user, history=history, caller=caller
        )
    if as_json:
        echo_json(found.to_dict())
        return
    click.echo(f"{found.item_id} {found.title}".rstrip() + f" (worded by {found.model})")
    click.echo(found.text or "nothing is known of it")
    table(
        ("KIND", "STATEMENT", "RESTS ON"), [(s.kind, s.text, s.support) for s in found.statements]
    )
    for text in found.dropped:
        click.echo(f"dropped, not among the evidence: {text}")
    for one in found.degraded:
        click.echo(f"degraded: {one.component}: {one.error}")
