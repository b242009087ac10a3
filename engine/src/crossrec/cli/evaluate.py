"""``crossrec evaluate``: how well every source and the pipeline find what came next."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crossrec.errors import DataError, UsageError
from crossrec.terminal import (
    backbone_options,
    echo_json,
    json_option,
    progress,
    table,
    workspace_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossrec.components.run import Effort, RunOptions
    from crossrec.data.dataset import Dataset
    from crossrec.evaluation.protocol import EvaluationProtocol
    from crossrec.evaluation.report import Report
    from crossrec.evaluation.tables import Table
    from crossrec.pipeline.resolved import ResolvedPipeline
    from crossrec.plugins.registry import Registry
    from crossrec.scenario import Scenario
    from crossrec.workspace import Workspace


@click.command()
@click.argument("scenario")
@workspace_option
@click.option(
    "--task",
    type=click.Choice(["ranking", "rating"]),
    default="ranking",
    show_default=True,
    help="Find what came next, or predict ratings.",
)
@click.option(
    "--protocol",
    type=click.Choice(["temporal", "leave-one-out"]),
    help="Default: temporal where the events have times, else leave-one-out.",
)
@click.option(
    "--candidates",
    type=click.Choice(["served", "unseen", "all"]),
    default="served",
    show_default=True,
    help="What a request would admit, nothing of the history, or every item.",
)
@click.option("--models", help="Only these sources, and pipeline: a,b,pipeline.")
@click.option("--surface", "surfaces", help="Measure surfaces instead: NAME[,NAME] or all.")
@click.option("--users", type=int, help="Evaluate only so many test users, drawn with the seed.")
@click.option("--folds", type=int, help="Cross-validation over so many folds of users instead.")
@click.option("--refit", is_flag=True, help="Fit again on training and validation.")
@click.option(
    "--pipeline",
    "pipeline_file",
    type=click.Path(path_type=Path),
    help="TOML file whose keys replace those of the scenario's default pipeline.",
)
@backbone_options
@click.option(
    "--budget",
    "effort",
    type=click.Choice(["quick", "standard", "thorough"]),
    default="standard",
    show_default=True,
    help="The effort of the fits, and which sources they try.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of everything random.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1 …")
@json_option
@click.pass_context
def evaluate(
    context: click.Context,
    scenario: str,
    workspace: Path,
    task: str,
    protocol: str | None,
    candidates: str,
    models: str | None,
    surfaces: str | None,
    users: int | None,
    folds: int | None,
    refit: bool,
    pipeline_file: Path | None,
    backbone: str | None,
    effort: Effort,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """Measure every source of SCENARIO and its pipeline on events that they were not fitted on.

    Ranking is over the whole catalog. Popularity and repeat-last are in every table. Ratings are
    predicted beside the mean, biases and factors, with the reviews, without them and shuffled.
    With --surface the lists of surfaces are measured as requests get them, after their policies.
    """
    if task == "rating":
        names = ("candidates", "users", "folds", "refit", "backbone", "no-backbone", "budget")
        _refuse(context, "is about ranking: leave it out with --task rating", *names, "surfaces")
    if surfaces is not None:
        others = ("protocol", "candidates", "models", "folds", "refit")
        _refuse(context, "is about models: leave it out with --surface", *others)
    from crossrec.components.run import RunOptions
    from crossrec.components.threads import threads_of
    from crossrec.evaluation.evaluate import evaluate as run_evaluation
    from crossrec.pipeline.chosen_encoder import with_chosen_encoder
    from crossrec.pipeline.evaluate_models import build_models, pipeline_to_evaluate, rule_for
    from crossrec.pipeline.pretrained import FOLDER
    from crossrec.plugins.registry import load_registry
    from crossrec.workspace import Workspace

    registry = load_registry()
    known = registry.scenario(scenario)
    place = Workspace.open(workspace, registry)
    folder = place.path / FOLDER
    options = RunOptions(seed=seed, device=device, cache=place.cache, effort=effort)
    resolved, run = pipeline_to_evaluate(known, registry, options, folder, pipeline_file, backbone)
    dataset = place.dataset(known, reviews=task == "rating" or resolved.reads_reviews)
    resolved = with_chosen_encoder(resolved, registry, dataset.catalog)
    if not len(dataset.events):
        raise DataError(f"scenario {scenario!r} has no events: run `crossrec ingest {scenario}`")
    if task == "rating":
        _rate(dataset, scenario, resolved, registry, run, protocol, _names(models), as_json)
        return
    if not len(dataset.interactions):
        raise DataError(
            f"none of the {len(dataset.events)} events of scenario {scenario!r} leaves positive "
            "evidence, so there is nothing to find: ingest positive events too"
        )
    if surfaces is not None:
        wanted = _names(surfaces, "--surface")
        _surfaces(dataset, known, resolved, run, place, wanted, users, as_json)
        return
    chosen_protocol = _protocol(dataset, protocol, candidates, users, folds, refit, seed)
    chosen = _names(models)
    with progress() as report_progress:
        rule = rule_for(known, resolved, chosen_protocol.candidates)
        build = partial(
            build_models,
            known,
            resolved,
            run=replace(run, progress=report_progress),
            rule_for=rule,
            only=chosen,
            executor=place.executor(),
        )
        report = run_evaluation(
            dataset,
            build,
            chosen_protocol,
            rule_for=rule,
            scenario=scenario,
            threads=threads_of(run),
            progress=report_progress,
        )
    echo_json(report.to_dict()) if as_json else _show(report)


def _refuse(context: click.Context, why: str, *names: str) -> None:
    """Refuse options that say nothing here."""
    parameters = {"no-backbone": "none", "budget": "effort"}
    options = {"surfaces": "surface"}
    for name in names:
        parameter = parameters.get(name, name)
        if context.get_parameter_source(parameter) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(f"--{options.get(name, name)} {why}")


def _surfaces(
    dataset: Dataset,
    scenario: Scenario,
    resolved: ResolvedPipeline,
    run: RunOptions,
    place: Workspace,
    names: tuple[str, ...],
    users: int | None,
    as_json: bool,
) -> None:
    """Measure and show the surfaces of a scenario."""
    from crossrec.evaluation.surfaces.tables import surface_remarks, surface_tables
    from crossrec.pipeline.evaluate_surfaces import evaluate_surfaces

    with progress() as report_progress:
        report = evaluate_surfaces(
            scenario,
            dataset,
            resolved,
            replace(run, progress=report_progress),
            names=() if names == ("all",) else names,
            users=users,
            executor=place.executor(),
        )
    if as_json:
        echo_json(report.to_dict())
        return
    _print(surface_tables(report), surface_remarks(report))


def _rate(
    dataset: Dataset,
    scenario: str,
    resolved: ResolvedPipeline,
    registry: Registry,
    run: RunOptions,
    protocol: str | None,
    only: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure and show how well ratings are predicted."""
    from crossrec.evaluation.rating.evaluate import evaluate_ratings
    from crossrec.evaluation.rating.tables import rating_remarks, rating_tables
    from crossrec.pipeline.evaluate_ratings import rater_builder, raters_of

    with progress() as report_progress:
        report = evaluate_ratings(
            dataset,
            rater_builder(
                resolved, raters_of(resolved, registry), replace(run, progress=report_progress)
            ),
            split=protocol,  # type: ignore[arg-type]
            scenario=scenario,
            only=only,
            seed=run.seed,
            progress=report_progress,
        )
    if as_json:
        echo_json(report.to_dict())
        return
    _print(rating_tables(report), rating_remarks(report))


