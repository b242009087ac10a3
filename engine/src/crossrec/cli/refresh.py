"""``crossrec refresh``: new items and events join what was fitted."""

from __future__ import annotations

from pathlib import Path

import click

from crossrec.terminal import (
    echo_json,
    json_option,
    progress,
    table,
    wait_option,
    workspace_option,
)

_STATUS = {
    "updated": "knows all items and events",
    "items": "knows all items; events wait",
    "waits": "waits",
}


@click.command()
@click.argument("scenario")
@workspace_option
@wait_option
@json_option
def refresh(scenario: str, workspace: Path, wait: float | None, as_json: bool) -> None:
    """Learn what was ingested into SCENARIO since the last fit, without a fit.

    New items, new events and feedback on what was shown are learnt by every source and policy that
    can; for the others it says why they wait for `crossrec fit`. The old version serves until the
    new one is complete; where nothing is new it goes on.
    """
    from crossrec.components.run import RunOptions
    from crossrec.pipeline.engine import Engine

    engine = Engine.open(workspace, background=False)
    engine.workspace.wait = wait
    with progress() as report_progress:
        run = RunOptions(cache=engine.workspace.cache, progress=report_progress)
        report = engine.refresh(scenario, run=run)
    if as_json:
        echo_json(report.to_dict())
        return
    if not report.published:
        click.echo(f"{scenario}: nothing is new")
    else:
        click.echo(
            f"{scenario}: {report.items} new items, {report.users} new users and {report.events} "
            "new events"
        )
    rows = [(label, _STATUS[one.status], one.why) for label, one in report.sources.items()]
    table(("SOURCE", "STATUS", "WHY"), rows)
    for key, done in report.policies.items():
        click.echo(f"policy {key}: {done}")
    for note in report.notes:
        click.echo(f"note: {note}")
