"""The encoder `shuffled`: the vectors of another encoder, dealt out to the wrong items.

A control: a method that gains by such vectors as by the true ones does not use what they say.
"""

from __future__ import annotations

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import FloatArray

from crossrec_media.settings import ShuffledConfig


class ShuffledVectors:
    """Encoder whose vectors are another one's, permuted among the items that have one."""

    def __init__(self, config: ShuffledConfig) -> None:
        self.config = config

    def encode(self, catalog: Catalog, run: RunOptions) -> FloatArray:
        """Return float32 (n_items, dim): the same rows, and the same items without one.

        Raises
        ------
        CrossrecError
            What the other encoder raises, and if there is no such encoder.
        """
        from crossrec.plugins.registry import load_registry

        if not self.config.encoder:
            raise ConfigError("shuffled: name the encoder whose vectors are dealt out anew")
        registration = load_registry().get("encoders", self.config.encoder)
        encoder = registration.build(dict(self.config.settings))
        return shuffled_rows(encoder.encode(catalog, run), run.seed)


def shuffled_rows(vectors: FloatArray, seed: int) -> FloatArray:
    """Return the rows that are not zero in another order, the same for every seed."""
    filled = np.flatnonzero(vectors.any(axis=1))
    out = vectors.copy()
    out[filled] = vectors[np.random.default_rng([seed, 22]).permutation(filled)]
    return out
