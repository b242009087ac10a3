"""The encoder `cover-text`: what is written on pictures, as a text encoder reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import FloatArray

from crossrec_media.errors import Refused
from crossrec_media.images.ocr import Reader, rapidocr_reader, text_on
from crossrec_media.images.pictures import SUFFIXES
from crossrec_media.inputs.encode import FileKind, encode_files
from crossrec_media.inputs.refusals import Refusals
from crossrec_media.settings import CoverTextConfig

_CHUNK = 8


class CoverTextEncoder:
    """Encoder of the words on covers, posters and labels; each distinct picture is read once.

    Attributes
    ----------
    refusals : Refusals
        What the latest call left out; pictures without a word are among them.
    """

    def __init__(self, config: CoverTextConfig, reader: Reader | None = None) -> None:
        self.config = config
        self.refusals = Refusals("cover-text")
        self._reader = reader

    def encode(self, catalog: Catalog, run: RunOptions) -> FloatArray:
        """Return float32 (n_items, dim), rows of length 1; zero rows where no word is read.

        Raises
        ------
        MediaError
            If rapidocr or pillow is not installed.
        ConfigError
            If there is no such folder or column, or the encoder is one of files itself.
        """
        from crossrec.plugins.registry import load_registry

        name, settings = self.config.encoder, self.config.settings
        registration = load_registry().get("encoders", name)
        if registration.plugin == "media":
            raise ConfigError(f"cover-text: {name} reads no texts: name a text encoder")
        encoder = registration.build(dict(settings))

        def vectors(texts: Sequence[str]) -> FloatArray:
            rows = encoder.encode(Catalog.of_texts(tuple(texts)), run)
            return np.asarray(rows, dtype=np.float32)

        kind = FileKind(
            "cover-text",
            SUFFIXES,
            f"cover-text {name} {json.dumps(settings, sort_keys=True)}",
            self._text,
            vectors,
            _CHUNK,
        )
        rows, self.refusals = encode_files(catalog, self.config, kind, run)
        return rows

    def _text(self, data: bytes) -> str:
        if self._reader is None:
            self._reader = rapidocr_reader()
        text = text_on(data, self._reader, self.config.megapixels)
        if not text:
            raise Refused("without a word")
        return text
