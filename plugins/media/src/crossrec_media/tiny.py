"""Small generated media that say what texts say: for tests and examples, free of any licence.

Each word is a colour, a tone or an axis, so items that share words look, sound and are alike.
"""

from __future__ import annotations

import math
import wave
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zlib import crc32

import numpy as np
from crossrec.data.catalog import Catalog
from numpy.typing import NDArray

#: Axes of the vectors of words.
_AXES = 64


def with_column(catalog: Catalog, name: str, values: list[object]) -> Catalog:
    """Return the catalogue with one more column."""
    return replace(catalog, attributes={**catalog.attributes, name: tuple(values)})


def with_vector_column(catalog: Catalog) -> Catalog:
    """Return the catalogue with the counts of the words of its texts in the column ``vector``."""

    def vector(text: str) -> list[float] | None:
        counts = [0.0] * _AXES
        for word in text.lower().split():
            counts[crc32(word.encode("utf-8", "surrogatepass")) % _AXES] += 1.0
        return counts if text.split() else None

    return with_column(catalog, "vector", [vector(text) for text in catalog.texts])


def picture_of(text: str, size: int = 48) -> NDArray[np.uint8]:
    """Return stripes in the colours of the words of a text, uint8 (size, size, 3)."""
    colours = [_colour(word) for word in text.lower().split()[:16]] or [(255, 255, 255)]
    rows = np.minimum(np.arange(size) * len(colours) // size, len(colours) - 1)
    stripes = np.array(colours, dtype=np.uint8)[rows]
    return np.repeat(stripes[:, None], size, axis=1)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture as a PNG file; needs pillow."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def with_pictures(catalog: Catalog, folder: Path) -> Catalog:
    """Return the catalogue with a column ``picture``: files in `folder`, named by their texts."""
    folder.mkdir(parents=True, exist_ok=True)
    return with_column(
        catalog,
        "picture",
        [_written(folder, one, ".png", lambda one: png(picture_of(one))) for one in catalog.texts],
    )


def tones_of(text: str, seconds: float = 1.0, rate: int = 16_000) -> NDArray[np.float32]:
    """Return a chord with a tone for each word of a text, float32, between -1 and 1."""
    words = text.lower().split()[:8] or ["nothing"]
    times = np.arange(int(seconds * rate)) / rate
    sound = sum(np.sin(2 * math.pi * _pitch(word) * times) for word in words)
    return np.asarray(0.8 * sound / len(words), dtype=np.float32)


def wav(sound: NDArray[np.float32], rate: int = 16_000) -> bytes:
    """Return a sound as a WAV file of 16 bits."""
    file = BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())
    return file.getvalue()


def with_sounds(catalog: Catalog, folder: Path) -> Catalog:
    """Return the catalogue with a column ``sound``: files in `folder`, named by their texts."""
    folder.mkdir(parents=True, exist_ok=True)
    return with_column(
        catalog,
        "sound",
        [_written(folder, one, ".wav", lambda one: wav(tones_of(one))) for one in catalog.texts],
    )


def mp4(pictures: list[NDArray[np.uint8]], seconds: float = 1.0, sound: bool = False) -> bytes:
    """Return a video that shows each picture for as long, with a tone on request; needs av."""
    import av

    rate, file = 8, BytesIO()
    each = max(int(rate * seconds / len(pictures)), 1)
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        audio = out.add_stream("aac", rate=16_000, layout="mono") if sound else None
        for picture in pictures:
            for _ in range(each):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
        if audio is not None:
            tone = tones_of("a tone", seconds)[None]
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            frame.sample_rate = 16_000
            out.mux(audio.encode(frame))
            out.mux(audio.encode(None))
    return file.getvalue()


def with_videos(catalog: Catalog, folder: Path) -> Catalog:
    """Return the catalogue with a column ``video``: files in `folder`, named by their texts."""
    folder.mkdir(parents=True, exist_ok=True)
    return with_column(
        catalog,
        "video",
        [
            _written(folder, one, ".mp4", lambda one: mp4([picture_of(one)]))
            for one in catalog.texts
        ],
    )


def _written(folder: Path, text: str, suffix: str, content: Callable[[str], bytes]) -> str:
    """Write the file of a text, and return its name; "" for a blank text."""
    if not text.strip():
        return ""
    path = folder / f"{crc32(text.encode('utf-8', 'surrogatepass')):08x}{suffix}"
    if not path.is_file():
        path.write_bytes(content(text))
    return path.name


def _colour(word: str) -> tuple[int, int, int]:
    number = crc32(word.encode("utf-8", "surrogatepass"))
    return number & 255, number >> 8 & 255, number >> 16 & 255


def _pitch(word: str) -> float:
    """Return a frequency of 150 to 4,000 Hz."""
    number = crc32(word.encode("utf-8", "surrogatepass")) % 1000
    return float(150.0 * (4000.0 / 150.0) ** (number / 1000))
