"""How alike the items of a pool are: rows whose dot products are similarities."""

from __future__ import annotations

import numpy as np
from crossrec.components.item_columns import codes_of, values_of
from crossrec.components.policy_context import PolicyContext
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray


def similarity_rows(
    context: PolicyContext, index: NDArray[np.int64], field: str = ""
) -> NDArray[np.float32] | None:
    """Return float32 (n, dim), rows of length 1, or 0 for items of which nothing is known.

    Parameters
    ----------
    field : str
        The field whose sets of values are compared (their cosine); "" takes the item vectors of a
        source, or the categories where there are none.

    Returns
    -------
    float32 array or None
        None where nothing is known of any of the items.
    """
    if not field and context.vectors is not None:
        rows = context.vectors[index]
    else:
        name = field or context.items.schema.categories
        _, entities = values_of(context.items, name) if name else ("", None)
        rows = _set_rows(codes_of(entities, index))
    return rows if rows.any() else None


def _set_rows(sets: Ragged) -> NDArray[np.float32]:
    """Return each set as 0/1 columns over the values that occur, scaled to length 1."""
    values, column = np.unique(sets.values, return_inverse=True)
    rows = np.zeros((len(sets), len(values)), dtype=np.float32)
    rows[sets.row_of, column] = 1.0
    lengths = np.sqrt(np.maximum(sets.lengths, 1)).astype(np.float32)
    scaled: NDArray[np.float32] = rows / lengths[:, None]
    return scaled
