"""Training on what the biases leave; the best epoch on the latest ratings serves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from crossrec.components.run import RunOptions
from crossrec.errors import CrossrecError
from crossrec.numeric.biased_factors import IntArray, RealArray

from crossrec_neural.rating.inputs import PairInputs
from crossrec_neural.rating.network import RatingNetwork
from crossrec_neural.training.schedule import Schedule

#: Gradients longer than this are shortened.
_LONGEST = 1.0


@dataclass(frozen=True, eq=False)
class RatingExamples:
    """What is learnt and what the training is stopped by.

    Attributes
    ----------
    pairs : PairInputs, n rows
    left : float64 array, shape (n,)
        What the biases leave of each rating, in halves of the scale.
    learnt, held_out : int64 arrays
        Rows; the held-out ones are later.
    """

    pairs: PairInputs
    left: RealArray
    learnt: IntArray
    held_out: IntArray


def train(
    network: RatingNetwork, examples: RatingExamples, run: RunOptions, name: str
) -> tuple[list[float], int]:
    """Train and leave the best weights in the network.

    The same seed gives the same weights on one thread. The network as it starts, which adds nothing,
    is among the candidates: where no epoch is better on the held-out ratings, it serves.

    Returns
    -------
    errors : list of float
        Mean squared error on the held-out ratings in halves of the scale, before training and after
        each epoch.
    best : int
        Which of them serves.

    Raises
    ------
    CrossrecError
        If the loss is not finite.
    """
    settings = network.settings.training
    network.begin(run.seed)
    held = examples.pairs.take(examples.held_out)
    truth = examples.left[examples.held_out]
    errors, best, weights = [float((truth**2).mean())], 0, network.arrays()
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    batches = -(-len(examples.learnt) // settings.batch_size)
    schedule = Schedule.of(settings, batches, run, blind=False)
    for epoch in range(schedule.epochs):
        if schedule.late or epoch - best >= settings.patience:
            break
        run.progress(_line(name, errors, best), epoch * batches, schedule.steps)
        _epoch(network, optimiser, examples, schedule, epoch, run.seed, name)
        errors.append(float(((network.added(held) - truth) ** 2).mean()))
        if errors[-1] < errors[best]:
            best, weights = epoch + 1, network.arrays()
    network.take(weights)
    return errors, best


def _epoch(
    network: RatingNetwork,
    optimiser: torch.optim.Optimizer,
    examples: RatingExamples,
    schedule: Schedule,
    epoch: int,
    seed: int,
    name: str,
) -> None:
    """Take the steps of one epoch."""
    settings = network.settings.training
    network.noise.seed(seed, epoch + 1)
    order = np.random.default_rng([seed, epoch]).permutation(examples.learnt)
    network.train()
    for number in range(schedule.batches):
        rows = order[number * settings.batch_size : (number + 1) * settings.batch_size]
        for group in optimiser.param_groups:
            done = epoch * schedule.batches + number
            group["lr"] = settings.learning_rate * schedule.share(done)
        optimiser.zero_grad()
        left = torch.tensor(examples.left[rows], dtype=torch.float32, device=network.device)
        loss = ((network(examples.pairs.take(rows)) - left) ** 2).mean()
        if not torch.isfinite(loss):
            raise CrossrecError(
                f"{name}: the loss is not finite in epoch {epoch + 1}: lower training.learning_rate"
            )
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LONGEST)
        optimiser.step()


def _line(name: str, errors: list[float], best: int) -> str:
    """Return one line for people."""
    if len(errors) == 1:
        return f"training {name}"
    return (
        f"training {name}: squared error {errors[-1]:.4f} on the latest ratings, best "
        f"{errors[best]:.4f}, biases alone {errors[0]:.4f}"
    )
