"""Several scenarios → one body (UniSRec's aim; Hou et al., 2022).

All texts are read along common axes, each catalogue centred and whitened for itself. A scenario has
a text adapter that starts as the identity, its bias, a gate over the body, tags, types and gaps of
its own; the body belongs to all. Half of the steps take a scenario as a new one begins: few people,
short histories, and nothing of its own. No item has an embedding of its own: there is nothing in
them for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossrec.components.protocols import SourceReport
from crossrec.components.run import RunOptions
from crossrec.components.source_pretraining import Pretrained
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError, DataError, UsageError
from crossrec.numeric.ragged import FloatArray

from crossrec_neural.inputs.text import common_axes
from crossrec_neural.pretraining.body import PretrainedBody
from crossrec_neural.pretraining.joint import JointTraining
from crossrec_neural.pretraining.scenario import ScenarioTask
from crossrec_neural.settings import BodySettings
from crossrec_neural.training.device import checked_device, memory_errors, torch_threads
from crossrec_neural.training.loop import BODY
from crossrec_neural.training.model import weights_of
from crossrec_neural.training.progress import TrainingState


def pretrain(
    source: str, datasets: Mapping[str, Dataset], settings: BodySettings, run: RunOptions
) -> Pretrained:
    """Train a body; deterministic for a seed on one thread, and it goes on after a kill.

    Parameters
    ----------
    source : str
        Name of the source that has this body.
    datasets : mapping of scenario to Dataset

    Raises
    ------
    UsageError
        If there are fewer than two scenarios, or no such device.
    ConfigError
        If the settings read no texts, train their encoder, or start from a pretrained body.
    DataError
        If a scenario has no texts, or vectors of another width, or nobody has two events.
    CapacityError
        If memory is not enough.
    """
    if len(datasets) < 2:
        raise UsageError("a body is pretrained on two scenarios or more: name another one")
    if settings.pretrained:
        raise ConfigError(f"{source}: pretraining starts from nothing: leave out `pretrained`")
    if settings.inputs.text_layers:
        raise ConfigError(f"{source}: pretraining trains no encoder: leave out inputs.text_layers")
    inputs = {**settings.inputs.model_dump(), "ids": False, "user_fields": ()}
    settings = type(settings).model_validate({**dict(settings), "inputs": inputs, "heads": {}})
    checked_device(run)
    axes = _axes(source, datasets, settings)
    tasks: list[ScenarioTask] = []
    with torch_threads(run), memory_errors(source):
        for name, dataset in datasets.items():
            body = tasks[0].shared if tasks else None
            tasks.append(ScenarioTask.of(name, dataset, settings, axes, body, run))
        training = JointTraining(
            name=f"a {source} on {', '.join(datasets)}", run=run, tasks=tuple(tasks)
        )
        training.begin()
        before = {task.name: task.ndcg() for task in tasks}
        course = training.train()
        report = _report(tasks, before, course)
    model = weights_of(tasks[0].own.model)
    weights = {name: weight for name, weight in model.items() if name.startswith(BODY)}
    found = PretrainedBody(
        "", tuple(datasets), settings.encoder, settings.shape(), axes, inputs["whitening"], weights
    )
    return Pretrained(found.state(), report)


def _axes(source: str, datasets: Mapping[str, Dataset], settings: BodySettings) -> FloatArray:
    """Return the axes along which all texts are read, and refuse scenarios that have none."""
    if not settings.encoder or not settings.inputs.text:
        raise ConfigError(f"{source}: pretraining reads texts: set encoder and inputs.text")
    widths: dict[int, str] = {}
    for name, dataset in datasets.items():
        vectors = dataset.vectors.get(settings.encoder)
        if vectors is None or common_axes([vectors], 1) is None:
            raise DataError(
                f"{name}: no texts that tell items apart, by the encoder {settings.encoder!r}: "
                "leave it out"
            )
        widths.setdefault(vectors.shape[1], name)
    if len(widths) > 1:
        one, other = list(widths.values())[:2]
        raise DataError(f"{one} and {other}: vectors of different widths, so of different encoders")
    catalogues = [dataset.vectors[settings.encoder] for dataset in datasets.values()]
    axes = common_axes(catalogues, settings.inputs.text_size)
    assert axes is not None  # every scenario has some
    return axes


def _report(
    tasks: list[ScenarioTask], before: Mapping[str, Any], course: TrainingState
) -> SourceReport:
    """Return how the training went: epochs, and ndcg@10 of each scenario on held-out events."""
    figures: dict[str, Any] = {}
    kept = f"that of epoch {course.best + 1} is kept"
    if course.best < 0:
        kept = "none better than no training"
    lines = [f"{len(course.epochs)} epochs, {kept}"]
    for task in tasks:
        now, first = task.ndcg(), before[task.name]
        if now is None or first is None:
            lines.append(f"{task.name}: too few people to hold any out")
            continue
        own, bare = now
        figures[task.name] = {
            "untrained": round(first[1], 5), "as a new scenario": round(bare, 5),
            "with its own parts": round(own, 5),
        }  # fmt: skip
        lines.append(
            f"{task.name}: ndcg@10 {own:.4f} on held-out events, {bare:.4f} as a new scenario, "
            f"{first[1]:.4f} before training"
        )
    losses = [round(epoch.loss, 4) for epoch in course.epochs]
    values = {"losses": losses, "best": course.best + 1, "ndcg@10": figures}
    return SourceReport(values, tuple(lines))
