"""The encoder `sound`: what items sound like."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import FloatArray

from crossrec_media.inputs.encode import FileKind, encode_files
from crossrec_media.inputs.refusals import Refusals
from crossrec_media.settings import SoundConfig
from crossrec_media.sound.logmel import log_mel, statistics
from crossrec_media.sound.waveform import SUFFIXES, read_sound

LOG_MEL = "log-mel"
_CHUNK = 16


class SoundEncoder:
    """Encoder that listens: log-mel statistics, or the layer of a music tagger before its tags.

    Sounds are found by `FilesConfig`, and each distinct one is encoded once, by its content.

    Attributes
    ----------
    refusals : Refusals
        What the latest call left out.
    """

    def __init__(self, config: SoundConfig) -> None:
        self.config = config
        self.refusals = Refusals("sound")

    def encode(self, catalog: Catalog, run: RunOptions) -> FloatArray:
        """Return float32 (n_items, dim), rows of length 1; zero rows for items without a sound.

        Raises
        ------
        MediaError
            If a library is not installed.
        ConfigError
            If there is no such folder, column or model.
        """
        name, seconds = self.config.model, self.config.seconds
        kind = FileKind(
            "sound",
            SUFFIXES,
            f"sound {_identity(name)} {seconds:g}",
            lambda data: log_mel(read_sound(data, seconds)),
            lambda sounds: heard(sounds, name, run.device),
            _CHUNK,
        )
        rows, self.refusals = encode_files(catalog, self.config, kind, run)
        return rows


def heard(sounds: Sequence[FloatArray], model: str, device: str) -> FloatArray:
    """Return one vector for each log-mel spectrogram, float32 (n, dim)."""
    if model == LOG_MEL:
        return np.stack([statistics(bands) for bands in sounds])
    from crossrec_media.sound.musicnn import Musicnn

    network = Musicnn(Path(model).expanduser(), device)
    return np.stack([network.hear(bands)[0] for bands in sounds])


def _identity(model: str) -> str:
    """Return the name of a model with its content."""
    if model == LOG_MEL:
        return model
    path = Path(model).expanduser()
    if not path.is_file():
        raise ConfigError(
            f"sound: {model!r} is neither {LOG_MEL!r} nor a file of `crossrec sound-model`"
        )
    with path.open("rb") as file:
        return f"musicnn@{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