def _protocol(
    dataset: Dataset,
    protocol: str | None,
    candidates: str,
    users: int | None,
    folds: int | None,
    refit: bool,
    seed: int,
) -> EvaluationProtocol:
    """Return the protocol of the options."""
    from crossrec.evaluation.protocol import EvaluationProtocol

    if folds is not None and protocol is not None:
        raise UsageError("--folds is a protocol of its own: leave --protocol out")
    chosen = EvaluationProtocol.default_for(dataset)
    if folds is not None:
        chosen = replace(chosen, split="cross-validation", folds=folds)
    elif protocol is not None:
        chosen = replace(chosen, split=protocol)  # type: ignore[arg-type]
    return replace(chosen, candidates=candidates, users=users, refit=refit, seed=seed)  # type: ignore[arg-type]


def _names(given: str | None, option: str = "--models") -> tuple[str, ...]:
    """Split a list of names; none where the option is missing."""
    if given is None:
        return ()
    names = tuple(name.strip() for name in given.split(",") if name.strip())
    if not names:
        raise UsageError(f"{option} needs at least one name")
    return names


def _show(report: Report) -> None:
    """Print the tables, then failures and notes."""
    from crossrec.evaluation.tables import report_tables

    remarks = [f"left out: {failure.model}: {failure.error}" for failure in report.failed]
    remarks += [f"note: {note}" for note in report.notes]
    _print(report_tables(report), remarks)


def _print(tables: Sequence[Table], remarks: Sequence[str]) -> None:
    """Print tables, each with its title, then lines."""
    for one in tables:
        click.echo(one.title)
        table(one.columns, one.rows)
        click.echo()
    for line in remarks:
        click.echo(line)
