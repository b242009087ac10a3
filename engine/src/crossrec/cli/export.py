"""``crossrec export``: the lists of many users as a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crossrec.cli.recommend import named_values
from crossrec.errors import UsageError
from crossrec.terminal import echo_json, json_option, progress, workspace_option

if TYPE_CHECKING:
    from crossrec.pipeline.engine import Engine


@click.command()
@click.argument("scenario")
@click.option(
    "--to",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write: .csv, .jsonl or .parquet.",
)
@click.option("--users", default="all", help="all, or a file with a user id in each line.")
@click.option("--surface", help="Where the lists are shown; the scenario's main one by default.")
@click.option("--filter", help="Only items that meet it, as for recommend.")
@click.option("--boost", help="Number that scores are multiplied by, as for recommend.")
@click.option("--context", multiple=True, help="What is known now: device=tv (repeatable).")
@click.option("-k", type=int, help="Length of a list.  [default: the surface's own]")
@click.option("--again", is_flag=True, help="Begin anew where a killed export could go on.")
@workspace_option
@json_option
def export(
    scenario: str,
    path: Path,
    users: str,
    surface: str | None,
    filter: str | None,
    boost: str | None,
    context: tuple[str, ...],
    k: int | None,
    again: bool,
    workspace: Path,
    as_json: bool,
) -> None:
    """Write the recommendations of all users of SCENARIO, or of some, to a file.

    A killed export goes on where it stopped when it is called again in the same way; the file
    appears when all lists are there.
    """
    from crossrec.pipeline.engine import Engine
    from crossrec.pipeline.exporting import ExportJob, export_lists

    job = ExportJob(scenario, surface, k, filter or "", boost or "", named_values(context))
    with Engine.open(workspace, background=False) as engine, progress() as report:
        wanted = _wanted(engine, scenario, users)
        done = export_lists(
            engine,
            job,
            wanted,
            path,
            again=again,
            progress=lambda n, total: report("answering users", n, total),
        )
    if as_json:
        echo_json({**asdict(done), "path": str(done.path)})
        return
    click.echo(f"{done.path}: {done.rows:,} rows for {done.users:,} users in {done.seconds:.1f} s")
    if done.kept:
        click.echo(f"went on after {done.kept:,} users that were written before")
    if done.without:
        click.echo(f"{done.without:,} users have an empty list")


def _wanted(engine: Engine, scenario: str, users: str) -> list[str]:
    """Return the ids of all stored users, or those that a file lists, each once."""
    if users == "all":
        return list(engine.workspace.store().users(engine.registry.scenario(scenario).name)[0].ids)
    try:
        lines = Path(users).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"--users is 'all' or a file of ids: {users} cannot be read ({error})"
        ) from None
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))
