"""Text vectors as inputs: centred over the catalogue, whitened, leading directions first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.errors import DataError
from crossrec.numeric.ragged import BoolArray, FloatArray

#: A direction with less than this share of the largest variance is treated as if it had it.
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class TextSpace:
    """How the vectors of an encoder become rows: less the mean, times the axes, to length 1.

    Attributes
    ----------
    mean : float32 array, shape (width,)
    axes : float32 array, shape (width, size)
        By falling variance. ``size`` is 0 where there are no vectors to learn from.
    """

    mean: FloatArray
    axes: FloatArray

    @classmethod
    def none(cls) -> TextSpace:
        """Return the space of a catalogue without text."""
        return cls(np.zeros(0, np.float32), np.zeros((0, 0), np.float32))

    @classmethod
    def fit(cls, vectors: FloatArray, size: int, whitening: float) -> TextSpace:
        """Learn the leading `size` directions of the rows that are finite and not zero."""
        used = vectors[filled(vectors)].astype(np.float64)
        if len(used) < 2:
            return cls.none()
        mean = used.mean(axis=0)
        centred = used - mean
        variance, basis = np.linalg.eigh(centred.T @ centred / len(used))
        variance, basis = variance[::-1][:size], basis[:, ::-1][:, :size]
        if variance[0] <= 1e-12:  # all texts are the same: they separate nothing
            return cls.none()
        scale = np.maximum(variance, variance[0] * _LEAST) ** (-whitening / 2)
        return cls(mean.astype(np.float32), (basis * scale).astype(np.float32))

    @property
    def size(self) -> int:
        """Width of the rows."""
        return int(self.axes.shape[1])

    def rows(self, vectors: FloatArray) -> FloatArray:
        """Return rows of length 1, float32 (n, size); zero where a vector is zero or not finite.

        Raises
        ------
        DataError
            If the vectors have another width than those of the fit.
        """
        if not self.size:
            return np.zeros((len(vectors), 0), dtype=np.float32)
        if vectors.shape[1] != len(self.mean):
            raise DataError(
                f"item vectors are {vectors.shape[1]} wide, the fitted ones {len(self.mean)}: "
                "use the encoder of the fit, or fit again"
            )
        there = filled(vectors)
        rows = np.zeros((len(vectors), self.size), dtype=np.float32)
        rows[there] = (vectors[there] - self.mean) @ self.axes
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows


def filled(vectors: FloatArray) -> BoolArray:
    """Return which rows are finite and not zero, bool (n,)."""
    there: BoolArray = np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1)
    return there
