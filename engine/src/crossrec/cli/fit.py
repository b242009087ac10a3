"""``crossrec fit``: learn from what was ingested."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossrec.terminal import (
    aligned,
    backbone_options,
    echo_json,
    json_option,
    progress,
    table,
    wait_option,
    workspace_option,
)

if TYPE_CHECKING:
    from crossrec.pipeline.pipeline import Pipeline
    from crossrec.pipeline.plan import FitPlan


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
@click.option(
    "--budget",
    metavar="quick|standard|thorough|MINUTES",
    default="standard",
    show_default=True,
    help="How much to do: quick gives a first answer within a minute, a number of minutes does "
    "what fits into them; what does not fit is left out and named.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="Most memory that one part may need, such as 4GiB; what needs more is left out.  "
    "[default: 60 % of what there is]",
)
@click.option(
    "--plan", "only_plan", is_flag=True, help="Print what a fit would do, and do nothing."
)
@click.option("--seed", default=0, show_default=True, help="Seed of everything random.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1 …")
@wait_option
@json_option
def fit(
    scenario: str,
    workspace: Path,
    pipeline_file: Path | None,
    backbone: str | None,
    budget: str,
    memory: str | None,
    only_plan: bool,
    seed: int,
    device: str,
    wait: float | None,
    as_json: bool,
) -> None:
    """Fit SCENARIO on all its events and publish the result.

    What it will try comes first, with about how long it takes and how much memory. The old result
    serves until the new one is complete; a fit that was stopped goes on where it was.
    """
    from crossrec.components.run import RunOptions
    from crossrec.pipeline.engine import Engine
    from crossrec.pipeline.time_left import TimeLeft

    engine = Engine.open(workspace, background=False)
    engine.workspace.wait = wait
    run = RunOptions(seed=seed, device=device, cache=engine.workspace.cache)
    options: dict[str, Any] = {
        "pipeline_file": pipeline_file,
        "backbone": backbone,
        "budget": budget,
        "memory": memory,
    }
    if only_plan:
        _show_only(scenario, engine.plan(scenario, run=run, **options), as_json)
        return
    left = TimeLeft()

    def planned(plan: FitPlan) -> None:
        click.echo(plan_text(scenario, plan), err=True)
        left.follow(plan.stages)

    with progress(left.seconds) as shown:
        run = replace(run, progress=left.through(shown))
        pipeline = engine.fit(scenario, run=run, planned=planned, **options)
    _report(scenario, pipeline, as_json)


def plan_text(scenario: str, plan: FitPlan) -> str:
    """Return a plan as a heading and a table."""
    from crossrec.numeric.units import size_text, time_text

    within = "" if plan.budget.seconds is None else f" of {time_text(plan.budget.seconds)}"
    allowed = size_text(plan.memory_limit)
    head = f"{scenario}: plan of a {plan.effort} fit{within}, with up to {allowed} of memory"
    rows = []
    for part, seconds in zip(plan.parts, plan.seconds, strict=True):
        name = f"encoder {part.label}" if part.kind == "encoder" else part.label
        about = ["no estimate", ""]
        if seconds is not None:
            about = [time_text(seconds), size_text(part.memory)]
        rows.append((name, *about, f"left out: {part.left_out}" if part.left_out else part.why))
    total = plan.total
    rows.append(("total", time_text(total.total), size_text(total.memory), ""))
    return f"{head}\n{aligned(('PART', 'ABOUT', 'MEMORY', ''), rows)}"


def _show_only(scenario: str, plan: FitPlan, as_json: bool) -> None:
    if as_json:
        echo_json({"scenario": scenario, "plan": plan.to_dict(), "notes": plan.notes})
    else:
        click.echo(plan_text(scenario, plan))


def _report(scenario: str, pipeline: Pipeline, as_json: bool) -> None:
    """Print what the fit learnt."""
    from crossrec.pipeline.health import source_reports

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
