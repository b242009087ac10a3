"""What an encoder must provide to be adapted by behaviour, and how long it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crossrec.components.joint_items import JointItems
from crossrec.components.protocols import Encoder
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State


class EncoderTraining(Settings):
    """How an encoder learns from joint items.

    Attributes
    ----------
    steps : int
        Batches in all; the sources take turns.
    pairs : int
        Pairs of a batch. The other items of the batch are the negatives, unless they share a
        history with the item.
    tokens : int
        Texts are cut here while the layers learn; they are encoded in full.
    layers : int
        Layers that change, from the top; those below stay as they are, and are passed once.
    share : float
        How much of the change is kept: 0 is the original, 1 what training ended with (weights are
        interpolated as in WiSE-FT, Wortsman et al., 2022).
    learning_rate, temperature : float
    """

    steps: int = Field(200, ge=1)
    pairs: int = Field(48, ge=2)
    tokens: int = Field(24, ge=4)
    layers: int = Field(2, ge=1)
    share: float = Field(0.5, ge=0, le=1)
    learning_rate: float = Field(5e-5, gt=0)
    temperature: float = Field(0.05, gt=0)


class AdaptableEncoder(Encoder, Protocol):
    """An encoder with the capability ``adapt``."""

    def adapt(
        self, sources: Sequence[JointItems], training: EncoderTraining, run: RunOptions
    ) -> State:
        """Return the weights that training changes; the encoder itself stays as it is.

        The same sources, training and seed give the same weights on the same machine.
        """
        ...

    def with_weights(self, state: State) -> Encoder:
        """Return this encoder with the weights that `adapt` returned.

        Raises
        ------
        ConfigError
            If they belong to another model.
        """
        ...


class TrainableTexts(Protocol):
    """Some texts as what the top layers of an encoder make of them: a module of torch."""

    def __call__(self, rows: NDArray[np.int64]) -> Any:
        """Return the vectors of some texts, a tensor (len(rows), dim) with rows of length 1.

        Gradients reach the top layers alone.
        """
        ...

    def state(self) -> State:
        """Return the weights of the layers, for `LayeredEncoder.with_weights`."""
        ...


class LayeredEncoder(Encoder, Protocol):
    """An encoder with the capability ``top_layers``: others may train its last layers."""

    def top_layers(self, texts: Sequence[str], count: int, run: RunOptions) -> TrainableTexts:
        """Return one text or more with copies of the `count` last layers.

        Raises
        ------
        ConfigError
            If the encoder has fewer layers.
        """
        ...

    def with_weights(self, state: State) -> Encoder:
        """Return this encoder with the weights that a `TrainableTexts` learnt.

        Raises
        ------
        ConfigError
            If they belong to another model.
        """
        ...
