"""Pretraining over the scenarios of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossrec.components.encoder_training import EncoderTraining
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError
from crossrec.pipeline.pretrained import FOLDER

from crossrec_backbone.pretrained.library import keep
from crossrec_backbone.pretrained.model import Backbone, check_name
from crossrec_backbone.pretraining.pretrain import PretrainConfig, pretrain
from crossrec_backbone.relations.config import TextConfig

if TYPE_CHECKING:
    from crossrec.workspace import Workspace


def pretrain_scenarios(
    workspace: Workspace,
    scenarios: Sequence[str],
    name: str,
    run: RunOptions,
    *,
    measure: bool = True,
    adapt_encoder: bool = False,
    config: PretrainConfig | None = None,
) -> tuple[Path, Backbone]:
    """Pretrain on what was ingested and store the result in the workspace under `name`.

    A scenario is a family of its own. What was computed lies in the workspace's cache until the
    backbone is complete.

    Raises
    ------
    UsageError
        If a scenario is not installed, `name` cannot be a name, or the encoder cannot be adapted.
    CrossrecError
        If a scenario has no events.
    """
    from crossrec.plugins.registry import load_registry

    check_name(name)
    registry = load_registry()
    training = EncoderTraining() if adapt_encoder else None
    config = config or PretrainConfig(leave_one_out=measure, adapt_encoder=training)
    sources: list[tuple[str, str, Dataset]] = []
    for at, scenario in enumerate(scenarios):
        run.progress("reading scenarios", at, len(scenarios))
        dataset = workspace.dataset(registry.scenario(scenario))
        if not len(dataset.interactions):
            raise CrossrecError(f"{scenario} has no events: `crossrec ingest {scenario}` first")
        sources.append((scenario, scenario, _with_vectors(dataset, config, registry, run)))
    with workspace.writing():
        backbone = pretrain(sources, config, run, workspace.cache / "pretrain")
        return keep(name, backbone, workspace.path / FOLDER), backbone


def _with_vectors(
    dataset: Dataset, config: PretrainConfig, registry: Any, run: RunOptions
) -> Dataset:
    """Encode texts and titles with the configured encoder; words stand alone without it."""
    text: TextConfig = config.backbone.text
    known = {registration.name for registration in registry.all("encoders")}
    if text.encoder not in known:
        return dataset
    encoder = registry.get("encoders", text.encoder).build({})
    catalog = dataset.catalog
    dataset = dataset.with_vectors(text.encoder, encoder.encode(catalog, run))
    titles = encoder.encode(catalog.with_texts(catalog.titles), run)
    return dataset.with_vectors(text.title_encoder or f"{text.encoder}:title", titles)
