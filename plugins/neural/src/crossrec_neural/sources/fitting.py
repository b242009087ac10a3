"""From a dataset to a trained model that serves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from numpy.typing import NDArray

from crossrec_neural.inputs.columns import fit_columns
from crossrec_neural.inputs.histories import HistorySpace
from crossrec_neural.inputs.text_encoder import LearningTexts
from crossrec_neural.inputs.tower import ItemTensors
from crossrec_neural.pretraining.body import PretrainedBody
from crossrec_neural.settings import NeuralSettings
from crossrec_neural.sources.fitted import Fitted, Spaces
from crossrec_neural.training.device import checked_device, memory_errors, torch_threads
from crossrec_neural.training.examples import Examples
from crossrec_neural.training.model import NeuralModel
from crossrec_neural.training.progress import KEY, Chosen
from crossrec_neural.training.trainer import PretrainedStart, Trainer


@dataclass(frozen=True, eq=False)
class Trained:
    """A model that serves, and how good it was.

    Attributes
    ----------
    gains : float64 array, shape (n,)
        ndcg@10 of each held-out event, where that was wanted.
    before : float or None
        Their mean before training, of a pretrained body.
    """

    fitted: Fitted
    gains: NDArray[np.float64]
    before: float | None


def trained(
    name: str,
    dataset: Dataset,
    settings: NeuralSettings,
    run: RunOptions,
    *,
    body: PretrainedBody | None = None,
    rate: float = 0.0,
    judged: bool = False,
    key: str = KEY,
    chosen: Chosen | None = None,
) -> Trained:
    """Train a model; see `NeuralSource.fit` for what is raised.

    Parameters
    ----------
    body : PretrainedBody, optional
        What it starts from; its text space is taken too.
    rate : float
        Learning rate of that body relative to that of the rest.
    judged : bool
        Whether `gains` are wanted.
    key : str
        Name of the training among the checkpoints.
    chosen : Chosen, optional
        How long to train on all events, where that was chosen before; then nothing is held out.
    """
    device = checked_device(run)
    axes = None if body is None else body.axes
    columns, text, tags = fit_columns(name, dataset, settings, axes)
    history = HistorySpace.fit(name, dataset, settings.inputs)
    with torch_threads(run), memory_errors(name):
        items, texts = ItemTensors.of(columns, settings, device), None
        if settings.inputs.text_layers:
            texts = LearningTexts.of(name, dataset, settings, text, run)
        model = NeuralModel(
            settings, history, tags, items, dataset.n_items, device,
            shares=body is not None, texts=texts,
        )  # fmt: skip
        split = settings if chosen is None else without_validation(settings)
        examples = Examples.of(dataset, history, split, model.body.causal, run.seed)
        columns = replace(columns, counts=examples.counts)
        model.items = ItemTensors.of(columns, settings, device)
        known = columns.evidence(settings.inputs.ids)
        start = None if body is None else PretrainedStart(body.weights, rate)
        trainer = Trainer(
            name=name, run=run, key=key, model=model, examples=examples, candidates=known,
            start=start, chosen=chosen,
        )  # fmt: skip
        course = trainer.train()
        gains = trainer.gains() if judged else np.zeros(0)
        spaces, about = Spaces(text, tags, history), events_digest(dataset)
        fitted = Fitted.of(model, spaces, known, examples.comes_back, course, about)
    return Trained(fitted, gains, course.before)


def retrained(
    name: str,
    before: Fitted,
    dataset: Dataset,
    run: RunOptions,
    *,
    body: PretrainedBody | None = None,
    rate: float = 0.0,
) -> Fitted:
    """Train a model again on other events of the same catalogue, for as long as was chosen.

    What the fit found stays in the report: there is no validation here.
    """
    settings, chosen = before.model.settings, before.chosen
    again = trained(name, dataset, settings, run, body=body, rate=rate, chosen=chosen).fitted
    return replace(
        again, epochs=before.epochs, best=before.best, planned=before.planned, start=before.start,
        refitted=True,
    )  # fmt: skip


def without_validation(settings: NeuralSettings) -> NeuralSettings:
    """Return the settings with nothing held out."""
    training = settings.training.model_copy(update={"validation_share": 0.0})
    return settings.model_copy(update={"training": training})


def events_digest(dataset: Dataset) -> str:
    """Return a digest of all events of a dataset."""
    digest, events = hashlib.sha256(), dataset.events
    for column in (events.users, events.items, events.types, events.times, events.weights):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
