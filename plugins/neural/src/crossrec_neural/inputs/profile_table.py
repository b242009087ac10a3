"""The embeddings of users' fields."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from crossrec_neural.inputs.profiles import ProfileSpace


class ProfileTable(nn.Module):
    """The sum of the embeddings of what is known of a user; all are zero before any learning."""

    def __init__(self, space: ProfileSpace, size: int) -> None:
        super().__init__()
        self.fields = nn.ModuleList(
            nn.Embedding(len(known) + 1, size, padding_idx=0) for known in space.values.values()
        )

    def start(self) -> None:
        """Let no field say anything."""
        with torch.no_grad():
            for weight in self.parameters():
                weight.zero_()

    def forward(self, numbers: Tensor) -> Tensor:
        """Return the vectors of users, (n, size), from their numbers, (n, fields)."""
        parts = [table(numbers[:, at]) for at, table in enumerate(self.fields)]
        return torch.stack(parts).sum(dim=0)
