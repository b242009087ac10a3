"""The whole model: item tower, inputs of a history, body, scores, heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from crossrec.components.candidates import PAD
from crossrec.numeric.ragged import IntArray
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from crossrec_neural.bodies.body import Body, Context
from crossrec_neural.bodies.choose import body_of
from crossrec_neural.bodies.layers import Noise, start
from crossrec_neural.inputs.histories import BUCKETS, HistoryBatch, HistorySpace
from crossrec_neural.inputs.profile_table import ProfileTable
from crossrec_neural.inputs.tags import TagSpace
from crossrec_neural.inputs.text_encoder import LearningTexts
from crossrec_neural.inputs.tower import ItemTensors, ItemTower
from crossrec_neural.losses.heads import Heads
from crossrec_neural.settings import NeuralSettings

#: Keeps the random numbers of the first weights apart from those of the epochs.
_FIRST_WEIGHTS = 2**31
#: What the names of the weights of the text encoder begin with in a model.
TEXTS = "texts."


@dataclass(frozen=True, eq=False)
class SharedBody:
    """A body and the random numbers that its dropout draws."""

    body: Body
    noise: Noise


class NeuralModel(nn.Module):
    """A body between the vectors of items and their scores.

    Parameters
    ----------
    items : ItemTensors
        The inputs of all items; the model reads them by index.
    body : SharedBody, optional
        One that other models have too; a new one by default.
    shares : bool
        Whether the body is, or was, trained on several catalogues: then a gate of this one's own
        says how much the body adds to the latest item, and the text adapter has a bias.
    texts : LearningTexts, optional
        The texts of the items, where layers of their encoder learn.
    """

    def __init__(
        self,
        settings: NeuralSettings,
        space: HistorySpace,
        tags: TagSpace,
        items: ItemTensors,
        n_items: int,
        device: str,
        *,
        body: SharedBody | None = None,
        shares: bool = False,
        texts: LearningTexts | None = None,
    ) -> None:
        super().__init__()
        size = settings.embedding_size
        self.settings, self.items, self.shares = settings, items, shares
        self.texts = texts
        self.noise = Noise(device) if body is None else body.noise
        self.tower = ItemTower(items.text.shape[1], len(tags.names), n_items, settings, shares)
        self.types = nn.Embedding(space.types + 1, size, padding_idx=0) if space.types else None
        self.gaps = nn.Embedding(BUCKETS, size, padding_idx=0) if space.clock else None
        self.profile = ProfileTable(space.profile, size) if space.profile.values else None
        self.gate = nn.Parameter(torch.ones(())) if shares else None
        self.body = body_of(settings, self.noise) if body is None else body.body
        self.out = None if settings.loss.cosine else nn.LayerNorm(size)
        self.heads = Heads(settings.heads, size, len(tags.names), tags.categories)
        self.device = torch.device(device)
        self.to(self.device)

    def start(self) -> None:
        """Let the events' types and times say nothing at first, and open the gate."""
        with torch.no_grad():
            if self.gate is not None:
                self.gate.fill_(1.0)
            for table in (self.types, self.gaps):
                if table is not None:
                    table.weight.zero_()

    def begin(self, seed: int) -> None:
        """Set the first weights by a seed."""
        self.noise.seed(seed, _FIRST_WEIGHTS)
        start(self, self.noise, (TEXTS,))

    def states(self, batch: HistoryBatch, vectors: Tensor) -> Tensor:
        """Return the state at each event, (n, length, size).

        Parameters
        ----------
        vectors : tensor, shape (n, length, size)
            Of the items of the batch; 0 at padding.
        """
        x = vectors * vectors.shape[-1] ** 0.5
        for table, numbers in ((self.types, batch.types), (self.gaps, batch.gaps)):
            if table is not None:
                x = x + table(self.moved(numbers))
        there = self.moved(batch.items != PAD)
        if self.profile is not None:
            x = x + self.profile(self.moved(batch.profile))[:, None] * there[..., None]
        context = Context(there, self.moved(batch.times))
        states: Tensor = self.body(x, context)
        return states if self.gate is None else torch.lerp(x, states, self.gate)

    def last_states(self, batch: HistoryBatch, vectors: Tensor) -> Tensor:
        """Return the state after the last event of each history of one or more, (n, size).

        Parameters
        ----------
        vectors : tensor, shape (n_items, size)
            Of all items, as `item_vectors` returns them.
        """
        inputs = vectors[self.moved(np.maximum(batch.items, 0))]
        states = self.states(batch, inputs * self.moved(batch.items != PAD)[..., None])
        rows = torch.arange(len(batch), device=self.device)
        return states[rows, self.moved(batch.lengths - 1)]

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        """Return the scores of items for each state, (m, c): what the loss compares."""
        temperature = self.settings.loss.temperature
        return self.body.scores(self._scaled(states), items) / temperature

    def pairs(self, states: Tensor, items: Tensor) -> Tensor:
        """Return the score of each state and the item in its place, (m,)."""
        temperature = self.settings.loss.temperature
        return self.body.pairs(self._scaled(states), items) / temperature

    def multiplied(self, states: Tensor) -> Tensor:
        """Return what gives the scores times candidates, (m, size), of bodies that multiply."""
        return self._scaled(states) / self.settings.loss.temperature

    def candidates(self, vectors: Tensor) -> Tensor:
        """Return what candidates are compared by, (m, size), from the vectors of items."""
        items = self.body.items(vectors)
        return normalize(items, dim=-1) if self.settings.loss.cosine else items

    def item_vectors(self) -> Tensor:
        """Return the vectors of all items, (n_items, size)."""
        self.refresh_texts()
        everything = torch.arange(len(self.items.gate), device=self.device)
        vectors: Tensor = self.tower(self.items, everything)
        return vectors

    def refresh_texts(self) -> None:
        """Read the texts of all items with the encoder layers as they are now, where any learn."""
        if self.texts is not None:
            self.items = replace(self.items, text=self.texts.table())

    def some_vectors(self, items: IntArray, live: IntArray) -> Tensor:
        """Return the vectors of some items, (m, size).

        Parameters
        ----------
        live : int64 array
            Which of `items` pass the encoder layers that learn, by their place there.
        """
        index, text = self.moved(items), None
        if self.texts is not None and len(live):
            text = self.items.text[index]
            text = text.index_put((self.moved(live),), self.texts(items[live]))
        vectors: Tensor = self.tower(self.items, index, text)
        return vectors

    def moved(self, array: NDArray[Any]) -> Tensor:
        """Return an array on the model's device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def on(self, device: str) -> None:
        """Move the model and the inputs of its items to a device, to serve there."""
        items = self.items
        self.device = torch.device(device)
        self.items = ItemTensors(
            *(part.to(device) for part in (items.text, items.tags, items.gate))
        )
        self.to(self.device)
        self.eval()

    def _scaled(self, states: Tensor) -> Tensor:
        return normalize(states, dim=-1) if self.out is None else self.out(states)


def distinct(*parts: IntArray) -> tuple[IntArray, list[IntArray]]:
    """Return the distinct items of some arrays, and where in them each array's items are."""
    items, place = np.unique(np.concatenate([part.ravel() for part in parts]), return_inverse=True)
    bounds = np.cumsum([part.size for part in parts])[:-1]
    split = np.split(place, bounds)
    return items, [at.reshape(part.shape) for at, part in zip(split, parts, strict=True)]


def weights_of(module: nn.Module) -> dict[str, NDArray[Any]]:
    """Return all weights, copied; one that several parts share once."""
    named = module.named_parameters()
    return {name: np.array(weight.detach().cpu().numpy()) for name, weight in named}


def set_weights(module: nn.Module, weights: Mapping[str, NDArray[Any]]) -> None:
    """Set some or all weights, by the names of `weights_of`."""
    named = dict(module.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            named[name].copy_(torch.tensor(np.array(weight)))
