"""Sounds: decoded right, seen by bands as librosa sees them, and encoded."""

from __future__ import annotations

import struct
import wave
from io import BytesIO

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError
from crossrec.testing import EncoderTests
from crossrec_media.errors import MediaError, Refused
from crossrec_media.settings import SoundConfig
from crossrec_media.sound.encoder import SoundEncoder
from crossrec_media.sound.logmel import BANDS, log_mel, mel_filters, statistics
from crossrec_media.sound.waveform import RATE, read_sound, resampled
from crossrec_media.tiny import tones_of, wav, with_sounds
from hypothesis import given, settings
from hypothesis import strategies as st

RUN = RunOptions(threads=1)


class TestSound(EncoderTests):
    component = "sound"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path_factory) -> None:
        folder = tmp_path_factory.mktemp("sounds")
        type(self).settings = {"folder": str(folder), "column": "sound"}
        type(self).content = staticmethod(lambda catalog: with_sounds(catalog, folder))


def sine(hertz: float, seconds: float = 1.0, rate: int = RATE):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate).astype(np.float32)


def packed(samples, width: int, channels: int = 1, rate: int = RATE) -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        if width == 1:
            out.writeframes((samples * 127 + 128).astype("u1").tobytes())
        elif width == 3:
            whole = (samples * 8_388_607).astype("<i4")
            out.writeframes(b"".join(struct.pack("<i", one)[:3] for one in whole.ravel()))
        else:
            full = 2 ** (8 * width - 1) - 1
            out.writeframes((samples.astype(np.float64) * full).astype(f"<i{width}").tobytes())
    return file.getvalue()


@pytest.mark.parametrize(("width", "error"), [(1, 0.02), (2, 1e-4), (3, 1e-6), (4, 1e-6)])
def test_every_width_of_wav_is_read(width: int, error: float) -> None:
    tone = 0.5 * sine(440, 0.1)
    np.testing.assert_allclose(read_sound(packed(tone, width), 9), tone, atol=error)


def test_channels_are_averaged() -> None:
    stereo = np.stack([0.5 * sine(440, 0.1), 0.1 * sine(440, 0.1)], axis=1)
    read = read_sound(packed(stereo, 2, channels=2), 9)
    np.testing.assert_allclose(read, 0.3 * sine(440, 0.1), atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_other_rates_keep_the_pitch(rate: int) -> None:
    heard = resampled(sine(440, 1.0, rate), rate)
    assert abs(len(heard) - RATE) <= 2
    spectrum = np.abs(np.fft.rfft(heard))
    assert abs(int(spectrum.argmax()) * RATE / len(heard) - 440) < 2


def test_only_the_first_seconds_are_decoded() -> None:
    assert len(read_sound(wav(sine(440, 3.0)), 0.5)) == RATE // 2


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (wav(np.zeros(1000, dtype=np.float32)), "silent"),
        (wav(np.zeros(0, dtype=np.float32)), "silent"),
    ],
)
def test_a_file_of_nothing_says_nothing(data: bytes, cause: str) -> None:
    with pytest.raises(Refused, match=cause):
        read_sound(data, 9)


def test_without_av_other_formats_are_named(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MediaError, match=r"crossrec-media\[sound\]"):
        read_sound(b"ID3 mp3", 9)


def test_av_decodes_what_it_encoded() -> None:
    av = pytest.importorskip("av")
    file = BytesIO()
    with av.open(file, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(0.5 * sine(440, 1.0, 48_000)[None], "flt", "mono")
        frame.sample_rate = 48_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            out.mux(packet)
    heard = read_sound(file.getvalue(), 9)
    spectrum = np.abs(np.fft.rfft(heard))
    assert abs(int(spectrum.argmax()) * RATE / len(heard) - 440) < 3


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=300))
def test_junk_is_refused_and_raises_nothing_else(junk: bytes) -> None:
    pytest.importorskip("av")
    for data in (junk, b"RIFF" + junk, b"RIFF\x10\x00\x00\x00WAVEfmt " + junk):
        try:
            read_sound(data, 1)
        except Refused as refused:
            cause = str(refused)
        else:
            continue
        assert cause in {"damaged, or no sound", "no sound", "silent"}


def test_filters_are_triangles_of_unit_area() -> None:
    filters = mel_filters()
    assert filters.shape == (BANDS, 257)
    assert (filters >= 0).all()
    areas = filters.sum(axis=1) * RATE / 512
    np.testing.assert_allclose(areas[-40:], 1.0, rtol=0.05)
    peaks = filters.argmax(axis=1)
    assert (np.diff(peaks) >= 0).all()


