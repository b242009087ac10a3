"""What is added to the biases: a small network over the pair, and a product of own vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray
from torch import Tensor, nn

from crossrec_neural.bodies.layers import Dropout, Noise, ZeroLinear, start
from crossrec_neural.rating.inputs import PairInputs
from crossrec_neural.rating.settings import RatingSettings

#: A feature whose spread is below this says nothing.
_STILL = 1e-6


@dataclass(frozen=True, eq=False)
class PairTensors:
    """What the network reads of `n` pairs: features, indexes, and how much own vectors count."""

    features: Tensor
    users: Tensor
    items: Tensor
    gate: Tensor

    def take(self, rows: Tensor) -> PairTensors:
        """Return the chosen pairs."""
        return PairTensors(self.features[rows], self.users[rows], self.items[rows], self.gate[rows])


class OwnVectors(nn.Module):
    """The product of a vector of the user and one of the item; items start at zero."""

    def __init__(self, n_users: int, n_items: int, size: int) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(n_users, size), nn.Embedding(n_items, size)

    def start(self) -> None:
        """Let no product count at first; short vectors of the users give the items a direction."""
        nn.init.zeros_(self.items.weight)

    def forward(self, users: Tensor, items: Tensor, gate: Tensor) -> Tensor:
        """Return one number for each pair; 0 where an index is -1."""
        known = gate * (users >= 0) * (items >= 0)
        product: Tensor = self.users(users.clamp(min=0)) * self.items(items.clamp(min=0))
        return known * product.sum(dim=1)


class RatingNetwork(nn.Module):
    """Adds to a bias model, in units of half of the scale; it starts by adding nothing.

    A weighted sum of the features, what a hidden layer makes of them, and a product of own vectors.
    """

    middle: Tensor
    spread: Tensor

    def __init__(
        self, width: int, n_users: int, n_items: int, settings: RatingSettings, device: str
    ) -> None:
        super().__init__()
        self.settings, self.noise = settings, Noise(device)
        self.sum = ZeroLinear(width, 1)
        self.first, self.last = nn.Linear(width, settings.hidden), ZeroLinear(settings.hidden, 1)
        self.register_buffer("middle", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.dropout = Dropout(settings.dropout, self.noise)
        self.own = OwnVectors(max(n_users, 1), max(n_items, 1), settings.factors)
        self.device = torch.device(device)
        self.to(self.device)

    def begin(self, seed: int) -> None:
        """Set the first weights by a seed."""
        self.noise.seed(seed, 0)
        start(self, self.noise)

    def standardise(self, pairs: PairTensors) -> None:
        """Learn the mean and the spread of each feature; what never changes is read as 0."""
        spread, middle = torch.std_mean(pairs.features, dim=0, correction=0)
        self.middle.copy_(middle)
        self.spread.copy_(torch.where(spread > _STILL, spread, torch.inf))

    def tensors(self, pairs: PairInputs) -> PairTensors:
        """Return pairs as the network reads them, on its device."""
        evidence = self.settings.evidence
        columns = (pairs.features(evidence), pairs.users, pairs.items, pairs.gate(evidence))
        return PairTensors(*(self.moved(column) for column in columns))

    def forward(self, pairs: PairTensors) -> Tensor:
        """Return what is added for each pair, float32 (n,)."""
        features = self.standardised(pairs)
        hidden = self.dropout(nn.functional.gelu(self.first(features)))
        added: Tensor = (self.sum(features) + self.last(hidden))[:, 0]
        if self.settings.factors:
            added = added + self.own(pairs.users, pairs.items, pairs.gate)
        return added

    def standardised(self, pairs: PairTensors) -> Tensor:
        """Return the features in units of their spread, (n, width)."""
        return (pairs.features - self.middle) / self.spread

    def weigh(self, weights: NDArray[np.float64]) -> None:
        """Set the weights of the sum."""
        with torch.no_grad():
            self.sum.weight.copy_(self.moved(weights.astype(np.float32))[None])

    def added(self, pairs: PairTensors) -> FloatArray:
        """Return the same as an array, without training anything."""
        self.eval()
        with torch.no_grad():
            found: FloatArray = self(pairs).cpu().numpy()
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all weights, copied."""
        return {name: np.array(w.detach().cpu().numpy()) for name, w in self.state_dict().items()}

    def take(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned."""
        self.load_state_dict({name: torch.tensor(np.array(w)) for name, w in arrays.items()})

    def on(self, device: str) -> None:
        """Move the network to a device, to serve there."""
        self.device = torch.device(device)
        self.to(self.device)
        self.eval()

    def moved(self, array: NDArray[Any]) -> Tensor:
        """Return an array on the network's device."""
        return torch.tensor(np.ascontiguousarray(array), device=self.device)
