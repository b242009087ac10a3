"""``crossrec fit``: learn from what was ingested."""

from __future__ import annotations

from pathlib import Path

import click

from crossrec.terminal import (
    backbone_options,
    echo_json,
    json_option,
    progress,
    table,
    wait_option,
    workspace_option,
)


@click.command()
@click.argument("scenario")
@workspace_option
@click.option(
    "--pipeline",
    "pipeline_file",
    type=click.Path(path_type=Path),
    help="TOML file whose keys replace those of the scenario's default pipeline.",
)
@backbone_options
@click.option("--seed", default=0, show_default=True, help="Seed of everything random.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1 …")
@wait_option
@json_option
def fit(
    scenario: str,
    workspace: Path,
    pipeline_file: Path | None,
    backbone: str | None,
    seed: int,
    device: str,
    wait: float | None,
    as_json: bool,
) -> None:
    """Fit SCENARIO on all its events and publish the result.

    The old result serves until the new one is complete.
    """
    from crossrec.components.run import RunOptions
    from crossrec.pipeline.engine import Engine
    from crossrec.pipeline.health import source_reports

    engine = Engine.open(workspace, background=False)
    engine.workspace.wait = wait
    with progress() as report_progress:
        run = RunOptions(
            seed=seed, device=device, cache=engine.workspace.cache, progress=report_progress
        )
        pipeline = engine.fit(scenario, pipeline_file=pipeline_file, backbone=backbone, run=run)
    report = pipeline.report
    if as_json:
        reports = {label: one.values for label, one in source_reports(pipeline).items()}
        echo_json({"scenario": scenario, **report, "reports": reports})
        return
    click.echo(
        f"{scenario}: fitted on {report['events']} events of {report['users']} users "
        f"and {report['items']} items"
    )
    rows = [
        (label, f"{seconds:.2f} s", "fitted") for label, seconds in report["fit_seconds"].items()
    ]
    rows += [(label, "", f"left out: {error}") for label, error in report["failed"].items()]
    rows += [(label, "", "dropped: no list needs it") for label in report["dropped"]]
    table(("SOURCE", "TIME", "STATUS"), rows)
    for label, source_report in source_reports(pipeline).items():
        for line in source_report.lines:
            click.echo(f"{label}: {line}")
    gate = report["gate"]
    click.echo(f"ranker: {gate['chosen']} ({gate['why']})")
    for note in report["notes"]:
        click.echo(f"note: {note}")
