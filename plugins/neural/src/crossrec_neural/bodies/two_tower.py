"""Two towers: the weighted history on one side, the item on the other (Covington et al., 2016)."""

from __future__ import annotations

from torch import Tensor

from crossrec_neural.bodies.body import Body, Context
from crossrec_neural.bodies.layers import Dropout, FeedForward, Noise, decayed_mean
from crossrec_neural.settings import TwoTowerSettings


class TwoTower(Body):
    """A network over the decayed mean of the history, and one over each item."""

    def __init__(self, settings: TwoTowerSettings, noise: Noise) -> None:
        super().__init__()
        size, hidden = settings.embedding_size, settings.hidden
        self.decay, self.dropout = settings.decay, Dropout(settings.dropout, noise)
        self.user = FeedForward(size, hidden, self.dropout)
        self.item = FeedForward(size, hidden, self.dropout)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        """Return the user as of each event, (n, length, size)."""
        user: Tensor = self.user(decayed_mean(self.dropout(x), self.decay))
        return user

    def items(self, vectors: Tensor) -> Tensor:
        """Return the other tower's output, (m, size)."""
        item: Tensor = self.item(vectors)
        return item
