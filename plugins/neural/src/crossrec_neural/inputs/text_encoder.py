"""The text encoder whose top layers learn with the body, and the trained one that serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import FloatArray, IntArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from crossrec_neural.inputs.text import TextSpace, filled
from crossrec_neural.settings import NeuralSettings

_ABILITY = "top_layers"
#: Items that pass through the layers at once where nothing is learnt.
_BLOCK = 512
#: Items whose vectors are compared with the encoder's, and their least cosine: rounding is smaller.
_COMPARED, _SAME = 16, 0.98


@dataclass(frozen=True, eq=False)
class TrainedEncoder:
    """An encoder with the weights that it learnt, for items that come later.

    Attributes
    ----------
    name : str
        Under which it is registered.
    settings : mapping of JSON values
    weights : State
        What changed.
    """

    name: str
    settings: Mapping[str, Any]
    weights: State

    def encode(self, catalog: Catalog) -> FloatArray | None:
        """Return the vectors of items, float32 (n, width); None where none has a text.

        Raises
        ------
        ConfigError
            If the encoder is gone, or its model is another one.
        """
        vectors: FloatArray = self._built.encode(catalog, RunOptions())
        return vectors if vectors.shape[1] else None

    @cached_property
    def _built(self) -> Any:
        return layered_encoder("inputs.text_layers", self.name, self.settings).with_weights(
            self.weights
        )

    def values(self) -> dict[str, Any]:
        """Return JSON values; the arrays are those of `weights`."""
        settings, values = dict(self.settings), dict(self.weights.values)
        return {"name": self.name, "settings": settings, "values": values}

    @classmethod
    def restored(
        cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]
    ) -> TrainedEncoder:
        """Take back what `values` returned, with the arrays."""
        return cls(values["name"], values["settings"], State(arrays, values["values"]))


class LearningTexts(nn.Module):
    """The texts of a catalogue as rows, through encoder layers that learn.

    A step lets the texts of a few items pass; those of the others stand where the last `table` had
    them.

    Parameters
    ----------
    layers : module
        A `TrainableTexts` over the distinct texts.
    place : int64 array, shape (n_items,)
        Number of each item's text; -1 without one.
    space : TextSpace
        Of the vectors before any learning; it stays as it is.
    encoder, settings
        Of the encoder, for `trained`.
    """

    def __init__(
        self,
        layers: Any,
        place: IntArray,
        space: TextSpace,
        encoder: str,
        settings: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.layers, self.place, self.size = layers, place, space.size
        self.encoder, self.settings = encoder, settings
        self.register_buffer("mean", torch.tensor(space.mean), persistent=False)
        self.register_buffer("axes", torch.tensor(space.axes), persistent=False)
        self._table: Tensor | None = None
        self._weights: list[Tensor] = []

    @classmethod
    def of(
        cls,
        name: str,
        dataset: Dataset,
        settings: NeuralSettings,
        space: TextSpace,
        run: RunOptions,
    ) -> LearningTexts:
        """Let the texts of a dataset pass the layers that stay as they are.

        Raises
        ------
        ConfigError
            If there are no texts, no such encoder, one that cannot be trained or has fewer layers,
            or if the vectors of the dataset are not those of the encoder.
        """
        encoder, vectors = settings.encoder, dataset.vectors.get(settings.encoder)
        there = np.zeros(0, dtype=bool) if vectors is None else filled(vectors)
        if vectors is None or not space.size or not there.any():
            raise ConfigError(
                f"{name}: inputs.text_layers trains on texts, and no item has one: describe the "
                "items, or leave it out"
            )
        given = run.encoders.get(encoder, {})
        built = layered_encoder(f"{name}: inputs.text_layers", encoder, given)
        numbers: dict[str, int] = {}
        place = np.full(dataset.n_items, -1, dtype=np.int64)
        for item in np.flatnonzero(there).tolist():
            place[item] = numbers.setdefault(dataset.catalog.texts[item], len(numbers))
        layers = built.top_layers(tuple(numbers), settings.inputs.text_layers, run)
        _check_vectors(name, encoder, layers, place, vectors)
        return cls(layers, place, space, encoder, given)

    def forward(self, items: IntArray) -> Tensor:
        """Return rows of length 1, (len(items), size); zero for items without a text."""
        place = self.place[items]
        there = np.flatnonzero(place >= 0)
        rows = self.get_buffer("mean").new_zeros(len(items), self.size)
        if not len(there):
            return rows
        numbers, back = np.unique(place[there], return_inverse=True)
        moved = (self.layers(numbers) - self.get_buffer("mean")) @ self.get_buffer("axes")
        at, twice = (torch.from_numpy(one).to(rows.device) for one in (there, back))
        return rows.index_put((at,), normalize(moved, dim=1)[twice])

    def table(self) -> Tensor:
        """Return the rows of all items, without gradients; made anew where a weight has moved."""
        now = [weight.detach() for weight in self.parameters()]
        if self._table is None or not all(map(_equal, now, self._weights)):
            blocks = np.split(np.arange(len(self.place)), range(_BLOCK, len(self.place), _BLOCK))
            with torch.no_grad():
                self._table = torch.cat([self(block) for block in blocks])
            self._weights = [weight.clone() for weight in now]
        return self._table

    def trained(self) -> TrainedEncoder:
        """Return the encoder with the weights as they are now."""
        return TrainedEncoder(self.encoder, self.settings, self.layers.state())


def layered_encoder(who: str, name: str, settings: Mapping[str, Any]) -> Any:
    """Build a registered encoder whose top layers can be trained.

    Parameters
    ----------
    who : str
        What wants it, for the message.

    Raises
    ------
    ConfigError
        If it cannot.
    UsageError
        If there is none of this name.
    """
    from crossrec.plugins.registry import load_registry

    registration = load_registry().get("encoders", name)
    if _ABILITY not in registration.capabilities:
        raise ConfigError(
            f"{who}: the layers of the encoder {name!r} cannot be trained: use one that can, such "
            "as 'transformer', or leave it out"
        )
    return registration.build(dict(settings))


def _check_vectors(
    name: str, encoder: str, layers: Any, place: IntArray, vectors: FloatArray
) -> None:
    """Refuse layers that do not give the vectors that the dataset has."""
    items = np.flatnonzero(place >= 0)[:_COMPARED]
    with torch.no_grad():
        made = layers(place[items]).cpu().numpy()
    alike = made.shape[1] == vectors.shape[1]
    if not alike or ((made * vectors[items]).sum(axis=1) < _SAME).any():
        raise ConfigError(
            f"{name}: the item vectors named {encoder!r} are not those of the encoder whose layers "
            "inputs.text_layers trains: encode the items with it, with the same settings"
        )


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.device == other.device and torch.equal(one, other)
