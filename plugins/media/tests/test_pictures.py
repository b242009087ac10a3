"""Pictures of strangers: what is read is right, and what is not is refused by its cause."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from crossrec_media.errors import Refused
from crossrec_media.images.pictures import read_picture
from crossrec_media.tiny import picture_of, png
from hypothesis import given, settings
from hypothesis import strategies as st

Image = pytest.importorskip("PIL.Image")


def encoded(picture, format_: str, **options) -> bytes:
    file = BytesIO()
    picture.save(file, format=format_, **options)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes whose header promises a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_each_format_gives_its_colour(format_: str) -> None:
    read = read_picture(encoded(Image.new("RGB", (30, 20), (200, 40, 90)), format_), 8, 1)
    assert read.shape == (8, 8, 3)
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - [200, 40, 90]).max() <= 8


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert (read_picture(encoded(clear, "PNG"), 4, 1) == 255).all()


def test_grey_and_palettes_become_colours() -> None:
    for mode in ("L", "P", "1", "I;16", "CMYK"):
        format_ = "JPEG" if mode == "CMYK" else "PNG"
        assert read_picture(encoded(Image.new(mode, (4, 4)), format_), 4, 1).shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "no picture"),
        (b"GIF89a", "no picture"),
        (b"not a picture at all", "no picture"),
        (b"%PDF-1.7 ...", "no picture"),
        (bomb(60_000, 60_000), "megapixels"),
        (bomb(2_000, 2_000), "megapixels"),
    ],
    ids=["svg", "gif head", "text", "pdf", "bomb", "large"],
)
def test_what_is_no_good_picture_is_refused(data: bytes, cause: str) -> None:
    with pytest.raises(Refused, match=cause):
        read_picture(data, 8, 3)


def test_a_tiff_is_refused_whatever_its_name() -> None:
    with pytest.raises(Refused, match="no picture"):
        read_picture(encoded(Image.new("RGB", (4, 4)), "TIFF"), 8, 1)


@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
def test_a_truncated_file_is_refused(format_: str) -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    whole = encoded(noise, format_)
    for part in (0.3, 0.6, 0.9):
        with pytest.raises(Refused, match=r"damaged|no picture"):
            read_picture(whole[: int(len(whole) * part)], 8, 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 200), st.binary(min_size=1, max_size=8))
def test_damage_is_refused_or_read_and_never_raises_anything_else(at: int, junk: bytes) -> None:
    whole = png(picture_of("red green", 16))
    data = whole[:at] + junk + whole[at + len(junk) :]
    with suppress(Refused):
        assert read_picture(data, 4, 1).shape == (4, 4, 3)
