"""Bodies: what other sources learn on several scenarios, through the registry alone."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossrec.components.run import RunOptions
from crossrec.components.source_pretraining import Pretrained
from crossrec.components.vectors import with_encoded
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError
from crossrec.pipeline.kept_fits import StateFolder
from crossrec.pipeline.pretrained import FOLDER
from crossrec.plugins.requirements import installed_version
from crossrec.version import __version__

from crossrec_backbone.pretrained.library import Body, keep
from crossrec_backbone.pretrained.model import check_name
from crossrec_backbone.pretraining.workspace import scenario_events
from crossrec_backbone.relations.config import TextConfig

if TYPE_CHECKING:
    from crossrec.plugins.registration import Registration
    from crossrec.plugins.registry import Registry
    from crossrec.workspace import Workspace

#: Names of bodies by which people know sources.
ALIASES = {"gru": "rnn"}
_ABLE = "pretrain"


def pretrain_body(
    workspace: Workspace, scenarios: Sequence[str], name: str, body: str, run: RunOptions
) -> tuple[Path, Body, tuple[str, ...]]:
    """Pretrain the body of a source on what was ingested, and store it under `name`.

    A run that is killed goes on where it stopped when it is started again.

    Returns
    -------
    folder, body, lines for people

    Raises
    ------
    UsageError
        If a scenario is not installed or named twice, there are fewer than two, `name` cannot be a
        name, or no source of the name `body` can be pretrained.
    DataError
        If a scenario has no events, or no texts.
    """
    from crossrec.plugins.registry import load_registry

    check_name(name)
    registry = load_registry()
    source = body_source(body, registry)
    if len(set(scenarios)) != len(scenarios):
        raise UsageError("name each scenario once")
    datasets: dict[str, Dataset] = {}
    for at, scenario in enumerate(scenarios):
        run.progress("reading scenarios", at, len(scenarios))
        datasets[scenario] = body_dataset(workspace, scenario, registry, run)
    with workspace.writing():
        parts = StateFolder(workspace.cache / "pretrain" / f"body-{name}")
        made, lines = learnt(source, datasets, replace(run, checkpoints=parts))
        path = keep(name, made, workspace.path / FOLDER)
        shutil.rmtree(parts.path, ignore_errors=True)
        return path, made, lines


def body_source(body: str, registry: Registry) -> Registration:
    """Return the source whose body has this name, or that has it itself.

    Raises
    ------
    UsageError
        If there is none that can be pretrained.
    """
    able = [one for one in registry.all("candidate_generators") if _ABLE in one.capabilities]
    wanted = ALIASES.get(body, body)
    for one in able:
        if one.name == wanted:
            return one
    known = ", ".join(one.name for one in able) or "none"
    raise UsageError(
        f"no source {body!r} can be pretrained (those that can: {known}); "
        "`crossrec install crossrec-neural` brings some"
    )


def body_dataset(
    workspace: Workspace, scenario: str, registry: Registry, run: RunOptions
) -> Dataset:
    """Read a scenario and encode its texts.

    Raises
    ------
    UsageError
        If the scenario, or the encoder, is not installed.
    DataError
        If it has no events.
    """
    dataset = scenario_events(workspace, scenario, registry)
    name = TextConfig().encoder
    return with_encoded(dataset, registry.get("encoders", name).build(), run, name)


def learnt(
    source: Registration,
    datasets: Mapping[str, Dataset],
    run: RunOptions,
    settings: Mapping[str, Any] | None = None,
    licences: Mapping[str, str] | None = None,
) -> tuple[Body, tuple[str, ...]]:
    """Pretrain a source on datasets that have vectors, and return the body and lines for people.

    Parameters
    ----------
    settings : mapping, optional
        Of the source.
    licences : mapping of scenario to the licence of its data, optional
        For the card.
    """
    given = {"encoder": TextConfig().encoder, **(settings or {})}
    made: Pretrained = source.build(given).pretrain(datasets, run)
    card = _card(source, datasets, given, made, run, licences or {})
    return Body(card, made.state), made.report.lines


def _card(
    source: Registration,
    datasets: Mapping[str, Dataset],
    settings: Mapping[str, Any],
    made: Pretrained,
    run: RunOptions,
    licences: Mapping[str, str],
) -> dict[str, Any]:
    """Return the card: what the body was made from, and how good it was there."""
    by = source.distribution
    own = {by: installed_version(by) or ""} if by else {}
    return {
        "source": source.name,
        "sources": [
            {
                "name": name,
                "items": dataset.n_items,
                "users": dataset.n_users,
                "events": len(dataset.interactions),
                "licence": licences.get(name, "unknown"),
            }
            for name, dataset in datasets.items()
        ],
        "settings": dict(settings),
        "training": dict(made.report.values),
        "limits": [
            "reads texts by the encoder that it was pretrained with, and no other",
            "holds no item and no user; what a scenario has of its own stays with it",
        ],
        "seed": run.seed,
        "versions": {"crossrec": __version__, "python": platform.python_version(), **own},
    }
