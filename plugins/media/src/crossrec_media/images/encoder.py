"""The encoder `image`: what is on the pictures of items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray

from crossrec_media.images.models import See, find_image_model, load_image_model
from crossrec_media.images.pictures import SUFFIXES, read_picture
from crossrec_media.inputs.encode import FileKind, encode_files
from crossrec_media.inputs.refusals import Refusals
from crossrec_media.settings import ImageConfig

#: Pictures that are decoded at once, and between two writes to the cache.
_CHUNK = 64


class ImageEncoder:
    """Encoder that sees: a network's last layer before it names what is on a picture.

    Pictures are found by `FilesConfig`, and each distinct one is encoded once, by its content. A
    file that is no picture, too large, damaged or truncated is left out and counted.

    Attributes
    ----------
    refusals : Refusals
        What the latest call left out.
    """

    def __init__(self, config: ImageConfig) -> None:
        self.config = config
        self.refusals = Refusals("image")
        self._see: See | None = None

    def encode(self, catalog: Catalog, run: RunOptions) -> FloatArray:
        """Return float32 (n_items, dim), rows of length 1; zero rows for items without a picture.

        Raises
        ------
        MediaError
            If a library or the model is not installed.
        ConfigError
            If there is no such folder, column or model.
        """
        files = find_image_model(self.config.model)

        def vectors(pictures: Sequence[NDArray[np.uint8]]) -> FloatArray:
            if self._see is None:
                self._see = load_image_model(files, run.device, run.threads)
            size = self.config.batch_size
            starts = range(0, len(pictures), size)
            return np.concatenate([self._see(pictures[at : at + size]) for at in starts])

        kind = FileKind(
            "image",
            SUFFIXES,
            f"image {files.identity} {files.side}",
            lambda data: read_picture(data, files.side, self.config.megapixels),
            vectors,
            _CHUNK,
        )
        rows, self.refusals = encode_files(catalog, self.config, kind, run)
        return rows
