"""Dense vectors made comparable: centred, partly whitened over the catalogue, of length 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.errors import DataError
from crossrec.numeric.ragged import FloatArray


@dataclass(frozen=True, eq=False)
class Projection:
    """How raw vectors become rows: subtract `mean`, multiply by `axes`, scale to length 1."""

    mean: FloatArray
    axes: FloatArray

    @classmethod
    def fit(cls, vectors: FloatArray, whitening: float) -> Projection:
        """Learn mean and axes from the rows that are not zero."""
        used = vectors[filled_rows(vectors)]
        mean = used.mean(axis=0)
        centred = (used - mean).astype(np.float64)
        variance, basis = np.linalg.eigh(centred.T @ centred / len(used))
        floor = max(float(variance.max()) * 1e-6, 1e-12)
        scale = np.maximum(variance, floor) ** (-whitening / 2)
        return cls(mean.astype(np.float32), (basis * scale).astype(np.float32))

    def rows(self, vectors: FloatArray) -> FloatArray:
        """Return rows of length 1; zero where the vector is zero or not finite.

        Raises
        ------
        DataError
            If the vectors have another width than those of the fit.
        """
        if vectors.shape[1] != len(self.mean):
            raise DataError(
                f"item vectors are {vectors.shape[1]} wide, the fitted ones {len(self.mean)}: "
                "use the encoder of the fit, or fit again"
            )
        filled = filled_rows(vectors)
        rows = np.zeros((len(vectors), self.axes.shape[1]), dtype=np.float32)
        rows[filled] = (vectors[filled] - self.mean) @ self.axes
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows


def filled_rows(vectors: FloatArray) -> NDArray[np.bool_]:
    """True for rows that are finite and not zero."""
    return np.asarray(np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1))
