"""``crossrec pipeline``: the pipeline that a fit would use, or that serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossrec.errors import UsageError
from crossrec.terminal import echo_json, json_option, workspace_option

if TYPE_CHECKING:
    from crossrec.pipeline.resolved import ResolvedPipeline


@click.group(no_args_is_help=True)
def pipeline() -> None:
    """Show what a scenario is fitted with and answers from."""


@pipeline.command("show")
@click.argument("scenario")
@click.option(
    "--pipeline",
    "pipeline_file",
    type=click.Path(path_type=Path),
    help="TOML file whose keys replace those of the scenario's default pipeline.",
)
@click.option("--fitted", is_flag=True, help="Show what serves in the workspace.")
@workspace_option
@json_option
def show_pipeline(
    scenario: str, pipeline_file: Path | None, fitted: bool, workspace: Path, as_json: bool
) -> None:
    """Show the pipeline of SCENARIO as a fit would use it, all defaults written out.

    It is a pipeline file: `crossrec fit SCENARIO --pipeline FILE` takes it as it is. --fitted shows
    the one that serves instead, with the chosen rankers and the sources that were left out.
    """
    if fitted and pipeline_file is not None:
        raise UsageError("--fitted shows what serves, --pipeline what would: use one of them")
    if fitted:
        _show_fitted(scenario, workspace, as_json=as_json)
        return
    from crossrec.pipeline.config_files import load_config
    from crossrec.pipeline.resolved import resolve_pipeline
    from crossrec.plugins.registry import load_registry

    registry = load_registry()
    known = registry.scenario(scenario)
    config = load_config(known, pipeline_file)
    resolved = resolve_pipeline(config, registry, known.main_surface)
    where = f", with the keys of {pipeline_file}" if pipeline_file is not None else ""
    _show(resolved, scenario, [f"The pipeline of {scenario}{where}."], {}, as_json=as_json)


def _show_fitted(scenario: str, workspace: Path, *, as_json: bool) -> None:
    """Show the pipeline that serves."""
    from dataclasses import asdict

    from crossrec.pipeline.engine import Engine
    from crossrec.pipeline.health import examine_scenario, surface_reports

    engine = Engine.open(workspace, background=False)
    serving = engine.serving(scenario)
    health = examine_scenario(engine, scenario)
    surfaces = surface_reports(serving, 0)
    notes = {label: [f"left out by the fit: {error}"] for label, error in health.failed.items()}
    notes |= {label: [f"unavailable: {error}"] for label, error in health.unavailable.items()}
    notes |= {
        one.name: [f"Serves: ranker {one.ranker} ({one.why}); known items {one.known_items}."]
        for one in surfaces
    }
    head = [
        f"The pipeline of {scenario} that serves, fitted on {health.events} events of "
        f"{health.users} users and {health.items} items.",
        *health.notes,
    ]
    extra = {
        "fitted": {
            "surfaces": [asdict(one) for one in surfaces],
            "failed": health.failed,
            "unavailable": health.unavailable,
            "notes": health.notes,
        }
    }
    resolved = serving.pipeline.resolved
    _show(resolved, scenario, head, notes, as_json=as_json, extra=extra)


def _show(
    resolved: ResolvedPipeline,
    scenario: str,
    head: list[str],
    notes: dict[str, list[str]],
    *,
    as_json: bool,
    extra: dict[str, Any] | None = None,
) -> None:
    from crossrec.pipeline.pipeline_file import effective, pipeline_text

    if as_json:
        values = effective(resolved).model_dump()
        main = resolved.main
        echo_json({"scenario": scenario, "main": main, "pipeline": values, **(extra or {})})
        return
    use = f"`crossrec fit {scenario} --pipeline FILE` takes it as it is."
    click.echo(pipeline_text(resolved, [*head, use], notes), nl=False)
