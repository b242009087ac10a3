"""Neural collaborative filtering (NeuMF; He et al., 2017): product and network side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from crossrec_neural.bodies.body import Body, Context
from crossrec_neural.bodies.layers import Dropout, Noise, decayed_mean
from crossrec_neural.settings import NcfSettings

#: Numbers of the hidden layer at once, where nothing is learnt: 64 MiB.
_CELLS = 1 << 24


class Ncf(Body):
    """A weighted product of user and item, plus a network over both, which starts at zero.

    The user is the decayed mean of the history, as of each event, instead of an embedding, so that
    nobody has to be known to the fit.
    """

    def __init__(self, settings: NcfSettings, noise: Noise) -> None:
        super().__init__()
        size, hidden = settings.embedding_size, settings.hidden
        self.decay, self.dropout = settings.decay, Dropout(settings.dropout, noise)
        self.product_weight = nn.Parameter(torch.ones(size))
        self.user, self.item = nn.Linear(size, hidden), nn.Linear(size, hidden, bias=False)
        self.out_weight = nn.Parameter(torch.zeros(hidden))

    def start(self) -> None:
        """Begin with the plain product."""
        with torch.no_grad():
            self.out_weight.zero_()

    def forward(self, x: Tensor, context: Context) -> Tensor:
        """Return the user as of each event, (n, length, size)."""
        return decayed_mean(self.dropout(x), self.decay)

    def pairs(self, states: Tensor, vectors: Tensor) -> Tensor:
        """Return the score of each user and item, (…)."""
        product = (states * self.product_weight * vectors).sum(dim=-1)
        return product + self._network(self.user(states), self.item(vectors))

    def scores(self, states: Tensor, vectors: Tensor) -> Tensor:
        """Return the scores of all items for each user, (m, c)."""
        items = self.item(vectors)
        rows = max(1, _CELLS // max(items.numel(), 1))
        parts = [
            (part * self.product_weight) @ vectors.T
            + self._network(self.user(part)[:, None], items[None])
            for part in torch.split(states, rows)
        ]
        return torch.cat(parts) if parts else states @ vectors.T

    def _network(self, user: Tensor, item: Tensor) -> Tensor:
        return (user + item).relu() @ self.out_weight
