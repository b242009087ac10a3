"""Sound files as samples at one rate: WAV by the standard library, all else by av (FFmpeg)."""

from __future__ import annotations

import wave
from io import BytesIO
from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray

from crossrec_media.errors import MediaError, Refused

SUFFIXES = (".wav", ".mp3", ".ogg", ".flac", ".m4a", ".opus", ".aac")
#: Samples in a second, for all that listens here.
RATE = 16_000
INSTALL = "crossrec install 'crossrec-media[sound]'"
#: Bytes of a sample of WAV → its type and what is full scale; 24 bits are read as 32.
_PCM = {1: ("u1", 128.0), 2: ("<i2", 32_768.0), 4: ("<i4", 2_147_483_648.0)}


def read_sound(data: bytes, seconds: float) -> FloatArray:
    """Return the first seconds of a sound, one channel, float32 between -1 and 1, at 16 kHz.

    Raises
    ------
    Refused
        If it is damaged, no sound, or holds nothing to hear.
    MediaError
        If it is no WAV, and av is not installed.
    """
    try:
        samples = _wav(data, seconds) if data[:4] == b"RIFF" and data[8:12] == b"WAVE" else None
    except (wave.Error, EOFError, ValueError):
        samples = None  # compressed WAV: av may know it
    if samples is None:
        samples = _by_av(data, seconds)
    if not len(samples) or not np.abs(samples).max() > 1e-4:
        raise Refused("silent")
    return samples


def _wav(data: bytes, seconds: float) -> FloatArray:
    with wave.open(BytesIO(data)) as file:
        width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
        raw = file.readframes(int(seconds * rate))
    if width == 3:
        triples = np.frombuffer(raw[: len(raw) // 3 * 3], dtype=np.uint8).reshape(-1, 3)
        wide = np.zeros((len(triples), 4), dtype=np.uint8)
        wide[:, 1:] = triples
        raw, width = wide.tobytes(), 4
    kind, full = _PCM.get(width, ("", 1.0))
    if not kind:
        raise ValueError(f"samples of {width} bytes")
    values = np.frombuffer(raw[: len(raw) // width * width], dtype=kind).astype(np.float32)
    values = (values - (full if kind == "u1" else 0.0)) / np.float32(full)
    whole = values[: len(values) // channels * channels].reshape(-1, channels)
    return resampled(whole.mean(axis=1), rate)


def _by_av(data: bytes, seconds: float) -> FloatArray:
    try:
        import av
    except ImportError:
        raise MediaError(f"sounds other than plain WAV need av: run `{INSTALL}`") from None
    parts: list[FloatArray] = []
    wanted = int(seconds * RATE)
    try:
        opened: Any = av.open(BytesIO(data))
        with opened as container:
            if not container.streams.audio:
                raise Refused("no sound")
            resampler: Any = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            for frame in container.decode(audio=0):
                parts += [one.to_ndarray().ravel() for one in resampler.resample(frame)]
                if sum(map(len, parts)) >= wanted:
                    break
    except (av.FFmpegError, ValueError, OSError):
        if not parts:  # what came before the damage is used
            raise Refused("damaged, or no sound") from None
    joined = np.concatenate([*parts, np.zeros(0, dtype=np.float32)])
    return np.asarray(joined[:wanted], dtype=np.float32)


def resampled(samples: FloatArray, rate: int) -> FloatArray:
    """Return samples of another rate at 16 kHz, by a polyphase filter."""
    if rate == RATE or not len(samples):
        return samples
    from math import gcd

    from scipy.signal import resample_poly

    common = gcd(RATE, rate)
    return np.asarray(resample_poly(samples, RATE // common, rate // common), dtype=np.float32)
