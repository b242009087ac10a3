"""Pretraining over the scenarios of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.components.encoder_training import EncoderTraining
from crossrec.components.run import RunOptions
from crossrec.components.vectors import with_encoded
from crossrec.data.dataset import Dataset
from crossrec.errors import DataError
from crossrec.pipeline.pretrained import FOLDER

from crossrec_backbone.pretrained.library import keep
from crossrec_backbone.pretrained.model import Backbone, check_name
from crossrec_backbone.pretraining.pretrain import PretrainConfig, pretrain
from crossrec_backbone.pretraining.source_examples import SourceDataset
from crossrec_backbone.relations.config import TextConfig

if TYPE_CHECKING:
    from crossrec.plugins.registry import Registry
    from crossrec.workspace import Workspace


def pretrain_scenarios(
    workspace: Workspace,
    scenarios: Sequence[str],
    name: str,
    run: RunOptions,
    *,
    measure: bool = True,
    adapt_encoder: bool = False,
) -> tuple[Path, Backbone]:
    """Pretrain on what was ingested and store the result in the workspace under `name`.

    A scenario is a family of its own. Finished parts are kept in the workspace's cache until the
    backbone is complete.

    Raises
    ------
    UsageError
        If a scenario is not installed, `name` cannot be a name, or the encoder cannot be adapted.
    DataError
        If a scenario has no events.
    """
    from crossrec.plugins.registry import load_registry

    check_name(name)
    registry = load_registry()
    training = EncoderTraining() if adapt_encoder else None
    config = PretrainConfig(leave_one_out=measure, adapt_encoder=training)
    sources: list[SourceDataset] = []
    for at, scenario in enumerate(scenarios):
        run.progress("reading scenarios", at, len(scenarios))
        dataset = scenario_dataset(workspace, scenario, config.backbone.text, registry, run)
        sources.append((scenario, scenario, dataset))
    with workspace.writing():
        backbone = pretrain(sources, config, run, workspace.cache / "pretrain")
        return keep(name, backbone, workspace.path / FOLDER), backbone


def scenario_dataset(
    workspace: Workspace, scenario: str, text: TextConfig, registry: Registry, run: RunOptions
) -> Dataset:
    """Read a scenario and encode its texts and titles; without the encoder words alone count.

    Raises
    ------
    UsageError
        If the scenario is not installed.
    DataError
        If it has no events.
    """
    dataset = scenario_events(workspace, scenario, registry)
    if text.encoder not in {registration.name for registration in registry.all("encoders")}:
        return dataset
    encoder = registry.get("encoders", text.encoder).build()
    return with_encoded(dataset, encoder, run, text.encoder, text.title_vectors)


def scenario_events(workspace: Workspace, scenario: str, registry: Registry) -> Dataset:
    """Read a scenario, without vectors; see `scenario_dataset` for what is raised."""
    dataset = workspace.dataset(registry.scenario(scenario))
    if not len(dataset.interactions):
        raise DataError(f"scenario {scenario!r} has no events: run `crossrec ingest {scenario}`")
    return dataset