def test_the_scale_is_linear_below_1_khz() -> None:
    """Slaney's scale has its knee at 15 mels; of 96 bands up to 8 kHz each takes 0.466 of one."""
    step = (15 + np.log(8) / (np.log(6.4) / 27)) / 97 * 200 / 3
    tone = log_mel(sine(step * 20))
    assert abs(int(tone.mean(axis=0).argmax()) - 19) <= 1


@pytest.mark.parametrize("hertz", [250.0, 1000.0, 4000.0])
def test_a_tone_is_loudest_in_its_own_band(hertz: float) -> None:
    band = int(log_mel(sine(hertz)).mean(axis=0).argmax())
    centre = float(mel_filters()[band] @ np.arange(257) / mel_filters()[band].sum()) * RATE / 512
    assert abs(centre - hertz) / hertz < 0.08


def test_frames_are_centred_and_short_sounds_have_one() -> None:
    assert log_mel(sine(440, 1.0)).shape == (1 + RATE // 256, BANDS)
    assert log_mel(np.ones(3, dtype=np.float32)).shape == (1, BANDS)
    assert statistics(log_mel(np.ones(3, dtype=np.float32))).shape == (3 * BANDS,)


def test_louder_is_more_and_nothing_is_nothing() -> None:
    assert not log_mel(np.zeros(1000, dtype=np.float32)).any()
    assert (log_mel(sine(440)) >= log_mel(0.1 * sine(440))).all()


def test_what_sounds_alike_is_near(tmp_path, catalog_of) -> None:
    for name, words in {"a": "low drum", "b": "low drum", "c": "high flute solo"}.items():
        noise = np.random.default_rng(ord(name)).normal(size=RATE) * 0.01
        sound = (tones_of(words) + noise).astype(np.float32)
        (tmp_path / f"{name}.wav").write_bytes(wav(sound))
    (tmp_path / "d.wav").write_bytes(b"RIFF....WAVE")
    encoder = SoundEncoder(SoundConfig(folder=str(tmp_path)))
    pytest.importorskip("av")
    rows = encoder.encode(catalog_of(*"abcde"), RUN)
    assert rows.shape == (5, 3 * BANDS)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    assert not rows[3:].any()
    assert encoder.refusals.line == (
        "sound: 1 of 4 files are left out: 1 damaged, or no sound (d.wav)"
    )


def test_a_model_that_is_not_there_is_named(tmp_path, catalog_of) -> None:
    encoder = SoundEncoder(SoundConfig(folder=str(tmp_path), model="mtt.safetensors"))
    with pytest.raises(ConfigError, match="crossrec sound-model"):
        encoder.encode(catalog_of("x"), RUN)


def run(*words) -> str:
    from click.testing import CliRunner
    from crossrec.cli.root import CrossrecGroup

    result = CliRunner().invoke(CrossrecGroup(name="crossrec"), [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def test_songs_go_from_a_folder_into_a_list(tmp_path) -> None:
    """Songs without a word in common: only what they sound like says which belong together."""
    songs, ws = tmp_path / "songs", tmp_path / "ws"
    songs.mkdir()
    for number in range(12):
        words = "low drum" if number % 2 else "high flute"
        noise = np.random.default_rng(number).normal(size=RATE) * 0.01
        (songs / f"s{number}.wav").write_bytes(wav((tones_of(words) + noise).astype(np.float32)))
    (tmp_path / "items.csv").write_text(
        "item_id,title\n" + "".join(f"s{n},name{n}\n" for n in range(12))
    )
    plays = [f"u{u},s{u + at},{1_600_000_000 + 100 * u + at}" for u in range(9) for at in (0, 1)]
    (tmp_path / "events.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(plays) + "\n")
    (tmp_path / "media.toml").write_text(
        f"""
        encoder = ""
        sources = [
            "popularity",
            {{ name = "alike", settings = {{ encoder = "sound", phrase = "sounds like" }} }},
        ]
        [[encoders]]
        name = "sound"
        settings = {{ folder = "{songs}" }}
        """
    )
    files = ("--items", tmp_path / "items.csv", "--events", tmp_path / "events.csv")
    run("ingest", "music", *files, "-w", ws)
    run("fit", "music", "--pipeline", tmp_path / "media.toml", "--no-backbone", "-w", ws)
    shown = run("recommend", "music", "--history", "s1", "-k", "5", "--explain", "-w", ws)
    assert "sounds like “name1”" in shown
    words = ("recommend", "music", "--history", "s1", "-k", "5", "--language", "de", "-w", ws)
    assert "klingt wie" in run(*words, "--explain")
