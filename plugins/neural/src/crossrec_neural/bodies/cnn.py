"""Convolutions over the latest items (Caser; Tang and Wang, 2018), at every event at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from crossrec_neural.bodies.body import Body, Context
from crossrec_neural.bodies.layers import Dropout, Noise, ZeroLinear
from crossrec_neural.settings import CnnSettings


class Cnn(Body):
    """Horizontal filters of each height, their maximum over the window; vertical ones beside them.

    There is no user embedding: a user is a history.
    """

    def __init__(self, settings: CnnSettings, noise: Noise) -> None:
        super().__init__()
        size, self.window = settings.embedding_size, settings.window
        heights = range(1, settings.window + 1)
        self.horizontal = nn.ModuleList(
            nn.Conv1d(size, settings.horizontal, height) for height in heights
        )
        self.vertical = nn.Linear(settings.window, settings.vertical, bias=False)
        width = settings.horizontal * settings.window + settings.vertical * size
        self.last, self.dropout = ZeroLinear(width, size), Dropout(settings.dropout, noise)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        """Return the state at each event, (n, length, size)."""
        n, length, size = x.shape
        before = nn.functional.pad(self.dropout(x), (0, 0, self.window - 1, 0))
        seen = before.unfold(1, self.window, 1).reshape(n * length, size, self.window)
        parts = [conv(seen).relu().amax(dim=-1) for conv in self.horizontal]
        parts.append(self.vertical(seen).flatten(1))
        added: Tensor = self.last(self.dropout(torch.cat(parts, dim=-1)))
        return x + added.view(n, length, size)
