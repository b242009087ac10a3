"""Top-k of the products of many user factors with all item factors."""

from __future__ import annotations

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.topk import best_places
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray

#: Queries scored at once: their scores for 20,000 items, 20 MB, stay near the processor.
_ROWS = 256
#: The lowest finite score; an excluded item has less.
_FLOOR = np.finfo(np.float32).min


def best_products(
    vectors: NDArray[np.float32], items: NDArray[np.float32], k: int, exclude: Ragged
) -> Candidates:
    """Return the `k` largest products of each row of `vectors` with the rows of `items`.

    Parameters
    ----------
    vectors : float32 array, shape (n, f)
    items : float32 array, shape (m, f)
    exclude : Ragged, n rows
        Rows of `items` that must not be returned.

    Returns
    -------
    Candidates
        Rows of `items`, best first, with `mean` and `std` over those that are not excluded.

    Notes
    -----
    Exact, in blocks of 256 queries. Mean and standard deviation come from the items' sum and Gram
    matrix, less the excluded ones, not from a pass over the scores.
    """
    n, m = len(vectors), len(items)
    width = min(k, m)
    index = np.full((n, width), PAD, dtype=np.int64)
    score = np.full((n, width), -np.inf, dtype=np.float32)
    exclude = exclude.distinct()
    row_of, taken = exclude.row_of, np.zeros(len(exclude.values))
    buffer = np.empty((min(n, _ROWS), m), dtype=np.float32)
    for start in range(0, n if width else 0, _ROWS):
        stop = min(start + _ROWS, n)
        block = np.matmul(vectors[start:stop], items.T, out=buffer[: stop - start])
        part = slice(exclude.indptr[start], exclude.indptr[stop])
        cells = row_of[part] - start, exclude.values[part]
        taken[part] = block[cells]
        block[cells] = -np.inf
        for at, scores in enumerate(block, start):
            places = best_places(scores, width, _FLOOR)
            index[at, : len(places)] = places
            score[at, : len(places)] = scores[places]
    mean, std = _moments(vectors, items, exclude, taken)
    return Candidates(index, score, "", mean, std)


def _moments(
    vectors: NDArray[np.float32],
    items: NDArray[np.float32],
    exclude: Ragged,
    taken: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation of each row's products with the items it admits.

    `taken` holds the products with the excluded items.
    """
    wide, table = vectors.astype(np.float64), items.astype(np.float64)
    n, row_of = len(vectors), exclude.row_of
    count = np.maximum(len(items) - exclude.lengths, 1)
    total = wide @ table.sum(axis=0) - np.bincount(row_of, taken, minlength=n)
    square = np.einsum("nf,fg,ng->n", wide, table.T @ table, wide, optimize=True)
    square -= np.bincount(row_of, np.square(taken), minlength=n)
    mean = total / count
    std = np.sqrt(np.maximum(square / count - np.square(mean), 0.0))
    return mean.astype(np.float32), std.astype(np.float32)
