"""The command `crossrec vectors`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("vectors")
@click.option(
    "-w",
    "--workspace",
    envvar="CROSSREC_WORKSPACE",
    default=".crossrec",
    show_default=True,
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="Folder with everything that was ingested and fitted.",
)
@click.option("--clear", is_flag=True, help="Forget all vectors; the next fit encodes anew.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def vectors(workspace: Path, clear: bool, as_json: bool) -> None:
    """Show the text vectors that a workspace keeps, by model, or forget them."""
    from crossrec.workspace import Workspace

    from crossrec_text import cache

    folder = Workspace.open(workspace).cache
    if clear:
        count = cache.clear(folder)
        click.echo(json.dumps({"cleared": count}) if as_json else f"forgot {count} vectors")
        return
    kept = cache.entries(folder)
    if as_json:
        click.echo(json.dumps([vars(entry) for entry in kept], indent=2))
    elif not kept:
        click.echo("no vectors yet: a fit with the encoder `transformer` keeps them here")
    for entry in () if as_json else kept:
        click.echo(f"{entry.vectors:>9,} vectors  {entry.size / 2**20:8.1f} MiB  {entry.model}")
