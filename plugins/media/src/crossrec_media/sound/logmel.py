"""Log-mel spectrograms in numpy, as librosa computes them with musicnn's settings."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from crossrec.numeric.ragged import FloatArray

from crossrec_media.sound.waveform import RATE

WINDOW, HOP, BANDS = 512, 256, 96
#: Slaney's scale: linear up to 1 kHz in steps of 200 / 3 Hz, then 27 steps to each factor of 6.4.
_STEP, _KNEE, _RATIO = 200.0 / 3, 1000.0, np.log(6.4) / 27.0


def log_mel(samples: FloatArray) -> FloatArray:
    """Return ``log10(1 + 10,000 mel power)``, float32 (frames, 96).

    Frames are centred on every 256th sample; the sound is padded with zeros.

    Parameters
    ----------
    samples : float32 array
        At 16 kHz.
    """
    padded = np.pad(samples, WINDOW // 2)
    if len(padded) < WINDOW:
        padded = np.pad(padded, (0, WINDOW - len(padded)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    return np.asarray(np.log10(1.0 + 10_000.0 * (power @ mel_filters().T)), dtype=np.float32)


def statistics(bands: FloatArray) -> FloatArray:
    """Return mean, spread and mean change of each band over time, float32 (288,)."""
    change = np.abs(np.diff(bands, axis=0)) if len(bands) > 1 else np.zeros_like(bands)
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0), change.mean(axis=0)])


@lru_cache(maxsize=1)
def mel_filters() -> FloatArray:
    """Return triangles of unit area on Slaney's mel scale, float32 (96, 257)."""
    edges = _hertz(np.linspace(0.0, _mel(RATE / 2), BANDS + 2))
    bins = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None], dtype=np.float32)


def _mel(hertz: float) -> float:
    if hertz < _KNEE:
        return hertz / _STEP
    return float(_KNEE / _STEP + np.log(hertz / _KNEE) / _RATIO)


def _hertz(mels: np.ndarray) -> np.ndarray:
    knee = _KNEE / _STEP
    return np.where(mels < knee, mels * _STEP, _KNEE * np.exp(_RATIO * (mels - knee)))
