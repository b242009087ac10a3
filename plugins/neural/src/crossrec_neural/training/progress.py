"""Where a training stands: what is kept in checkpoints, reported and printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from crossrec.components.run import Checkpoints
from crossrec.components.state import State
from crossrec.numeric.units import time_text
from numpy.typing import NDArray

#: Name of the part that a training keeps.
KEY = "training"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Epoch:
    """One pass over the data.

    Attributes
    ----------
    loss : float
        Mean over the predictions.
    ndcg : float or None
        ndcg@10 on what was held out, if anything was.
    seconds : float
    left : float
        How much of the training was left at its end, of 1; the learning rate goes by it.
    """

    loss: float
    ndcg: float | None
    seconds: float
    left: float


@dataclass(frozen=True)
class Chosen:
    """What validation chose at a fit, for a training on more events.

    Attributes
    ----------
    epochs : int
        As many as served; 0 where nothing that was trained did.
    planned : int
        Epochs at most.
    left : float
        As in `Epoch`, at the end of the last one.
    """

    epochs: int
    planned: int
    left: float


@dataclass
class TrainingState:
    """What a training goes on from.

    Attributes
    ----------
    epochs : list of Epoch
        Those that are done.
    best : int
        Number of the best one, from 0 on; -1 before there is any.
    weights : arrays by name
        Of the best one; before there is any those that may serve untrained, if any.
    before : float or None
        Validation ndcg of the untrained weights, where they may serve.
    planned : int
        Epochs at most.
    """

    epochs: list[Epoch] = field(default_factory=list)
    best: int = -1
    weights: Arrays = field(default_factory=dict)
    before: float | None = None
    planned: int = 0

    @property
    def best_ndcg(self) -> float | None:
        """The best validation ndcg; None without validation."""
        return self.epochs[self.best].ndcg if self.best >= 0 else self.before

    @property
    def waited(self) -> int:
        """Epochs since the best one."""
        return len(self.epochs) - 1 - self.best

    def add(self, epoch: Epoch, weights: Arrays) -> None:
        """Take in an epoch; without validation the last one is the best."""
        best = self.best_ndcg
        self.epochs.append(epoch)
        if epoch.ndcg is None or best is None or epoch.ndcg > best:
            self.best, self.weights = len(self.epochs) - 1, weights

    def line(self, name: str, most: int) -> str:
        """Return one line for people: loss, validation ndcg, best, time left at most."""
        if not self.epochs:
            return f"training {name}"
        last = self.epochs[-1]
        parts = [f"training {name}: loss {last.loss:.3f}"]
        if last.ndcg is not None:
            parts.append(f"validation ndcg@10 {last.ndcg:.4f}")
            where = f"in epoch {self.best + 1}" if self.best >= 0 else "before training"
            parts.append(f"best {self.best_ndcg:.4f} {where}")
        left = (most - len(self.epochs)) * float(np.mean([one.seconds for one in self.epochs]))
        parts.append(f"at most {time_text(left)} left")
        return ", ".join(parts)


def keep(
    checkpoints: Checkpoints,
    state: TrainingState,
    now: Arrays,
    moments: Arrays,
    about: str,
    key: str = KEY,
) -> None:
    """Keep where a training stands.

    Parameters
    ----------
    now, moments : arrays by name
        Weights after the last epoch, and what the optimiser knows.
    about : str
        Of the data and settings that it belongs to.
    """
    groups = {"now": now, "moment": moments, "best": state.weights}
    arrays = {f"{group}:{name}": a for group, part in groups.items() for name, a in part.items()}
    epochs = [asdict(epoch) for epoch in state.epochs]
    values = {"about": about, "best": state.best, "before": state.before, "epochs": epochs}
    checkpoints.put(key, State(arrays, values))


def resumed(
    checkpoints: Checkpoints, about: str, key: str = KEY
) -> tuple[TrainingState, Arrays, Arrays] | None:
    """Return what `keep` kept: state, weights, moments; None where there is nothing to go on from.

    What belongs to other data or settings is left alone: training begins anew.
    """
    kept = checkpoints.get(key)
    if kept is None or kept.values.get("about") != about:
        return None
    epochs = [Epoch(**values) for values in kept.values["epochs"]]
    values, best = kept.values, _group(kept.arrays, "best")
    state = TrainingState(epochs, int(values["best"]), best, values.get("before"))
    return state, _group(kept.arrays, "now"), _group(kept.arrays, "moment")


def _group(arrays: Mapping[str, NDArray[Any]], group: str) -> Arrays:
    start = f"{group}:"
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
