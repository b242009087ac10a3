"""``crossrec rate``: what a user would rate an item, or a text that is no item yet."""

from __future__ import annotations

from pathlib import Path

import click

from crossrec.cli.recommend import listed_ids
from crossrec.errors import UsageError
from crossrec.terminal import echo_json, json_option, table, workspace_option


@click.command()
@click.argument("scenario")
@workspace_option
@click.option("--user", help="User id; ratings and reviews count as the fit knew them.")
@click.option("--history", help="Item ids, oldest first: i1,i2,i3 (or a JSON list).")
@click.option("--item", "items", multiple=True, help="Item id to rate (repeatable).")
@click.option("--text", "texts", multiple=True, help="What to rate where there is no item yet.")
@json_option
def rate(
    scenario: str,
    workspace: Path,
    user: str | None,
    history: str | None,
    items: tuple[str, ...],
    texts: tuple[str, ...],
    as_json: bool,
) -> None:
    """Predict what a user of SCENARIO would rate items, or texts.

    Needs a pipeline with a feature set that rates: features = ["rating"].
    """
    from crossrec.pipeline.engine import Engine

    if not items and not texts:
        raise UsageError("name what to rate: --item ID or --text TEXT")
    with Engine.open(workspace, background=False) as engine:
        answer = engine.rate(
            scenario,
            user,
            item_ids=items,
            texts=texts,
            history=None if history is None else listed_ids(history),
        )
    if as_json:
        echo_json(answer.to_dict())
        return
    rows = [
        (f"{one.rating:.2f}", "text" if one.item_id is None else one.item_id, one.title)
        for one in answer.ratings
    ]
    table(("RATING", "ITEM", "TITLE"), rows)
    click.echo(f"{answer.scale.unit}; {answer.path}")
    for note in answer.notes:
        click.echo(f"note: {note}")
