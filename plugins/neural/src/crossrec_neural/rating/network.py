"""What is added to the biases: a small network over the pair, and a product of own vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray
from torch import Tensor, nn

from crossrec_neural.bodies.layers import Dropout, Noise, ZeroLinear, start
from crossrec_neural.rating.inputs import PairInputs
from crossrec_neural.rating.settings import RatingSettings


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
    """Adds to a bias model, in units of half of the scale; it starts by adding nothing."""

    def __init__(
        self, width: int, n_users: int, n_items: int, settings: RatingSettings, device: str
    ) -> None:
        super().__init__()
        self.settings, self.noise = settings, Noise(device)
        self.first, self.last = nn.Linear(width, settings.hidden), ZeroLinear(settings.hidden, 1)
        self.dropout = Dropout(settings.dropout, self.noise)
        self.own = OwnVectors(max(n_users, 1), max(n_items, 1), settings.factors)
        self.device = torch.device(device)
        self.to(self.device)

    def begin(self, seed: int) -> None:
        """Set the first weights by a seed."""
        self.noise.seed(seed, 0)
        start(self, self.noise)

    def forward(self, pairs: PairInputs) -> Tensor:
        """Return what is added for each pair, float32 (n,)."""
        evidence = self.settings.evidence
        features = self._moved(pairs.features(evidence))
        hidden = self.dropout(nn.functional.gelu(self.first(features)))
        added: Tensor = self.last(hidden)[:, 0]
        if self.settings.factors:
            users, items = self._moved(pairs.users), self._moved(pairs.items)
            added = added + self.own(users, items, self._moved(pairs.gate(evidence)))
        return added

    def added(self, pairs: PairInputs) -> FloatArray:
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

    def _moved(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
