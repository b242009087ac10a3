"""How often items are found near one another in histories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from crossrec.numeric.ragged import IntArray, Ragged
from numpy.typing import NDArray

#: Pairs that are summed at once.
_PAIRS = 1 << 22
#: With at most so many cells, and pairs for an eighth of them, a whole table is counted in: a sum
#: of sparse matrices takes ten times as long where half of the cells are filled, as in ML-1M.
_CELLS = 1 << 25


def near_pairs(sequences: Ragged, values: Sequence[float], n_items: int) -> Any:
    """Return what pairs of items add up to, as scipy CSR, float32 (n, n).

    An item and one `d` places later in the same row add ``values[d - 1]`` to the row of the
    earlier one.
    """
    from scipy.sparse import coo_matrix, csr_matrix

    shape = (n_items, n_items)
    pairs = len(sequences.values) * len(values)
    if n_items**2 <= min(_CELLS, 8 * pairs):
        table = np.zeros(n_items**2)
        for earlier, later, value in _batches(sequences, values):
            table += np.bincount(earlier * n_items + later, value, n_items**2)
        return csr_matrix(table.reshape(shape).astype(np.float32))
    total = csr_matrix(shape, dtype=np.float32)
    for earlier, later, value in _batches(sequences, values):
        total = total + coo_matrix((value.astype(np.float32), (earlier, later)), shape).tocsr()
    return total


def _batches(
    sequences: Ragged, values: Sequence[float]
) -> Iterator[tuple[IntArray, IntArray, NDArray[np.float64]]]:
    """Yield earlier items, later items and values, many distances at once."""
    row, item = sequences.row_of, sequences.values
    parts: list[tuple[IntArray, IntArray, NDArray[np.float64]]] = []
    waiting = 0
    for distance, value in enumerate(values, 1):
        same = np.flatnonzero(row[distance:] == row[:-distance])
        parts.append((item[same], item[same + distance], np.full(len(same), value)))
        waiting += len(same)
        if waiting >= _PAIRS:
            yield _joined(parts)
            parts, waiting = [], 0
    if parts:
        yield _joined(parts)


def _joined(
    parts: list[tuple[IntArray, IntArray, NDArray[np.float64]]],
) -> tuple[IntArray, IntArray, NDArray[np.float64]]:
    """Put the columns below one another."""
    earlier, later, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    return earlier, later, value
