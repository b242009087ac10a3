"""What bodies are built from: seeded noise, dropout, running means, a layer that starts at zero."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class Noise:
    """Random numbers of training, from a generator of its own: no other thread can disturb it."""

    def __init__(self, device: str) -> None:
        self.generator = torch.Generator(device)

    def seed(self, *numbers: int) -> None:
        """Begin anew; the same numbers give the same sequence."""
        state = np.random.SeedSequence(numbers).generate_state(2, np.uint32)
        self.generator.manual_seed((int(state[0]) << 31) ^ int(state[1]))

    def uniform(self, like: Tensor) -> Tensor:
        """Return numbers from 0 to 1 of the shape and device of another tensor."""
        return torch.rand(like.shape, generator=self.generator, device=like.device)

    def normal(self, like: Tensor) -> Tensor:
        """Return standard normal numbers of the shape and device of another tensor."""
        return torch.randn(like.shape, generator=self.generator, device=like.device)


class Dropout(nn.Module):
    """Leaves out a share of what passes, in training only (Srivastava et al., 2014)."""

    def __init__(self, share: float, noise: Noise) -> None:
        super().__init__()
        self.share, self.noise = share, noise

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with a share set to 0 and the rest scaled up."""
        if not self.training or not self.share:
            return x
        kept = self.noise.uniform(x) >= self.share
        return x * kept / (1.0 - self.share)


class ZeroLinear(nn.Linear):
    """A linear layer that starts at zero: what it ends leaves its input as it is at first."""

    def start(self) -> None:
        """Set the weights to zero."""
        nn.init.zeros_(self.weight)


class FeedForward(nn.Module):
    """Norm, two linear layers and dropout; the last one starts at zero."""

    def __init__(self, size: int, hidden: int, dropout: Dropout) -> None:
        super().__init__()
        self.norm, self.first = nn.LayerNorm(size), nn.Linear(size, hidden)
        self.last, self.dropout = ZeroLinear(hidden, size), dropout

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` and what the layers add to it."""
        hidden = nn.functional.gelu(self.first(self.norm(x)))
        added: Tensor = self.dropout(self.last(self.dropout(hidden)))
        return x + added


def decayed_mean(x: Tensor, decay: float) -> Tensor:
    """Return the mean of the events up to each one, older ones weighing less, (n, length, size)."""
    length = x.shape[1]
    at = torch.arange(length, device=x.device, dtype=torch.float64)
    distance = at[:, None] - at
    weights = torch.where(distance >= 0, decay ** distance.clamp(min=0), 0.0)
    weights = (weights / weights.sum(dim=1, keepdim=True)).to(x.dtype)
    return weights @ x


def start(module: nn.Module, noise: Noise, given: tuple[str, ...] = ()) -> None:
    """Set all weights by the seed: matrices normal by their width, norms 1, the rest 0.

    Those whose names begin with one of `given` stay. Modules with a method ``start`` then set
    their own.
    """
    with torch.no_grad():
        for name, weight in sorted(module.named_parameters()):
            if name.startswith(given):
                continue
            if weight.ndim >= 2:
                weight.copy_(noise.normal(weight) / weight.shape[-1] ** 0.5)
            else:
                weight.fill_(1.0 if name.endswith("weight") else 0.0)
        for part in reversed(list(module.modules())):  # parts before what they are parts of
            begin = getattr(part, "start", None)
            if callable(begin):
                begin()
