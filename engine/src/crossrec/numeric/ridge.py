"""The inverse of a ridge: what every closed-form item-item model needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ridge_inverse(gram: Any, reg: float) -> NDArray[np.float32]:
    """Return (G + λI)⁻¹ of a sparse G, float32, by Cholesky in place."""
    from scipy.linalg import cholesky, lapack

    n = gram.shape[0]
    if n == 0:
        return np.zeros((0, 0), dtype=np.float32)
    dense = np.asarray(gram.toarray(order="F"), dtype=np.float32, order="F")
    dense[np.diag_indices(n)] += reg
    factor = cholesky(dense, lower=True, overwrite_a=True, check_finite=False)
    inverse, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError("the co-occurrence matrix could not be inverted")
    return _mirrored(inverse)


def _mirrored(lower: NDArray[np.float32]) -> NDArray[np.float32]:
    """Copy the lower triangle onto the upper one, in blocks, in place; C order."""
    n = len(lower)
    out = np.ascontiguousarray(lower.T)  # its upper triangle is the one that is filled
    size = 1024
    for start in range(0, n, size):
        stop = min(start + size, n)
        square = out[start:stop, start:stop]
        square += np.triu(square, 1).T - np.tril(square, -1)
        out[stop:, start:stop] = out[start:stop, stop:].T
    return out
