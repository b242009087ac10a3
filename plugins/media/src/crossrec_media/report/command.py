"""``crossrec modality-report``: what pictures, sounds, videos and texts are worth beside events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from crossrec.terminal import echo_json, json_option, progress, table, workspace_option

if TYPE_CHECKING:
    from crossrec.pipeline.config import PipelineConfig

    from crossrec_media.report.measure import ModalityReport
    from crossrec_media.report.variants import Modality

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command("modality-report", short_help="What pictures, sounds and texts are worth.")
@click.argument("scenario")
@workspace_option
@click.option("--images", type=_FOLDER, help="Folder of pictures named by item id.")
@click.option(
    "--vectors",
    "given",
    multiple=True,
    metavar="NAME=FILE[,IDS]",
    help="Ready vectors: a .parquet, or a .npy with the file of its item ids. May be repeated.",
)
@click.option(
    "--pipeline",
    "pipeline_file",
    type=click.Path(path_type=Path),
    help="Take [[encoders]] and sources from this pipeline file.",
)
@click.option("--base", help="Sources to add to: a,b. Default: those that read no vectors.")
@click.option("--no-text", is_flag=True, help="Leave the texts out.")
@click.option("--users", type=int, help="Only so many test users, drawn with the seed.")
@click.option(
    "--protocol",
    type=click.Choice(["temporal", "leave-one-out"]),
    help="Default: temporal where the events have times, else leave-one-out.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of everything random.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1 …")
@click.option(
    "--write",
    "written",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a pipeline file with what was shown to help, for `crossrec fit --pipeline`.",
)
@json_option
def report_command(
    scenario: str,
    workspace: Path,
    images: Path | None,
    given: tuple[str, ...],
    pipeline_file: Path | None,
    base: str | None,
    no_text: bool,
    users: int | None,
    protocol: str | None,
    seed: int,
    device: str,
    written: Path | None,
    as_json: bool,
) -> None:
    """Measure each modality of SCENARIO alone, beside events, and knocked out of all.

    Every set of sources is fused by weights that validation proves, and tested on the same users.
    Shuffled vectors are the control: what gains by them as by the true ones says nothing.
    """
    from dataclasses import replace

    from crossrec.components.run import RunOptions
    from crossrec.errors import DataError, UsageError
    from crossrec.evaluation.protocol import EvaluationProtocol
    from crossrec.pipeline.config_files import load_config
    from crossrec.plugins.registry import load_registry
    from crossrec.workspace import Workspace

    from crossrec_media.report.choose import base_of, modalities_of, pipeline_with
    from crossrec_media.report.measure import modality_report

    registry = load_registry()
    known = registry.scenario(scenario)
    place = Workspace.open(workspace, registry)
    dataset = place.dataset(known)
    if not len(dataset.interactions):
        raise DataError(f"scenario {scenario!r} has no events: run `crossrec ingest {scenario}`")
    config = load_config(known, pipeline_file)
    modalities = modalities_of(config, images=images, vectors=given, text=not no_text)
    if not modalities:
        raise UsageError(
            "nothing to measure: give --images, --vectors or a --pipeline with encoders"
        )
    labels = base_of(config, known.main_surface, registry, base)
    chosen = EvaluationProtocol.default_for(dataset)
    if protocol is not None:
        chosen = replace(chosen, split=protocol)  # type: ignore[arg-type]
    with progress() as shown:
        run = RunOptions(seed=seed, device=device, cache=place.cache, progress=shown)
        report = modality_report(
            known,
            registry,
            dataset,
            config,
            labels,
            modalities,
            run,
            protocol=replace(chosen, users=users, seed=seed),
        )
    if written is not None:
        written.write_text(pipeline_with(config, report, modalities), encoding="utf-8")
    echo_json(report.to_dict()) if as_json else _show(report, config, modalities)


def _show(report: ModalityReport, config: PipelineConfig, modalities: list[Modality]) -> None:
    """Print the rows, the tests, a verdict on each modality, and the notes."""
    from crossrec_media.report.choose import verdict

    click.echo(
        f"{report.scenario}: {report.users:,} test users, {report.items:,} items, "
        f"{report.protocol}, {report.candidates} candidates"
    )
    metrics = list(report.rows[0].metrics) if report.rows else []
    rows = []
    for row in report.rows:
        spans = [row.ci95[metric] for metric in metrics]
        cells = [
            f"{row.metrics[metric]:.4f} ({low:.3f}–{high:.3f})"
            for metric, (low, high) in zip(metrics, spans, strict=True)
        ]
        weights = ", ".join(f"{name} {weight:g}" for name, weight in row.weights.items())
        rows.append([row.name, *cells, weights])
    table(["SOURCES", *(metric.upper() for metric in metrics), "WEIGHTS"], rows)
    click.echo()
    tests = [
        [
            one.model,
            one.against,
            one.metric,
            f"{one.difference:+.4f}",
            f"{one.p_holm:.3g}",
            one.verdict,
        ]
        for one in report.comparisons
    ]
    table(["WITH", "AGAINST", "METRIC", "DIFFERENCE", "P (HOLM)", "VERDICT"], tests)
    click.echo()
    for one in modalities:
        click.echo(f"{one.name}: {verdict(report, one)[1]}")
    for label, error in report.failed.items():
        click.echo(f"left out: {label}: {error}")
    for note in report.notes:
        click.echo(f"note: {note}")
