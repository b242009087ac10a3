"""The encoder `video`: sampled frames, what is said, and the title, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray

from crossrec_media.errors import Refused
from crossrec_media.images.models import See, find_image_model, load_image_model
from crossrec_media.inputs.encode import FileKind, encode_files, unit_rows
from crossrec_media.inputs.refusals import Refusals
from crossrec_media.settings import VideoConfig
from crossrec_media.sound.waveform import read_sound
from crossrec_media.video.frames import SUFFIXES, read_frames
from crossrec_media.video.speech import Transcriber, speech_model, transcriber

_CHUNK = 4


class VideoEncoder:
    """Encoder that watches: the mean of an image model's vectors over sampled frames.

    With `speech`, what is said is added, and with `titles` the title, each as the text encoder's
    vector of equal weight. Videos are found by `FilesConfig`; each distinct one is watched once.

    Attributes
    ----------
    refusals : Refusals
        What the latest call left out of the pictures; silent videos are no refusal.
    """

    def __init__(self, config: VideoConfig, listen: Transcriber | None = None) -> None:
        self.config = config
        self.refusals = Refusals("video")
        self._listen = listen
        self._see: See | None = None

    def encode(self, catalog: Catalog, run: RunOptions) -> FloatArray:
        """Return float32 (n_items, dim), rows of length 1; zero rows for items without a video.

        Raises
        ------
        MediaError
            If a library or model is not installed.
        ConfigError
            If there is no such folder, column or model, or the text encoder reads no texts.
        """
        rows, self.refusals = encode_files(catalog, self.config, self._frames(run), run)
        parts = [rows]
        if self.config.speech or self.config.titles:
            encoder = self._text_encoder()
            if self.config.speech:
                parts.append(encode_files(catalog, self.config, self._speech(encoder, run), run)[0])
            if self.config.titles:
                parts.append(encoder.encode(catalog.with_texts(catalog.titles), run))
        joined = np.concatenate(parts, axis=1)
        joined[~np.concatenate(parts[:2], axis=1).any(axis=1)] = 0.0
        return unit_rows(joined)

    def _frames(self, run: RunOptions) -> FileKind[NDArray[np.uint8]]:
        """Return how a video becomes the mean of its frames' vectors."""
        files, config = find_image_model(self.config.model), self.config

        def vectors(videos: Sequence[NDArray[np.uint8]]) -> FloatArray:
            if self._see is None:
                self._see = load_image_model(files, run.device, run.threads)
            return np.stack([unit_rows(self._see(list(frames))).mean(axis=0) for frames in videos])

        return FileKind(
            "video",
            SUFFIXES,
            f"video {files.identity} {files.side} {config.frames}",
            lambda data: read_frames(data, config.frames, files.side, config.megapixels),
            vectors,
            _CHUNK,
        )

    def _speech(self, encoder: Any, run: RunOptions) -> FileKind[str]:
        """Return how a video becomes the vector of what is said in it."""
        config = self.config

        def decode(data: bytes) -> str:
            if self._listen is None:
                self._listen = transcriber(config.speech_model, run.threads)
            words = self._listen(read_sound(data, config.seconds))
            if not words:
                raise Refused("without a word")
            return words

        def vectors(texts: Sequence[str]) -> FloatArray:
            rows = encoder.encode(Catalog.of_texts(tuple(texts)), run)
            return np.asarray(rows, dtype=np.float32)

        if self._listen is None:
            speech_model(config.speech_model)  # what is missing is said before anything is decoded
        named = f"{config.encoder} {json.dumps(config.settings, sort_keys=True)}"
        key = f"speech {config.speech_model} {config.seconds:g} {named}"
        return FileKind("speech", SUFFIXES, key, decode, vectors, _CHUNK)

    def _text_encoder(self) -> Any:
        from crossrec.plugins.registry import load_registry

        registration = load_registry().get("encoders", self.config.encoder)
        if registration.plugin == "media":
            raise ConfigError(f"video: {self.config.encoder} reads no texts: name a text encoder")
        return registration.build(dict(self.config.settings))
