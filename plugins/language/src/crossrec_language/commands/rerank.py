"""``crossrec language rerank``: a list in a model's order, where that is proven to be better."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from crossrec.errors import UsageError
from crossrec.terminal import echo_json, json_option, table, workspace_option

from crossrec_language.calls.chosen import Choice
from crossrec_language.commands.options import model_options, who_options


@click.command()
@click.argument("scenario")
@who_options
@click.option("--measure", is_flag=True, help="Measure whether the model may reorder lists here.")
@click.option("--users", type=click.IntRange(min=1), default=100, show_default=True,
              help="Users that --measure reads.")  # fmt: skip
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True)
@workspace_option
@model_options
@json_option
def rerank(
    scenario: str,
    user: str | None,
    history: list[str] | None,
    measure: bool,
    users: int,
    k: int,
    workspace: Path,
    choice: Choice,
    as_json: bool,
) -> None:
    """Reorder the top 20 of SCENARIO by a model; off unless --measure has proven a gain."""
    from crossrec.pipeline.engine import Engine

    from crossrec_language.calls.chosen import caller_for
    from crossrec_language.features.describe.describe import liked_by
    from crossrec_language.features.rerank import gate
    from crossrec_language.features.rerank.order import TOP

    with Engine.open(workspace, background=False) as engine:
        caller = caller_for(engine.registry, engine.workspace, choice)
        if measure:
            found = gate.measure_gate(engine, scenario, caller, users=users)
            if as_json:
                echo_json(asdict(found))
                return
            state = f"on, weight {found.weight:g}" if found.weight else "off"
            click.echo(
                f"{found.model}: {state}; ndcg {found.gain:+.4f} ± {found.error:.4f} on "
                f"{found.users} lists, {found.failed} without an order"
            )
            return
        if user is None and history is None:
            raise UsageError("whose list? give --user or --history")
        slate = engine.recommend(scenario, user, history=history, k=max(k, TOP), explain=False)
        past = history if history is not None else liked_by(engine, scenario, user or "")
        slate, why = gate.rerank(engine, scenario, slate, tuple(past), caller)
    if as_json:
        answer = slate.to_dict()
        echo_json({"as_it_is": why, **answer, "items": answer["items"][:k]})
        return
    click.echo(f"order: as it is ({why})" if why else f"order: {caller.name}")
    rows = [(at, one.item_id, one.title) for at, one in enumerate(slate.items[:k], 1)]
    table(("#", "ITEM", "TITLE"), rows)
    for one in slate.degraded:
        click.echo(f"degraded: {one.component}: {one.error}")
