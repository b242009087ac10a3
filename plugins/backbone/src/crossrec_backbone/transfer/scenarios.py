"""Transfer between the scenarios of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crossrec.components.run import RunOptions
from crossrec.errors import UsageError
from crossrec.pipeline.pretrained import FOLDER, survey_pretrained

from crossrec_backbone.pretrained.library import open_named
from crossrec_backbone.pretraining.workspace import scenario_dataset
from crossrec_backbone.transfer.report import TransferReport
from crossrec_backbone.transfer.run import transfer
from crossrec_backbone.transfer.settings import TransferSettings

if TYPE_CHECKING:
    from crossrec.workspace import Workspace


def transfer_scenarios(
    workspace: Workspace,
    target: str,
    sources: Sequence[str],
    run: RunOptions,
    *,
    backbone: str = "",
    settings: TransferSettings | None = None,
) -> TransferReport:
    """Measure what the scenarios `sources`, or a named backbone, bring to the scenario `target`.

    A scenario is a family of its own. Finished parts are kept in the workspace's cache: the same
    call goes on where it was stopped.

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
    return transfer(
        datasets[target],
        name=target,
        backbone=loaded,
        sources=[(name, name, datasets[name]) for name in names],
        family=target,
        settings=settings,
        run=run,
        cache=workspace.cache / "transfer",
    )
