"""The one training loop: epochs of batches, validation after each, stopping in time."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

import numpy as np
import torch
from crossrec.components.candidates import PAD
from crossrec.components.run import RunOptions
from crossrec.errors import CrossrecError
from crossrec.numeric.ragged import BoolArray, IntArray
from torch import Tensor

from crossrec_neural.losses.losses import loss_of
from crossrec_neural.losses.negatives import Negatives
from crossrec_neural.training.examples import Batch, Examples, real_targets
from crossrec_neural.training.model import NeuralModel, distinct
from crossrec_neural.training.progress import Arrays, Epoch, TrainingState, keep, resumed
from crossrec_neural.training.schedule import Schedule
from crossrec_neural.training.validation import held_out_gains

#: Gradients longer than this are shortened.
_LONGEST = 5.0
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True, eq=False)
class Trainer:
    """Trains a model on examples.

    Attributes
    ----------
    candidates : bool array, shape (n_items,)
        What validation ranks.
    """

    name: str
    model: NeuralModel
    examples: Examples
    candidates: BoolArray
    run: RunOptions

    def train(self) -> TrainingState:
        """Train, leave the best weights in the model and return how it went.

        Every epoch draws from a seed of its own, and what is needed to go on is kept after each, so
        that a killed fit goes on to the same result.

        Raises
        ------
        CrossrecError
            If the loss is not finite.
        """
        self.model.begin(self.run.seed)
        optimiser = self._optimiser()
        about, state = self._about(), TrainingState()
        if found := resumed(self.run.checkpoints, about):
            state, now, moments = found
            self.model.take(now)
            self._take_moments(optimiser, moments)
        schedule = self._schedule()
        while not self._done(state, schedule):
            started = time.monotonic()
            loss = self._epoch(state, optimiser, schedule)
            ndcg = self._ndcg()
            weights = self.model.arrays()
            state.add(Epoch(loss, ndcg, time.monotonic() - started), weights)
            keep(self.run.checkpoints, state, weights, self._moments(optimiser), about)
        if state.weights:
            self.model.take(state.weights)
        return state

    def loss(self, batch: Batch, negatives: Negatives, rng: np.random.Generator) -> Tensor:
        """Return the loss of one batch: next items, heads, and what the body adds."""
        model, targets = self.model, real_targets(batch)
        sample = negatives.draw(rng)
        window, place, number = self._labelled(batch)
        items = self.examples.labelled.items[number]
        inputs = np.maximum(batch.histories.items, 0)
        ids, (inputs, right, others, shown) = distinct(inputs, targets, sample.items, items)
        vectors = model.tower(model.items, model.moved(ids))
        real = model.moved(batch.histories.items != PAD)
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

    def _epoch(
        self, state: TrainingState, optimiser: torch.optim.Optimizer, schedule: Schedule
    ) -> float:
        """Take the steps of the next epoch and return the mean loss."""
        settings, model, epoch = self.model.settings.training, self.model, len(state.epochs)
        rng = np.random.default_rng([self.run.seed, 2, epoch])
        model.noise.seed(self.run.seed, epoch)
        model.train()
        model.body.begin_epoch(epoch)
        negatives = Negatives(self.examples.counts, model.settings.loss)
        batches = self.examples.order(settings.batch_size, rng)
        total = 0.0
        for number, chosen in enumerate(batches):
            done = epoch * len(batches) + number
            self.run.progress(state.line(self.name, schedule.epochs), done, schedule.steps)
            batch = self.examples.batch(chosen)
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * schedule.share(done)
            optimiser.zero_grad()
            loss = self.loss(batch, negatives, rng)
            value = float(loss.detach())
            if not np.isfinite(value):
                raise CrossrecError(
                    f"{self.name}: the loss is not finite in epoch {epoch + 1}: lower "
                    "training.learning_rate or raise loss.temperature"
                )
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), _LONGEST)
            optimiser.step()
            total += value * int((batch.targets != PAD).sum())
        return total / max(self.examples.targets, 1)

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

    def _labelled(self, batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the events that heads learn from in a batch, as `LabelledEvents.within` does."""
        if not self.model.heads.reads_events:
            none = np.zeros(0, dtype=np.int64)
            return none, none, none
        return self.examples.labelled.within(batch.starts, batch.histories.lengths)

    def _ndcg(self) -> float | None:
        if not len(self.examples.held_out):
            return None
        return float(held_out_gains(self.model, self.examples.held_out, self.candidates).mean())

    def _schedule(self) -> Schedule:
        settings = self.model.settings.training
        batches = self.examples.batches(settings.batch_size)
        return Schedule.of(settings, batches, self.run, blind=not len(self.examples.held_out))

    def _done(self, state: TrainingState, schedule: Schedule) -> bool:
        tired = state.waited >= self.model.settings.training.patience
        return len(state.epochs) >= schedule.epochs or (
            len(state.epochs) > 0 and (tired or schedule.late)
        )

    def _optimiser(self) -> torch.optim.Optimizer:
        """Return AdamW; only the matrices of the body decay."""
        settings, named = self.model.settings.training, list(self.model.named_parameters())
        matrices = {name for name, w in named if name.startswith("body.") and w.ndim > 1}
        groups = [
            {"params": [w for name, w in named if (name in matrices) == decays], "weight_decay": by}
            for decays, by in ((True, settings.weight_decay), (False, 0.0))
        ]
        return torch.optim.AdamW(groups, lr=settings.learning_rate)

    def _moments(self, optimiser: torch.optim.Optimizer) -> Arrays:
        """Return what the optimiser knows of each weight, copied."""
        return {
            f"{name}:{key}": np.array(optimiser.state[weight][key].detach().cpu().numpy())
            for name, weight in self.model.named_parameters()
            if weight in optimiser.state
            for key in _MOMENTS
        }

    def _take_moments(self, optimiser: torch.optim.Optimizer, moments: Arrays) -> None:
        for name, weight in self.model.named_parameters():
            for key in _MOMENTS:
                if f"{name}:{key}" in moments:
                    value = torch.tensor(np.array(moments[f"{name}:{key}"]))
                    value = value if key == "step" else value.to(weight.device)
                    optimiser.state[weight][key] = value

    def _about(self) -> str:
        """Return a digest of the data and settings that a checkpoint belongs to."""
        digest = hashlib.sha256(self.model.settings.model_dump_json().encode())
        histories = self.examples.histories
        for array in (histories.rows.indptr, histories.rows.values, self.examples.held_out.targets):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(str((len(self.candidates), self.run.seed, self.run.effort)).encode())
        return digest.hexdigest()
