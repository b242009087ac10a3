"""A pretrained body: its weights, the text space that it reads, and what it fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from crossrec.artifacts import read_pretrained
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.errors import ArtifactError, ConfigError, DataError
from crossrec.numeric.ragged import FloatArray
from crossrec.pipeline.pretrained import find_pretrained
from numpy.typing import NDArray

from crossrec_neural.bodies.choose import body_of
from crossrec_neural.bodies.layers import Noise
from crossrec_neural.settings import BodySettings
from crossrec_neural.training.loop import BODY
from crossrec_neural.training.model import weights_of

_AXES = "axes"

SettingsOf = TypeVar("SettingsOf", bound=BodySettings)


@dataclass(frozen=True, eq=False)
class PretrainedBody:
    """What scenarios share of a model.

    Attributes
    ----------
    name : str
        By which it was found.
    scenarios : tuple of str
        What it was trained on.
    encoder : str
        Whose vectors it reads.
    shape : mapping of setting to JSON value
        The settings that it brings.
    axes : float32 array, shape (width, size)
        Of the texts; every catalogue is centred and whitened for itself.
    whitening : float
        To this power.
    weights : arrays by name
        From `BODY` on.
    """

    name: str
    scenarios: tuple[str, ...]
    encoder: str
    shape: Mapping[str, Any]
    axes: FloatArray
    whitening: float
    weights: Mapping[str, NDArray[Any]]

    def state(self) -> State:
        """Return what is kept beside the card."""
        values = {
            "encoder": self.encoder,
            "shape": dict(self.shape),
            "whitening": self.whitening,
        }
        return State({_AXES: self.axes, **self.weights}, values)

    def settings(self, source: str, config: SettingsOf) -> SettingsOf:
        """Return the settings of a source that starts from this body.

        Raises
        ------
        ConfigError
            If one was set that the body has otherwise.
        """
        own = config.model_dump(mode="json")
        for key in sorted(self.shape.keys() & config.model_fields_set):
            if own[key] != self.shape[key]:
                raise ConfigError(
                    f"{source}: {key} is {own[key]}, the pretrained body {self.name} has "
                    f"{self.shape[key]}: leave the setting out"
                )
        text = {"text_size": self.axes.shape[1], "whitening": self.whitening}
        inputs = {"inputs": {**own["inputs"], **text}}
        return type(config).model_validate({**own, **self.shape, **inputs})

    def check(self, source: str, config: BodySettings, dataset: Dataset) -> None:
        """Look whether the body can read the texts of a dataset.

        Raises
        ------
        ConfigError
            If texts are not read, or by another encoder.
        DataError
            If the vectors are of another width.
        """
        if not config.inputs.text or config.encoder != self.encoder:
            raise ConfigError(
                f"{source}: the pretrained body {self.name} reads texts by the encoder "
                f"{self.encoder!r}: set encoder to it, and inputs.text to true"
            )
        vectors = dataset.vectors.get(self.encoder)
        if vectors is None:
            raise ConfigError(
                f"{source}: the pretrained body {self.name} reads texts, and there are no vectors "
                f"of the encoder {self.encoder!r}: set it as the encoder of the pipeline"
            )
        if vectors.shape[1] != len(self.axes):
            raise DataError(
                f"{source}: the pretrained body {self.name} reads vectors that are "
                f"{len(self.axes)} wide, those of {self.encoder!r} are {vectors.shape[1]}: use the "
                "encoder that it was pretrained with"
            )


def load_body(source: str, settings: type[BodySettings], name: str, folders: Mapping[str, Path]
) -> PretrainedBody:  # fmt: skip
    """Read a pretrained body and check every file.

    Parameters
    ----------
    source : str
        The source that wants it.
    settings : type
        Of that source.
    folders : mapping of name to Path
        All that there are.

    Raises
    ------
    UsageError
        If there is none of this name.
    ConfigError
        If it belongs to another source.
    ArtifactError
        If it is damaged or of another format.
    """
    folder = find_pretrained(name, folders)
    card, state = read_pretrained(folder)
    owner = card.get("source")
    if owner != source:
        raise ConfigError(f"{name} is pretrained for the source {owner!r}, not for {source!r}")
    weights = {key: array for key, array in state.arrays.items() if key.startswith(BODY)}
    try:
        shape, axes = dict(state.values["shape"]), np.array(state.arrays[_AXES])
        expected = weights_of(body_of(settings.model_validate(shape), Noise("cpu")))
        scenarios = tuple(str(one["name"]) for one in card["sources"])
        encoder, whitening = str(state.values["encoder"]), float(state.values["whitening"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{folder} is no whole body: pretrain it again ({error})") from None
    shapes = {f"{BODY}{key}": array.shape for key, array in expected.items()}
    if axes.ndim != 2 or shapes != {key: array.shape for key, array in weights.items()}:
        raise ArtifactError(f"{folder} is no whole body: pretrain it again (weights are amiss)")
    return PretrainedBody(name, scenarios, encoder, shape, axes, whitening, weights)
