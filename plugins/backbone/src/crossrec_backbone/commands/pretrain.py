"""``crossrec pretrain``: learn a backbone from several scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from crossrec.terminal import (
    echo_json,
    json_option,
    progress,
    table,
    wait_option,
    workspace_option,
)

if TYPE_CHECKING:
    from crossrec.components.run import RunOptions
    from crossrec.workspace import Workspace


@click.command()
@click.option(
    "--scenarios",
    required=True,
    help="Scenarios to learn from, separated by commas; all must have been ingested.",
)
@click.option("--name", required=True, help="Name of the backbone.")
@workspace_option
@click.option("--seed", default=0, show_default=True, help="Seed of everything random.")
@click.option("--threads", type=int, help="Threads; left to the libraries by default.")
@click.option(
    "--measure/--no-measure",
    default=True,
    show_default=True,
    help="Measure each source with heads that never saw it.",
)
@click.option(
    "--adapt-encoder/--no-adapt-encoder",
    default=False,
    show_default=True,
    help="Also train the text encoder's top layers on items that people consume together.",
)
@click.option(
    "--body",
    metavar="SOURCE",
    help="Pretrain the body of this source (transformer, gru) instead of a backbone of relations.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1 …")
@wait_option
@json_option
def pretrain(
    scenarios: str,
    name: str,
    workspace: Path,
    seed: int,
    threads: int | None,
    measure: bool,
    adapt_encoder: bool,
    body: str | None,
    device: str,
    wait: float | None,
    as_json: bool,
) -> None:
    """Pretrain a backbone on the events of several scenarios.

    With --body it is a network that one source has for all scenarios; a fit starts from it. A run
    that is killed goes on where it stopped when it is started again.
    """
    from crossrec.components.run import RunOptions
    from crossrec.workspace import Workspace

    from crossrec_backbone.pretraining.workspace import pretrain_scenarios

    names = [part.strip() for part in scenarios.split(",") if part.strip()]
    opened = Workspace.open(workspace)
    opened.wait = wait
    with progress() as report:
        run = RunOptions(
            seed=seed, device=device, threads=threads, cache=opened.cache, progress=report
        )
        if body is not None:
            _pretrain_body(opened, names, name, body, run, adapt_encoder, as_json)
            return
        path, backbone = pretrain_scenarios(
            opened, names, name, run, measure=measure, adapt_encoder=adapt_encoder
        )
    if as_json:
        echo_json({"name": name, "path": str(path), "card": backbone.card})
        return
    click.echo(f"{name}: {len(backbone.heads)} heads ({', '.join(backbone.heads)})")
    rows = [
        (source["name"], source["items"], source["events"], source["examples"])
        for source in backbone.card["sources"]
    ]
    table(("SOURCE", "ITEMS", "EVENTS", "EXAMPLES"), rows)
    if backbone.encoder is not None:
        encoder = backbone.card["encoder"]
        click.echo(
            f"adapted encoder: {encoder['base']}, {encoder['bytes'] / 1e6:.1f} MB; for a source "
            f"that it never saw: {encoder['verdict']}"
        )
    click.echo(f"next: crossrec fit SCENARIO --backbone {name}")


def _pretrain_body(
    workspace: Workspace,
    scenarios: list[str],
    name: str,
    body: str,
    run: RunOptions,
    adapt_encoder: bool,
    as_json: bool,
) -> None:
    """Pretrain the body of a source and print how it went."""
    from crossrec.errors import UsageError

    from crossrec_backbone.pretraining.body import pretrain_body

    if adapt_encoder:
        raise UsageError("--adapt-encoder belongs to a backbone of relations: leave it out")
    path, made, lines = pretrain_body(workspace, scenarios, name, body, run)
    if as_json:
        echo_json({"name": name, "path": str(path), "card": made.card})
        return
    click.echo(f"{name}: a body of the source {made.card['source']}")
    for line in lines:
        click.echo(line)
    click.echo(f"next: crossrec fit SCENARIO --backbone {name}")
