"""The inverse of a ridge: what every closed-form item-item model needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Rows that are mirrored at once.
_ROWS = 1024


def ridge_inverse(gram: Any, reg: float) -> NDArray[np.float32]:
    """Return (G + λI)⁻¹ by Cholesky, float32 (n, n) in C order.

    Parameters
    ----------
    gram : scipy sparse matrix or float32 array, shape (n, n)
        G, symmetric. A contiguous array is overwritten with the inverse, so that one matrix of this
        size is all that a fit holds.
    reg : float
        λ, above 0 where G is singular.

    Raises
    ------
    numpy.linalg.LinAlgError
        If G + λI is not positive definite.
    """
    from scipy.linalg import cholesky, lapack

    n = gram.shape[0]
    if n == 0:
        return np.zeros((0, 0), dtype=np.float32)
    dense = _columns(gram)
    dense[np.diag_indices(n)] += reg
    factor = cholesky(dense, lower=True, overwrite_a=True, check_finite=False)
    inverse, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError("the co-occurrence matrix could not be inverted")
    return _mirrored(inverse)


def _columns(gram: Any) -> NDArray[np.float32]:
    """Return G in LAPACK's column order; of a symmetric array in C order that is its transpose."""
    if not isinstance(gram, np.ndarray):
        gram = gram.toarray(order="F")
    return np.asarray(gram.T if gram.flags.c_contiguous else gram, dtype=np.float32, order="F")


def _mirrored(lower: NDArray[np.float32]) -> NDArray[np.float32]:
    """Copy the lower triangle onto the upper one, in blocks, in place; C order."""
    n = len(lower)
    out = np.ascontiguousarray(lower.T)  # its upper triangle is the one that is filled
    for start in range(0, n, _ROWS):
        stop = min(start + _ROWS, n)
        square = out[start:stop, start:stop]
        square += np.triu(square, 1).T - np.tril(square, -1)
        out[stop:, start:stop] = out[start:stop, stop:].T
    return out
