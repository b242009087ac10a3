"""What is written on pictures: covers, posters and labels read as text, by rapidocr."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec_media.errors import MediaError
from crossrec_media.images.pictures import read_picture

INSTALL = "crossrec install 'crossrec-media[ocr]'"
#: Pixels of the square that is read: small print is lost.
_SIDE = 736
#: Below this confidence a line is more often noise than text.
LEAST = 0.6
#: A picture, uint8 (side, side, 3) → lines with their confidence, from top to bottom.
Reader = Callable[[NDArray[np.uint8]], list[tuple[str, float]]]


def rapidocr_reader() -> Reader:
    """Return a reader by the models that the package rapidocr carries.

    Raises
    ------
    MediaError
        If it is not installed.
    """
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError:
        raise MediaError(f"reading text on pictures needs rapidocr: run `{INSTALL}`") from None
    engine: Any = RapidOCR()

    def read(picture: NDArray[np.uint8]) -> list[tuple[str, float]]:
        lines, _ = engine(picture[:, :, ::-1])  # it expects blue first
        return [(str(text), float(confidence)) for _, text, confidence in lines or ()]

    return read


def text_on(data: bytes, reader: Reader, megapixels: float = 50.0) -> str:
    """Return the lines on a picture that are read with confidence, in one text.

    Raises
    ------
    Refused
        If it is no good picture.
    """
    lines = reader(read_picture(data, _SIDE, megapixels))
    return " ".join(text.strip() for text, sure in lines if sure >= LEAST and text.strip())
