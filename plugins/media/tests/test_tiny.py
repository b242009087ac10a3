"""The generated media: what shares words looks and sounds alike, the same each time."""

from __future__ import annotations

import wave
from io import BytesIO

import numpy as np
import pytest
from crossrec_media.tiny import (
    picture_of,
    png,
    tones_of,
    wav,
    with_column,
    with_pictures,
    with_sounds,
    with_vector_column,
)
from hypothesis import given
from hypothesis import strategies as st


@given(st.text(max_size=40))
def test_any_text_has_a_picture_and_a_sound(text: str) -> None:
    picture, sound = picture_of(text, 16), tones_of(text, 0.05)
    assert picture.shape == (16, 16, 3)
    assert picture.dtype == np.uint8
    assert np.abs(sound).max() <= 0.81
    np.testing.assert_array_equal(picture, picture_of(text, 16))
    np.testing.assert_array_equal(sound, tones_of(text, 0.05))


def test_words_are_stripes_and_tones() -> None:
    picture = picture_of("navy scarlet", 10)
    np.testing.assert_array_equal(picture[0], picture_of("navy", 10)[0])
    np.testing.assert_array_equal(picture[9], picture_of("scarlet", 10)[0])
    assert (picture[0, 0] != picture[9, 0]).any()
    both = tones_of("navy scarlet", 0.1)
    halves = (tones_of("navy", 0.1) + tones_of("scarlet", 0.1)) / 2
    np.testing.assert_allclose(both, halves, atol=1e-6)


def test_a_blank_text_has_no_file_and_no_vector(tmp_path, catalog_of) -> None:
    pytest.importorskip("PIL")
    catalog = catalog_of("navy shirt", "", "navy shirt")
    pictures = with_pictures(catalog, tmp_path / "p").attributes["picture"]
    sounds = with_sounds(catalog, tmp_path / "s").attributes["sound"]
    assert pictures[1] == sounds[1] == ""
    assert pictures[0] == pictures[2], "equal texts share a file"
    assert len(list((tmp_path / "p").iterdir())) == len(list((tmp_path / "s").iterdir())) == 1
    vectors = with_vector_column(catalog).attributes["vector"]
    assert vectors[1] is None
    assert sum(vectors[0]) == 2.0


def test_files_are_of_their_formats() -> None:
    pytest.importorskip("PIL")
    assert png(picture_of("navy")).startswith(b"\x89PNG")
    with wave.open(BytesIO(wav(tones_of("navy", 0.5)))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16_000, 1, 8_000)


def test_a_column_is_added_and_the_others_stay(catalog_of) -> None:
    catalog = with_column(catalog_of("a", "b", price=[1, 2]), "colour", ["red", None])
    assert catalog.attributes["price"] == (1, 2)
    assert catalog.attributes["colour"] == ("red", None)
