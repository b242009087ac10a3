"""What is written on pictures: read by the carried models, and encoded as text."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError
from crossrec_media.errors import MediaError, Refused
from crossrec_media.images import ocr
from crossrec_media.images.cover_text import CoverTextEncoder
from crossrec_media.settings import CoverTextConfig
from crossrec_media.tiny import png

pytest.importorskip("PIL")
RUN = RunOptions(threads=1)


def cover(*lines: str) -> bytes:
    """A cover with these lines on it."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (400, 400), (20, 30, 80))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(36)
    for at, line in enumerate(lines):
        draw.text((20, 60 + 120 * at), line, font=font, fill="white")
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def by_colour(pixels):
    """A reader that reads the brightness of the first pixel as a word."""
    bright = int(pixels[0, 0].mean())
    return [("river song", 0.9), ("noise", 0.2)] if bright > 128 else []


def test_only_lines_that_are_sure_count() -> None:
    white = np.full((8, 8, 3), 255, dtype=np.uint8)
    assert ocr.text_on(png(white), by_colour) == "river song"
    assert ocr.text_on(png(white // 4), by_colour) == ""
    with pytest.raises(Refused, match="no picture"):
        ocr.text_on(b"<svg/>", by_colour)


def test_words_on_covers_become_vectors(tmp_path, catalog_of) -> None:
    white = np.full((8, 8, 3), 255, dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(png(white))
    (tmp_path / "b.png").write_bytes(png(white // 4))
    config = CoverTextConfig(folder=str(tmp_path), encoder="tfidf-svd")
    encoder = CoverTextEncoder(config, by_colour)
    rows = encoder.encode(catalog_of("x", "y", "z"), RUN)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0, 0], atol=1e-6)
    assert encoder.refusals.line == (
        "cover-text: 1 of 2 files are left out: 1 without a word (b.png)"
    )


def test_encoders_of_files_read_no_words(tmp_path, catalog_of) -> None:
    config = CoverTextConfig(folder=str(tmp_path), encoder="image")
    with pytest.raises(ConfigError, match="image reads no texts"):
        CoverTextEncoder(config, by_colour).encode(catalog_of("x"), RUN)


def test_what_is_missing_is_named(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "rapidocr_onnxruntime", None)
    with pytest.raises(MediaError, match=r"crossrec-media\[ocr\]"):
        ocr.rapidocr_reader()


class TestCoverText:
    """The conformance kit would read hundreds of pictures; its one real run is here."""

    component = "cover-text"

    @pytest.mark.slow
    def test_the_carried_models_read_a_cover(self) -> None:
        pytest.importorskip("rapidocr_onnxruntime")
        text = ocr.text_on(cover("THE SILENT RIVER", "by Ada Moss"), ocr.rapidocr_reader())
        assert text == "THE SILENT RIVER by Ada Moss"
