"""The command `crossrec vectors`."""

from __future__ import annotations

from pathlib import Path

import click
from crossrec.terminal import echo_json, json_option, workspace_option


@click.command("vectors", short_help="The vectors that a workspace keeps.")
@workspace_option
@click.option("--clear", is_flag=True, help="Forget all vectors; the next fit encodes anew.")
@json_option
def vectors(workspace: Path, clear: bool, as_json: bool) -> None:
    """Show the text vectors that a workspace keeps, by model, or forget them."""
    from crossrec.store import vector_cache
    from crossrec.workspace import Workspace

    from crossrec_text.packaged.distilling import forget_models, kept_models

    folder = Workspace.open(workspace).cache
    if clear:
        count = vector_cache.clear(folder) + forget_models(folder)
        if as_json:
            echo_json({"cleared": count})
        else:
            click.echo(f"forgot {count} vectors")
        return
    kept = [*vector_cache.entries(folder), *kept_models(folder)]
    if as_json:
        echo_json([vars(entry) for entry in kept])
    elif not kept:
        click.echo("no vectors yet: a fit with an encoder such as `transformer` keeps them here")
    for entry in () if as_json else kept:
        click.echo(f"{entry.vectors:>9,} vectors  {entry.size / 2**20:8.1f} MiB  {entry.model}")
