"""From the columns of items to their vectors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from crossrec_neural.inputs.columns import ItemColumns
from crossrec_neural.settings import NeuralSettings

#: Spread of an item's own embedding at first, beside a text of length 1, and alone.
_BESIDE_TEXT, _ALONE = 0.1, 1.0


@dataclass(frozen=True, eq=False)
class ItemTensors:
    """`ItemColumns` on a device.

    Attributes
    ----------
    gate : float32 tensor, shape (n, 1)
        What counts of an item's own embedding: 0 without events, near 1 with many.
    """

    text: Tensor
    tags: Tensor
    gate: Tensor

    @classmethod
    def of(cls, columns: ItemColumns, settings: NeuralSettings, device: str) -> ItemTensors:
        """Move columns to a device."""
        counts = torch.tensor(columns.counts, dtype=torch.float32)[:, None]
        gate = torch.where(counts > 0, counts / (counts + settings.inputs.evidence), 0.0)
        return cls(
            torch.tensor(columns.text).to(device),
            torch.tensor(columns.tags).to(device),
            gate.to(device),
        )


class ItemTower(nn.Module):
    """Text through a linear adapter, plus the mean of the tags, plus the item's own embedding.

    The adapter starts as the identity on the leading directions of the texts and the tags at zero,
    so that items are compared by their text before anything is learnt. A linear map is kept, since
    others carry over worse where data is scarce (UniSRec; Hou et al., 2022).

    Parameters
    ----------
    text_size, n_tags, n_items : int
        Of the fit; later items have text and tags, no embedding of their own.
    bias : bool
        Whether the adapter may move all texts.
    """

    def __init__(
        self, text_size: int, n_tags: int, n_items: int, settings: NeuralSettings, bias: bool
    ) -> None:
        super().__init__()
        self.size = size = settings.embedding_size
        self.adapter = nn.Linear(text_size, size, bias=bias) if text_size else None
        self.tags = nn.Embedding(n_tags + 1, size, padding_idx=0) if n_tags else None
        self.own = nn.Embedding(n_items, size) if settings.inputs.ids and n_items else None

    def start(self) -> None:
        """Set the first weights."""
        with torch.no_grad():
            if self.adapter is not None:
                nn.init.eye_(self.adapter.weight)
            if self.tags is not None:
                self.tags.weight.zero_()
            if self.own is not None:
                self.own.weight.mul_(_ALONE if self.adapter is None else _BESIDE_TEXT)

    def forward(self, items: ItemTensors, index: Tensor, text: Tensor | None = None) -> Tensor:
        """Return the vectors of some items, (m, size).

        Parameters
        ----------
        text : tensor, shape (m, text_size), optional
            In place of their rows in `items`.
        """
        parts = [torch.zeros(len(index), self.size, device=index.device)]
        if self.adapter is not None:
            parts.append(self.adapter(items.text[index] if text is None else text))
        if self.tags is not None:
            tags = items.tags[index]
            count = (tags > 0).sum(dim=1, keepdim=True).clamp(min=1)
            parts.append(self.tags(tags).sum(dim=1) / count)
        if self.own is not None:
            known = index.clamp(max=self.own.num_embeddings - 1)
            parts.append(self.own(known) * items.gate[index])
        return torch.stack(parts).sum(dim=0)
