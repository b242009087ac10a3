"""The one training loop: epochs of steps, validation after each, stopping in time, going on."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from crossrec.components.run import RunOptions
from crossrec.errors import CrossrecError
from torch import Tensor, nn

from crossrec_neural.settings import CommonTraining
from crossrec_neural.training.model import TEXTS, set_weights, weights_of
from crossrec_neural.training.progress import KEY, Arrays, Epoch, TrainingState, keep, resumed
from crossrec_neural.training.schedule import Schedule

#: What the names of the weights of a body begin with in a model.
BODY = "body."
#: Gradients longer than this are shortened.
_LONGEST = 5.0
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True, eq=False)
class Training(ABC):
    """What is trained, by which losses, and what judges it.

    Attributes
    ----------
    name : str
        For messages.
    key : str
        Name of what it keeps among the checkpoints of the run.
    """

    name: str
    run: RunOptions
    key: str = KEY

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """Holds every weight; those of bodies have ``body.`` in their names."""

    @property
    @abstractmethod
    def settings(self) -> CommonTraining:
        """How long and how fast."""

    @abstractmethod
    def begin(self) -> float | None:
        """Set the first weights; return their validation ndcg@10 where they may serve, or None."""

    @abstractmethod
    def schedule(self) -> Schedule:
        """Return how many epochs of how many steps there are at most."""

    @abstractmethod
    def losses(self, epoch: int) -> Iterator[tuple[Tensor, int]]:
        """Yield the mean loss of each step of an epoch, and over how many predictions it is."""

    @abstractmethod
    def ndcg(self) -> float | None:
        """Return the validation ndcg@10; None where nothing is held out."""

    @abstractmethod
    def about(self) -> str:
        """Return a digest of the data and settings that a checkpoint belongs to."""

    def body_rate(self, epoch: int, epochs: int) -> float:
        """Return the learning rate of the bodies in an epoch, relative to that of the rest."""
        return 1.0

    def text_rate(self) -> float:
        """Return the learning rate of layers of a text encoder; 0 where none learn."""
        return 0.0

    def train(self) -> TrainingState:
        """Train, leave the best weights in the module and return how it went.

        Every epoch draws from a seed of its own, and what is needed to go on is kept after each, so
        that a killed fit goes on to the same result.

        Raises
        ------
        CrossrecError
            If the loss is not finite.
        """
        before = self.begin()
        first = {} if before is None else weights_of(self.module)
        state = TrainingState(weights=first, before=before)
        optimiser, about = self._optimiser(), self.about()
        if found := resumed(self.run.checkpoints, about, self.key):
            state, now, moments = found
            set_weights(self.module, now)
            self._take_moments(optimiser, moments)
        schedule = self.schedule()
        state.planned = schedule.epochs
        while not self._done(state, schedule):
            started = time.monotonic()
            loss = self._epoch(state, optimiser, schedule)
            ndcg, weights = self.ndcg(), weights_of(self.module)
            left = schedule.left((len(state.epochs) + 1) * schedule.batches)
            state.add(Epoch(loss, ndcg, time.monotonic() - started, left), weights)
            moments = self._moments(optimiser)
            keep(self.run.checkpoints, state, weights, moments, about, self.key)
        if state.weights:
            set_weights(self.module, state.weights)
        return state

    def _epoch(
        self, state: TrainingState, optimiser: torch.optim.Optimizer, schedule: Schedule
    ) -> float:
        """Take the steps of the next epoch and return the mean loss."""
        epoch, total, count = len(state.epochs), 0.0, 0
        line = state.line(self.name, schedule.epochs)
        self.module.train()
        rates = self._rates(self.body_rate(epoch, schedule.epochs))
        for number, (loss, predictions) in enumerate(self.losses(epoch)):
            done = epoch * schedule.batches + number
            self.run.progress(line, done, schedule.steps)
            value = float(loss.detach())
            if not np.isfinite(value):
                raise CrossrecError(
                    f"{self.name}: the loss is not finite in epoch {epoch + 1}: lower "
                    "training.learning_rate or raise loss.temperature"
                )
            share = schedule.share(done)
            for group in optimiser.param_groups:
                group["lr"] = rates[group["part"]] * share
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), _LONGEST)
            optimiser.step()
            total += value * predictions
            count += predictions
        return total / max(count, 1)

    def _done(self, state: TrainingState, schedule: Schedule) -> bool:
        tired = state.waited >= self.settings.patience
        return len(state.epochs) >= schedule.epochs or (
            len(state.epochs) > 0 and (tired or schedule.late)
        )

    def _optimiser(self) -> torch.optim.Optimizer:
        """Return AdamW; only the matrices of bodies decay."""
        groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
        for name, weight in self.module.named_parameters():
            part = TEXTS if name.startswith(TEXTS) else BODY if BODY in name else ""
            groups.setdefault((part, part == BODY and weight.ndim > 1), []).append(weight)
        parts: list[dict[str, Any]] = [
            {"params": of, "part": part, "weight_decay": self.settings.weight_decay * decays}
            for (part, decays), of in groups.items()
        ]
        return torch.optim.AdamW(parts, lr=self.settings.learning_rate)

    def _rates(self, body: float) -> dict[str, float]:
        """Return the learning rate of each part of the model at its height."""
        rate = self.settings.learning_rate
        return {"": rate, BODY: rate * body, TEXTS: self.text_rate()}

    def _moments(self, optimiser: torch.optim.Optimizer) -> Arrays:
        """Return what the optimiser knows of each weight, copied."""
        return {
            f"{name}:{key}": np.array(optimiser.state[weight][key].detach().cpu().numpy())
            for name, weight in self.module.named_parameters()
            if weight in optimiser.state
            for key in _MOMENTS
        }

    def _take_moments(self, optimiser: torch.optim.Optimizer, moments: Arrays) -> None:
        for name, weight in self.module.named_parameters():
            for key in _MOMENTS:
                if f"{name}:{key}" in moments:
                    value = torch.tensor(np.array(moments[f"{name}:{key}"]))
                    value = value if key == "step" else value.to(weight.device)
                    optimiser.state[weight][key] = value
