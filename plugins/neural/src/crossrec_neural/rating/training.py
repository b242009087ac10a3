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
#: Penalties that are tried for the weighted sum, in ratings.
_PENALTIES = tuple(10.0**power for power in (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5))


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

    The weighted sum starts as ridge regression, whose penalty is chosen on the held-out ratings,
    and is trained on with the hidden layer. Biases alone serve where nothing is better than they
    are on the held-out ratings by more than the standard error of the difference: a smaller gain is
    as likely to be a loss elsewhere. The same seed gives the same weights on one thread.

    Returns
    -------
    errors : list of float
        Mean squared error on the held-out ratings in halves of the scale: of the biases alone, with
        the ridge regression, and after each epoch.
    best : int
        Which of them serves.

    Raises
    ------
    CrossrecError
        If the loss is not finite.
    """
    settings = network.settings.training
    network.begin(run.seed)
    course = _Course(network, examples, run)
    plain, alone = network.arrays(), course.wrong()
    errors, best, weights = [float(alone.mean())], 0, plain
    errors.append(course.ridge())
    if errors[1] < errors[0]:
        best, weights = 1, network.arrays()
    for epoch in range(course.schedule.epochs):
        if course.schedule.late or epoch - max(best - 1, 0) >= settings.patience:
            break
        run.progress(_line(name, errors, best), *course.place(epoch))
        if not course.epoch(epoch):
            raise CrossrecError(
                f"{name}: the loss is not finite in epoch {epoch + 1}: lower training.learning_rate"
            )
        errors.append(course.error())
        if errors[-1] < errors[best]:
            best, weights = epoch + 2, network.arrays()
    network.take(weights)
    gain = alone - course.wrong()
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        best = 0
        network.take(plain)
    return errors, best


class _Course:
    """The steps of one training."""

    def __init__(self, network: RatingNetwork, examples: RatingExamples, run: RunOptions) -> None:
        settings = network.settings.training
        self._network, self._seed, self._size = network, run.seed, settings.batch_size
        self._rate, self._learnt = settings.learning_rate, examples.learnt
        self._pairs = network.tensors(examples.pairs)
        network.standardise(self._pairs.take(network.moved(examples.learnt)))
        self._left = network.moved(examples.left.astype(np.float32))
        held_out = network.moved(examples.held_out)
        self._held, self._truth = self._pairs.take(held_out), examples.left[examples.held_out]
        batches = -(-len(examples.learnt) // settings.batch_size)
        self.schedule = Schedule.of(settings, batches, run, blind=False)
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    def place(self, epoch: int) -> tuple[int, int]:
        """Return how many steps are done before an epoch, and how many there are at most."""
        return epoch * self.schedule.batches, self.schedule.steps

    def wrong(self) -> RealArray:
        """Return the squared error of each held-out rating."""
        wrong: RealArray = (self._network.added(self._held) - self._truth) ** 2
        return wrong

    def error(self) -> float:
        """Return the mean squared error on the held-out ratings."""
        return float(self.wrong().mean())

    def ridge(self) -> float:
        """Let the weighted sum start as ridge regression; return its error, or that of 0 weights.

        In closed form for each penalty (Hoerl & Kennard, 1970).
        """
        network = self._network
        x = network.standardised(self._pairs.take(network.moved(self._learnt))).cpu().numpy()
        held = network.standardised(self._held).cpu().numpy()
        values, axes = np.linalg.eigh(x.T.astype(np.float64) @ x)
        right = axes.T @ (x.T @ self._left.cpu().numpy()[self._learnt])
        tried = [axes @ (right / (values.clip(min=0) + penalty)) for penalty in _PENALTIES]
        tried.append(np.zeros(x.shape[1]))
        errors = [float(((held @ weights - self._truth) ** 2).mean()) for weights in tried]
        network.weigh(tried[int(np.argmin(errors))])
        return self.error()

    def epoch(self, epoch: int) -> bool:
        """Take the steps of one epoch; return whether the loss stayed finite."""
        network = self._network
        network.noise.seed(self._seed, epoch + 1)
        order = np.random.default_rng([self._seed, epoch]).permutation(self._learnt)
        network.train()
        for number in range(self.schedule.batches):
            rows = network.moved(order[number * self._size : (number + 1) * self._size])
            for group in self._optimiser.param_groups:
                group["lr"] = self._rate * self.schedule.share(self.place(epoch)[0] + number)
            self._optimiser.zero_grad()
            loss = ((network(self._pairs.take(rows)) - self._left[rows]) ** 2).mean()
            if not torch.isfinite(loss):
                return False
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(network.parameters(), _LONGEST)
            self._optimiser.step()
        return True


def _line(name: str, errors: list[float], best: int) -> str:
    """Return one line for people."""
    if len(errors) == 1:
        return f"training {name}"
    return (
        f"training {name}: squared error {errors[-1]:.4f} on the latest ratings, best "
        f"{errors[best]:.4f}, biases alone {errors[0]:.4f}"
    )
