"""An adapted encoder as a backbone carries it, and its vectors beside the original ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.protocols import Encoder
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.vectors import encoded
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError, UsageError
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray

from crossrec_backbone.relations.config import TextConfig

_PREFIX = "encoder/"


@dataclass(frozen=True, eq=False)
class AdaptedEncoder:
    """The weights of an encoder that changed.

    Attributes
    ----------
    base : str
        The registered encoder that they belong to.
    weights : State
        What the encoder's `adapt` returned.
    """

    base: str
    weights: State

    @property
    def size(self) -> int:
        """Bytes of all weights."""
        return sum(array.nbytes for array in self.weights.arrays.values())

    def packed(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return arrays under ``encoder/`` and JSON values, for an artifact."""
        arrays = {f"{_PREFIX}{name}": array for name, array in self.weights.arrays.items()}
        return arrays, {"base": self.base, "values": dict(self.weights.values)}

    @classmethod
    def restored(cls, state: State) -> AdaptedEncoder | None:
        """Return what `packed` put into an artifact; None where it holds none."""
        packed = state.values.get("encoder")
        if packed is None:
            return None
        arrays = {
            name.removeprefix(_PREFIX): array
            for name, array in state.arrays.items()
            if name.startswith(_PREFIX)
        }
        return cls(packed["base"], State(arrays, packed["values"]))

    def encoder(self) -> Encoder:
        """Build the encoder with these weights.

        Raises
        ------
        ConfigError
            If the encoder is not installed, cannot be adapted, or its model is another one.
        """
        try:
            built = base_encoder(self.base)
        except UsageError as error:
            raise ConfigError(f"the backbone's adapted encoder cannot be used: {error}") from error
        adapted: Encoder = built.with_weights(self.weights)
        return adapted


def base_encoder(name: str) -> Any:
    """Build a registered encoder that can be adapted.

    Raises
    ------
    UsageError
        If there is no such encoder, or it does not declare ``adapt``.
    """
    from crossrec.plugins.registry import load_registry

    registration = load_registry().get("encoders", name)
    if "adapt" not in registration.capabilities:
        raise UsageError(
            f"the encoder {name!r} cannot be adapted: use one that can, such as 'transformer', "
            "or pretrain without --adapt-encoder"
        )
    return registration.build()


def adapted_vectors(
    catalog: Catalog, encoder: Encoder, config: TextConfig, titles: bool, run: RunOptions
) -> dict[str, FloatArray]:
    """Return the encoder's vectors of texts, and of titles where wanted, by name in a dataset."""
    return dict(
        encoded(catalog, encoder, run, config.encoder, config.title_vectors if titles else "")
    )


def beside(original: FloatArray, adapted: FloatArray) -> FloatArray:
    """Return both vectors of each item as one, float32 (n, width + width), rows of length 1.

    Its cosine is the mean of both cosines. A row that is zero in one of them is zero.
    """
    both = np.concatenate([original, adapted], axis=1) * np.float32(np.sqrt(0.5))
    both[~(original != 0).any(axis=1) | ~(adapted != 0).any(axis=1)] = 0.0
    return np.asarray(both, dtype=np.float32)


def with_adapted(
    dataset: Dataset, encoder: Encoder, config: TextConfig, run: RunOptions, start: int = 0
) -> Dataset:
    """Return the dataset with the encoder's vectors beside its own.

    Parameters
    ----------
    start : int
        Items before it are not encoded: their rows are zero.
    """
    catalog = dataset.catalog.take(range(start, dataset.n_items)) if start else dataset.catalog
    fresh = adapted_vectors(catalog, encoder, config, config.title_vectors in dataset.vectors, run)
    for name, rows in fresh.items():
        original = dataset.vectors[name]
        adapted = np.zeros((len(original), rows.shape[1]), dtype=np.float32)
        adapted[start:] = rows
        dataset = dataset.with_vectors(name, beside(original, adapted))
    return dataset
