"""``crossrec forget``: delete everything about one user, with a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crossrec.terminal import echo_json, json_option, wait_option, workspace_option

if TYPE_CHECKING:
    from crossrec.pipeline.forgetting import ForgetReceipt


@click.command()
@click.option("--user", "user_id", required=True, help="Id of the user.")
@workspace_option
@wait_option
@json_option
def forget(user_id: str, workspace: Path, wait: float | None, as_json: bool) -> None:
    """Delete all that the workspace holds of a user, in every scenario, and print a receipt.

    Events, fields, decisions and rejected rows are deleted, and what was fitted is published
    without the user. Sources that cannot take one user out are named: they are free of the user
    after the next `crossrec fit`. Your own files are not touched. May be run again.
    """
    from crossrec.pipeline.engine import Engine

    engine = Engine.open(workspace, background=False)
    engine.workspace.wait = wait
    receipt = engine.forget_user(user_id)
    if as_json:
        echo_json(receipt.to_dict())
        return
    for line in _lines(receipt):
        click.echo(line)


def _lines(receipt: ForgetReceipt) -> Iterator[str]:
    """Yield the receipt, place by place."""
    for scenario, count in receipt.events.items():
        yield f"{scenario}: {count} events deleted"
        fitted = receipt.artifacts.get(scenario)
        if fitted is None:
            continue
        if not fitted.known:
            yield f"{scenario}: what is fitted does not know the user"
        for label, done in fitted.sources.items():
            yield f"{scenario}: {label}: {done}"
        yield f"{scenario}: {fitted.older_versions} older versions deleted"
    yield f"{receipt.links} links and consents deleted"
    yield f"{receipt.decisions} decisions deleted"
    yield f"{receipt.rejected} rejected rows deleted"
    yield f"{receipt.cached} cached files deleted"
    for path in receipt.left:
        yield f"{path} still holds the id: run this again when nothing else uses the workspace"
    for scenario in receipt.needs_fit:
        yield f"run `crossrec fit {scenario}` to free the named sources of the user"
