"""What the report compares, and what follows from it: a verdict and a pipeline file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crossrec.errors import UsageError
from crossrec.pipeline.config import PipelineConfig
from crossrec.pipeline.pipeline_file import toml_value
from crossrec.plugins.registry import Registry

from crossrec_media.report.measure import ModalityReport, reads_vectors
from crossrec_media.report.variants import ALL, EVENTS, Modality

TEXT = "text"
#: The metric that verdicts are about.
_JUDGED = "ndcg"


def modalities_of(
    config: PipelineConfig,
    *,
    images: Path | None = None,
    vectors: Sequence[str] = (),
    text: bool = True,
) -> list[Modality]:
    """Return the modalities of a pipeline and of the options of a command.

    Raises
    ------
    UsageError
        If vectors are not written as NAME=FILE, or two modalities have one name.
    """
    found = []
    if text and config.encoder:
        found.append(Modality(TEXT, config.encoder, config.encoder_settings))
    found += [Modality(one.label, one.name, one.settings) for one in config.encoders]
    if images is not None:
        found.append(Modality("image", "image", {"folder": str(images)}))
    for one in vectors:
        name, equals, places = one.partition("=")
        file, _, ids = places.partition(",")
        if not (name and equals and file):
            raise UsageError(f"--vectors is NAME=FILE or NAME=FILE,IDS, not {one!r}")
        found.append(Modality(name, "vectors", {"file": file, "ids": ids}))
    names = [one.name for one in found]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise UsageError(f"two modalities are called {double[0]!r}: give one another name")
    return found


def base_of(
    config: PipelineConfig, main: str, registry: Registry, chosen: str | None = None
) -> tuple[str, ...]:
    """Return the labels of the sources that modalities are added to.

    Those of the main surface whose settings name no encoder, unless they are chosen.

    Raises
    ------
    UsageError
        If a chosen one is no source of the pipeline.
    """
    if chosen is not None:
        names = tuple(name.strip() for name in chosen.split(",") if name.strip())
        labels = [one.label for one in config.sources]
        for name in names:
            if name not in labels:
                raise UsageError(f"no source {name!r} here: there are {', '.join(labels)}")
        return names
    of = {one.label: one for one in config.sources}
    return tuple(
        label for label in config.sources_of(main) if not reads_vectors(registry, of[label])
    )


def verdict(report: ModalityReport, modality: Modality) -> tuple[bool, str]:
    """Return whether a modality helps by proof, and a sentence that says why.

    It helps where it is better than nothing beside the events and its shuffled vectors are not, or
    where the report has no events to add it to.
    """
    name = modality.name
    metric = next((one for one in _metrics(report) if one.startswith(_JUDGED)), "")
    beside = report.comparison(f"{EVENTS} + {name}", EVENTS, metric)
    control = report.comparison(f"{EVENTS} + {modality.shuffled}", EVENTS, metric)
    if beside is None:
        return False, "could not be compared with events"
    if control is not None and control.verdict == "better":
        return False, (
            f"its shuffled vectors gain too ({control.difference:+.4f} {metric}): it is not what "
            "the vectors say that helps"
        )
    gain = f"{beside.difference:+.4f} {metric} beside events (p {beside.p_holm:.2g})"
    if beside.verdict != "better":
        return False, f"no gain is shown: {gain}"
    rest = report.comparison(ALL, f"{ALL} without {name}", metric)
    more = "" if rest is None else f", {rest.difference:+.4f} beside all else ({rest.verdict})"
    return True, f"helps: {gain}{more}"


def _metrics(report: ModalityReport) -> list[str]:
    return list(report.rows[0].metrics) if report.rows else []


def pipeline_with(
    config: PipelineConfig, report: ModalityReport, modalities: Sequence[Modality]
) -> str:
    """Return a pipeline file: the sources of `config`, and one for each modality that helps.

    Texts are left to the sources that read them already.
    """
    helping = [one for one in modalities if one.name != TEXT and verdict(report, one)[0]]
    lines = [f"# {one.name}: {verdict(report, one)[1]}" for one in modalities]
    sources = [one.model_dump(exclude_defaults=True) for one in config.sources]
    known = {one.label for one in config.encoders} & {one.name for one in modalities}
    encoders: list[dict[str, Any]] = []
    for one in helping:
        settings = {key: value for key, value in one.settings.items() if value != ""}
        encoders.append({"name": one.encoder, "label": one.name, "settings": settings})
        if one.name not in known:
            alike = {"name": "alike", "label": f"alike-{one.name}"}
            sources.append({**alike, "settings": {"encoder": one.name}})
    lines.append(f"encoders = {toml_value(encoders)}")
    lines.append("sources = [")
    lines += [f"    {toml_value(one)}," for one in sources]
    return "\n".join([*lines, "]", ""])
