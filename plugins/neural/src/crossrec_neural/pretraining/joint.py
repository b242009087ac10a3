"""The training of one body on several scenarios, batch by batch in turn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.numeric.ragged import IntArray
from torch import Tensor, nn

from crossrec_neural.pretraining.scenario import ScenarioTask, batches, scarce
from crossrec_neural.settings import CommonTraining
from crossrec_neural.training.loop import Training
from crossrec_neural.training.schedule import Schedule

#: Share of the steps that are taken as in a new scenario: little data, and nothing of its own.
SCARCE = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class JointTraining(Training):
    """Trains what is around the body for each scenario, and the body on all of them.

    A scenario has as many of the steps as the root of its events says, so that a large one does not
    drown the others.
    """

    tasks: tuple[ScenarioTask, ...]

    @cached_property
    def module(self) -> nn.Module:
        """The models of the scenarios; they have the body in common."""
        return nn.ModuleList([task.own.model for task in self.tasks])

    @property
    def settings(self) -> CommonTraining:
        """How long and how fast."""
        return self.tasks[0].own.settings

    @cached_property
    def plan(self) -> IntArray:
        """The number of the scenario of each step of an epoch, ascending."""
        examples = [task.own.examples for task in self.tasks]
        weights = np.sqrt([one.targets for one in examples])
        total = sum(one.batches(self.settings.batch_size) for one in examples)
        steps = np.maximum(1, np.round(total * weights / weights.sum())).astype(np.int64)
        return np.repeat(np.arange(len(steps)), steps)

    def begin(self) -> float | None:
        """Set the first weights, and judge them: a body that is worse than none is not kept."""
        for task in self.tasks:
            task.begin(self.run.seed)
        return self.ndcg()

    def schedule(self) -> Schedule:
        """Return how many epochs of how many steps there are at most."""
        blind = not any(len(task.own.examples.held_out) for task in self.tasks)
        return Schedule.of(self.settings, len(self.plan), self.run, blind=blind)

    def losses(self, epoch: int) -> Iterator[tuple[Tensor, int]]:
        """Yield the loss of each batch: of a scenario as it is, or as a new one."""
        rng = np.random.default_rng([self.run.seed, 2, epoch])
        self.tasks[0].shared.noise.seed(self.run.seed, epoch)
        whole = [batches(task.own.examples, task.own, rng) for task in self.tasks]
        few = []
        for task in self.tasks:
            part = scarce(task.own.examples, self.settings.batch_size, rng)
            few.append(batches(part, task.bare, rng))
        order = rng.permutation(self.plan)
        for at, new in zip(order, rng.random(len(order)) < SCARCE, strict=True):
            trainer = self.tasks[at].bare if new else self.tasks[at].own
            batch, negatives = next(few[at] if new else whole[at])
            loss = trainer.loss(batch, negatives, rng)
            yield loss, int((batch.targets != PAD).sum())

    def ndcg(self) -> float | None:
        """Return the mean over the scenarios, each with its own parts and without; or None."""
        found = [ndcg for task in self.tasks if (ndcg := task.ndcg()) is not None]
        return float(np.mean(found)) if found else None

    def about(self) -> str:
        """Return a digest of events, texts and settings that a checkpoint belongs to."""
        digest = hashlib.sha256()
        for task in self.tasks:
            digest.update(f"{task.name} {task.own.about()}".encode())
            digest.update(task.own.model.items.text.cpu().numpy().tobytes())
        return digest.hexdigest()
