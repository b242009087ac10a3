"""Transfer between the scenarios of a workspace."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.artifacts import write_pretrained
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError
from crossrec.pipeline.kept_fits import StateFolder
from crossrec.pipeline.pretrained import FOLDER, find_pretrained, source_of, survey_pretrained
from crossrec.pipeline.with_backbone import BACKBONE

from crossrec_backbone.pretrained.library import open_named
from crossrec_backbone.pretraining.body import body_source, learnt
from crossrec_backbone.pretraining.checkpoint import digest_of
from crossrec_backbone.pretraining.workspace import scenario_dataset
from crossrec_backbone.transfer.bodies import MeasuredBody
from crossrec_backbone.transfer.report import TransferReport
from crossrec_backbone.transfer.run import transfer
from crossrec_backbone.transfer.settings import TransferSettings

if TYPE_CHECKING:
    from crossrec.plugins.registry import Registry
    from crossrec.workspace import Workspace


def transfer_scenarios(
    workspace: Workspace,
    target: str,
    sources: Sequence[str],
    run: RunOptions,
    *,
    backbone: str = "",
    body: str = "",
    settings: TransferSettings | None = None,
) -> TransferReport:
    """Measure what the scenarios `sources`, or a named backbone, bring to the scenario `target`.

    A scenario is a family of its own. Finished parts are kept in the workspace's cache: the same
    call goes on where it was stopped.

    Parameters
    ----------
    body : str
        Beside `sources` the source whose body is pretrained on them too; beside `backbone` the name
        of a pretrained body. "" for none.

    Raises
    ------
    UsageError
        If a scenario is not installed or named twice, there is neither source nor backbone, or the
        target is among what was pretrained on.
    DataError
        If a scenario has no events.
    """
    from crossrec.plugins.registry import load_registry

    names = list(dict.fromkeys(sources))
    if target in names:
        raise UsageError(f"{target!r} is the target and can be no source: leave it out of --from")
    if backbone and names:
        raise UsageError("--from pretrains a backbone and --backbone names one: use one of them")
    settings = settings or TransferSettings()
    registry = load_registry()
    folders = survey_pretrained(workspace.path / FOLDER, registry).folders()
    loaded = open_named(backbone, folders)
    datasets = {}
    for at, name in enumerate((target, *names)):
        run.progress(f"reading {name}", at, len(names) + 1)
        datasets[name] = scenario_dataset(workspace, name, settings.backbone.text, registry, run)
    beside = None
    if body and backbone:
        beside = _named_body(body, folders, registry)
    elif body:
        others = {name: datasets[name] for name in names}
        beside = _new_body(body, others, registry, run, workspace.cache / "transfer")
    return transfer(
        datasets[target],
        name=target,
        backbone=loaded,
        sources=[(name, name, datasets[name]) for name in names],
        family=target,
        settings=settings,
        run=run,
        cache=workspace.cache / "transfer",
        body=beside,
    )


def _named_body(body: str, folders: Mapping[str, Path], registry: Registry) -> MeasuredBody:
    """Return a pretrained body by its name, with the source that it belongs to."""
    folder = find_pretrained(body, folders)
    source = source_of(folder)
    if source == BACKBONE:
        raise UsageError(f"{body} is a backbone of relations: name it after --backbone")
    return MeasuredBody.at(registry.get("candidate_generators", source), folder)


def _new_body(
    body: str, datasets: Mapping[str, Dataset], registry: Registry, run: RunOptions, cache: Path
) -> MeasuredBody:
    """Pretrain the body of a source, or take the one that was pretrained on the same data."""
    source = body_source(body, registry)
    parts = [digest_of(dataset, [name]) for name, dataset in datasets.items()]
    key = hashlib.sha256(json.dumps([source.name, run.seed, parts]).encode()).hexdigest()[:24]
    folder = cache / f"body-{key}"
    if not folder.is_dir():
        checkpoints = StateFolder(cache / f"body-{key}-parts")
        made, _ = learnt(source, datasets, replace(run, checkpoints=checkpoints))
        write_pretrained(folder, made.card, made.state)
        shutil.rmtree(checkpoints.path, ignore_errors=True)
    return MeasuredBody.at(source, folder)
