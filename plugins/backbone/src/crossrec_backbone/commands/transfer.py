"""``crossrec transfer``: what a backbone brings to a scenario, by how much is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from crossrec.terminal import echo_json, json_option, progress, table, workspace_option

if TYPE_CHECKING:
    from crossrec_backbone.transfer import TransferReport, TransferSettings


@click.command()
@click.option("--to", "target", required=True, metavar="SCENARIO", help="The new scenario.")
@click.option("--from", "sources", default="", help="Scenarios to pretrain on, as a,b,c.")
@click.option("--backbone", default="", help="Measure this backbone instead of pretraining one.")
@click.option(
    "--body",
    default="",
    metavar="NAME",
    help="Measure a body too: with --from that of a source (transformer, gru), pretrained on the "
    "same scenarios, with --backbone a pretrained one.",
)
@click.option(
    "--events",
    default="0,10,100,1000,10000,all",
    show_default=True,
    help="Budgets: how many events of the new scenario are known.",
)
@click.option("--seeds", default=3, show_default=True, help="Draws of users for each budget.")
@click.option("--users", type=int, help="Only so many test users, always the same.")
@click.option(
    "--candidates",
    type=click.Choice(["unseen", "all"]),
    default="unseen",
    show_default=True,
    help="Whether items of the history may be targets.",
)
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the curves: F.png, F.svg or F.pdf.",
)
@workspace_option
@click.option("--seed", default=0, show_default=True, help="Seed of pretraining.")
@click.option("--threads", type=int, help="Threads; left to the libraries by default.")
@json_option
def transfer(
    target: str,
    sources: str,
    backbone: str,
    body: str,
    events: str,
    seeds: int,
    users: int | None,
    candidates: str,
    picture: Path | None,
    workspace: Path,
    seed: int,
    threads: int | None,
    as_json: bool,
) -> None:
    """Measure what other scenarios teach about a new one.

    For each budget the events of whole users are drawn from what the scenario has; every method
    sees the same events and is tested on the same users, over the whole catalog. The verdict says
    whether the full method helps against each of the others. A run that is stopped goes on where
    it was when it is started again.
    """
    from crossrec.components.run import RunOptions
    from crossrec.workspace import Workspace

    from crossrec_backbone.transfer.plot import check_plot, plot
    from crossrec_backbone.transfer.scenarios import transfer_scenarios

    settings = _settings(events, seeds, users, candidates)
    if picture is not None:
        check_plot(picture)
    opened = Workspace.open(workspace)
    names = [name.strip() for name in sources.split(",") if name.strip()]
    with progress() as shown:
        run = RunOptions(seed=seed, threads=threads, cache=opened.cache, progress=shown)
        report = transfer_scenarios(
            opened, target, names, run, backbone=backbone, body=body, settings=settings
        )
    if picture is not None:
        plot(report, picture)
    echo_json(report.to_dict()) if as_json else _show(report)


def _settings(events: str, seeds: int, users: int | None, candidates: str) -> TransferSettings:
    """Return the settings that the options give."""
    from crossrec.errors import UsageError

    from crossrec_backbone.transfer import TransferSettings, parse_events

    levels = parse_events(events)
    for option, value in (("--seeds", seeds), ("--users", users)):
        if value is not None and value < 1:
            raise UsageError(f"{option} must be 1 or more, not {value}")
    return TransferSettings(events=levels, seeds=seeds, users=users, candidates=candidates)


def _show(report: TransferReport) -> None:
    """Print one table for each metric, the verdicts, and the notes."""
    from crossrec_backbone.transfer.bodies import BODY, BODY_ALONE
    from crossrec_backbone.transfer.report import METRICS

    sources = ", ".join(report.sources)
    click.echo(
        f"{report.target}, pretrained on {sources}: {report.users} test users, "
        f"{report.protocol}, {report.candidates} candidates"
    )
    head = ["EVENTS", *(_level(level) for level in report.levels)]
    for metric in METRICS:
        click.echo(f"\n{metric}")
        rows = []
        for method in report.methods:
            points = [report.mean(method, level) for level in report.levels]
            cells = ["–" if point.no_scores else f"{point.metrics[metric]:.4f}" for point in points]
            rows.append([method, *cells])
        table(head, rows)
    click.echo("\nverdicts on crossrec, ndcg@10")
    rows = []
    for method in report.methods[1:]:
        rows.append([method, *_verdicts(report, "crossrec", method)])
    table(["AGAINST", *head[1:]], rows)
    if BODY in report.methods:
        click.echo(f"\nverdicts on {BODY}, ndcg@10")
        table(["AGAINST", *head[1:]], [[BODY_ALONE, *_verdicts(report, BODY, BODY_ALONE)]])
    click.echo()
    for note in report.notes:
        click.echo(f"note: {note}")


def _verdicts(report: TransferReport, method: str, against: str) -> list[str]:
    """Return the verdict at each budget, with the difference."""
    verdicts = [report.verdict(level, against, method) for level in report.levels]
    return [f"{one.verdict} ({one.difference:+.4f})" for one in verdicts]


def _level(level: object) -> str:
    """Name a budget; 0 events are Z0, more are Z1 for what is not trained on them."""
    return "0 (Z0)" if level == 0 else str(level)
