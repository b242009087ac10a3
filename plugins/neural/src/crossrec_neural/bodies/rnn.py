"""Recurrent networks: GRU (GRU4Rec; Hidasi et al., 2016) or LSTM."""

from __future__ import annotations

from torch import Tensor, nn

from crossrec_neural.bodies.body import Body, Context
from crossrec_neural.bodies.layers import Dropout, Noise, ZeroLinear
from crossrec_neural.settings import RnnSettings


class Rnn(Body):
    """A recurrent network whose output is added to the latest item; it starts at zero."""

    def __init__(self, settings: RnnSettings, noise: Noise) -> None:
        super().__init__()
        size = settings.embedding_size
        kind = nn.GRU if settings.cell == "gru" else nn.LSTM
        self.network = kind(size, size, settings.layers, batch_first=True)
        self.last, self.dropout = ZeroLinear(size, size), Dropout(settings.dropout, noise)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        """Return the state at each event, (n, length, size)."""
        x = self.dropout(x)
        added: Tensor = self.last(self.dropout(self.network(x)[0]))
        return x + added
