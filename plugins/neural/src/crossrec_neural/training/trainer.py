"""The training of one model on one dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.numeric.ragged import BoolArray, IntArray
from numpy.typing import NDArray
from torch import Tensor

from crossrec_neural.losses.losses import loss_of
from crossrec_neural.losses.negatives import Negatives
from crossrec_neural.settings import TrainingSettings
from crossrec_neural.training.examples import Batch, Examples, real_targets
from crossrec_neural.training.loop import Training
from crossrec_neural.training.model import NeuralModel, distinct, set_weights
from crossrec_neural.training.progress import Chosen
from crossrec_neural.training.schedule import Schedule
from crossrec_neural.training.validation import held_out_gains

#: Share of the epochs in which a pretrained body rests, while what is around it finds its place.
_RESTING = 0.25


@dataclass(frozen=True, eq=False)
class PretrainedStart:
    """A body that was trained elsewhere.

    Attributes
    ----------
    weights : arrays by name
        Of the model, from ``body.`` on.
    rate : float
        Learning rate of the body relative to that of the rest, once it no longer rests.
    """

    weights: Mapping[str, NDArray[Any]]
    rate: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Trainer(Training):
    """Trains a model on examples.

    Attributes
    ----------
    candidates : bool array, shape (n_items,)
        What validation ranks.
    start : PretrainedStart, optional
        Where the body comes from; then the model may serve as it is, and does where there is
        nothing to judge by whether training makes it better.
    chosen : Chosen, optional
        How long to train, where a fit on fewer events has chosen that.
    """

    model: NeuralModel
    examples: Examples
    candidates: BoolArray
    start: PretrainedStart | None = None
    chosen: Chosen | None = None

    @property
    def module(self) -> NeuralModel:
        """The model."""
        return self.model

    @property
    def settings(self) -> TrainingSettings:
        """How long and how fast."""
        return self.model.settings.training

    def begin(self) -> float | None:
        """Set the first weights; a pretrained start has an ndcg@10 before any training."""
        self.model.begin(self.run.seed)
        if self.start is None:
            return None
        set_weights(self.model, self.start.weights)
        return self.ndcg() or 0.0

    def schedule(self) -> Schedule:
        """Return the schedule; a pretrained start is not trained blindly.

        What was chosen is trained along the part of the fall that it had at the fit.
        """
        if self.chosen is not None:
            return self._chosen_schedule(self.chosen)
        blind = not len(self.examples.held_out)
        if blind and self.start is not None:
            return Schedule(0, 0)
        batches = self.examples.batches(self.settings.batch_size)
        return Schedule.of(self.settings, batches, self.run, blind=blind)

    def _chosen_schedule(self, chosen: Chosen) -> Schedule:
        batches = self.examples.batches(self.settings.batch_size)
        steps = chosen.epochs * batches
        return Schedule(chosen.epochs, batches, fall=steps / max(1.0 - chosen.left, 1e-6))

    def body_rate(self, epoch: int, epochs: int) -> float:
        """Return 0 while a pretrained body rests, then its own rate."""
        if self.start is None:
            return 1.0
        epochs = epochs if self.chosen is None else self.chosen.planned
        return 0.0 if epoch < ceil(_RESTING * epochs) else self.start.rate

    def text_rate(self) -> float:
        """Return the learning rate of layers of the text encoder."""
        return self.settings.text_learning_rate

    def losses(self, epoch: int) -> Iterator[tuple[Tensor, int]]:
        """Yield the loss of each batch, and its number of targets."""
        rng = np.random.default_rng([self.run.seed, 2, epoch])
        self.model.noise.seed(self.run.seed, epoch)
        self.model.body.begin_epoch(epoch)
        self.model.refresh_texts()
        negatives = Negatives(self.examples.counts, self.model.settings.loss)
        for chosen in self.examples.order(self.settings.batch_size, rng):
            batch = self.examples.batch(chosen)
            yield self.loss(batch, negatives, rng), int((batch.targets != PAD).sum())

    def loss(self, batch: Batch, negatives: Negatives, rng: np.random.Generator) -> Tensor:
        """Return the loss of one batch: next items, heads, and what the body adds."""
        model, targets = self.model, real_targets(batch)
        sample = negatives.draw(rng)
        window, place, number = self._labelled(batch)
        items = self.examples.labelled.items[number]
        inputs = np.maximum(batch.histories.items, 0)
        ids, (inputs, right, others, shown) = distinct(inputs, targets, sample.items, items)
        there = batch.histories.items != PAD
        vectors = model.some_vectors(ids, self._live(inputs[there], right, rng))
        real = model.moved(there)
        states = model.states(batch.histories, vectors[model.moved(inputs)] * real[..., None])
        at = states[model.moved(batch.targets != PAD)]
        compared = model.candidates(vectors)
        loss = loss_of(
            model.pairs(at, compared[model.moved(right)]),
            model.scores(at, compared[model.moved(others)]),
            self._hits(batch, targets, sample.items),
            sample.chance,
            model.settings.loss,
            len(negatives.items),
            rng,
        )
        category = model.heads.next_item(at, model.items.tags[model.moved(targets)])
        loss = loss if category is None else loss + category
        if len(number):
            labels = model.moved(self.examples.labelled.weights[number])
            seen = states[model.moved(window), model.moved(place)]
            loss = loss + model.heads.events(seen, vectors[model.moved(shown)], labels)
        extra = model.body.extra_loss()
        return loss if extra is None else loss + extra / len(targets)

    def _hits(self, batch: Batch, targets: IntArray, items: IntArray) -> BoolArray:
        """Return which sampled items are no negatives of each target, bool (m, c).

        The target itself; and where people don't come back to items, what their window has, since
        it will be no candidate: else most of the learning goes into pushing it down.
        """
        hits: BoolArray = targets[:, None] == items
        if self.examples.comes_back or self.examples.shift == 0:
            return hits
        window, place = np.nonzero(batch.histories.items != PAD)
        had = batch.histories.items[window, place]
        column = np.minimum(np.searchsorted(items, had), len(items) - 1)
        found = items[column] == had
        own = np.zeros((len(batch.targets), len(items)), dtype=bool)
        own[window[found], column[found]] = True
        return hits | own[np.nonzero(batch.targets != PAD)[0]]

    def _live(self, inputs: IntArray, right: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw the items of a batch whose texts pass layers that learn: each has a pull of its own.

        Of the histories and targets alone: what is only a negative is pushed, like all others.
        """
        if self.model.texts is None:
            return np.zeros(0, dtype=np.int64)
        able = np.unique(np.concatenate([inputs, right]))
        size = min(self.settings.text_items, len(able))
        return np.sort(rng.choice(able, size, replace=False))

    def _labelled(self, batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the events that heads learn from in a batch, as `LabelledEvents.within` does."""
        if not self.model.heads.reads_events:
            none = np.zeros(0, dtype=np.int64)
            return none, none, none
        return self.examples.labelled.within(batch.starts, batch.histories.lengths)

    def ndcg(self) -> float | None:
        """Return ndcg@10 on the held-out events; None without any."""
        if not len(self.examples.held_out):
            return None
        return float(self.gains().mean())

    def gains(self) -> NDArray[np.float64]:
        """Return ndcg@10 of each held-out event."""
        return held_out_gains(self.model, self.examples.held_out, self.candidates)

    def about(self) -> str:
        """Return a digest of the data and settings that a checkpoint belongs to."""
        digest = hashlib.sha256(self.model.settings.model_dump_json().encode())
        histories = self.examples.histories
        for array in (histories.rows.indptr, histories.rows.values, self.examples.held_out.targets):
            digest.update(np.ascontiguousarray(array).tobytes())
        for name, weight in sorted(self.start.weights.items()) if self.start else ():
            digest.update(name.encode() + np.ascontiguousarray(weight).tobytes())
        digest.update(np.ascontiguousarray(histories.profile).tobytes())
        if self.model.texts is not None:
            digest.update(str(self.model.texts.layers.state().values).encode())
        options = (len(self.candidates), self.run.seed, self.run.effort, self.chosen)
        digest.update(str(options).encode())
        return digest.hexdigest()
