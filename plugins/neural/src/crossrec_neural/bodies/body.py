"""What a body is: from the vectors of a history to a state at each of its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Context:
    """What a body may know of a batch besides the vectors.

    Attributes
    ----------
    mask : bool tensor, shape (n, length)
        True at real events; padding stands behind them.
    times : float64 tensor, same shape
        Seconds; NaN where not known.
    """

    mask: Tensor
    times: Tensor


class Body(nn.Module):
    """Base of all bodies.

    Attributes
    ----------
    causal : bool
        Whether the state at an event depends on it and the events before alone; the next event is
        then predicted at each. Else one state stands for the history, and predicts all of it.
    """

    causal: ClassVar[bool] = True

    def items(self, vectors: Tensor) -> Tensor:
        """Return what candidates are compared by, (m, size), from the vectors of items."""
        return vectors

    def pairs(self, states: Tensor, vectors: Tensor) -> Tensor:
        """Return the score of each state and the vector in its place, (…), from (…, size) each."""
        return (states * vectors).sum(dim=-1)

    def scores(self, states: Tensor, vectors: Tensor) -> Tensor:
        """Return the scores of all vectors for each state, (m, c)."""
        return states @ vectors.T

    def begin_epoch(self, epoch: int) -> None:
        """Prepare for an epoch of training, counted from 0."""

    def extra_loss(self) -> Tensor | None:
        """Return what the last batch adds to the loss, as a sum over its histories."""
        return None


def causal_mask(length: int, device: torch.device) -> Tensor:
    """Return which event may see which, bool (length, length): itself and those before."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()
