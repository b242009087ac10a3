"""What the sources of this package share where they learn new events without a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from crossrec.data.event_change import EventChange
from numpy.typing import NDArray


def with_changed_users(matrix: Any, change: EventChange) -> Any:
    """Return users × items with the rows of the changed users as they are now.

    Parameters
    ----------
    matrix : scipy CSR, float32
        As at the last fit or update; it may be smaller than the new state.

    Returns
    -------
    scipy CSR, float32, shape (change.n_users, change.n_items)
    """
    from scipy.sparse import csr_matrix

    shape = (change.n_users, change.n_items)
    row_of = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    changed = np.zeros(change.n_users, dtype=bool)
    changed[change.users] = True
    stays = ~changed[row_of]
    rest = csr_matrix((matrix.data[stays], (row_of[stays], matrix.indices[stays])), shape)
    together = (rest + change.after.matrix()).tocsr()
    together.sort_indices()
    return together


def longer(values: NDArray[Any], n: int) -> NDArray[Any]:
    """Return a copy with zeros behind its last axis, up to length `n`."""
    missing = [(0, 0)] * (values.ndim - 1) + [(0, n - values.shape[-1])]
    return np.pad(values, missing)
