"""Top-k of the products of many user factors with all item factors."""

from __future__ import annotations

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray

#: Queries scored at once: their scores for 20,000 items, 20 MB, stay near the processor.
_ROWS = 256


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
    Exact: torch's matrix product and its partial sort, in blocks of 256 queries. Mean and standard
    deviation come from the items' sum and Gram matrix, less the excluded ones, not from a pass
    over the scores.
    """
    import torch

    n, m = len(vectors), len(items)
    width = min(k, m)
    index = np.full((n, width), PAD, dtype=np.int64)
    score = np.full((n, width), -np.inf, dtype=np.float32)
    away, away_square = np.zeros(n), np.zeros(n)
    table = torch.from_numpy(np.array(items, dtype=np.float32)).T
    buffer = torch.empty((min(n, _ROWS), m), dtype=torch.float32)
    for start in range(0, n, _ROWS):
        rows = slice(start, min(start + _ROWS, n))
        block = torch.from_numpy(np.array(vectors[rows], dtype=np.float32))
        products = torch.mm(block, table, out=buffer[: len(block)])
        row, column = _distinct(exclude, rows, m)
        view = products.numpy()
        taken = view[row, column].astype(np.float64)
        view[row, column] = -np.inf
        away[rows] = np.bincount(row, taken, minlength=len(block))
        away_square[rows] = np.bincount(row, np.square(taken), minlength=len(block))
        best = products.topk(width, dim=1)
        index[rows], score[rows] = best.indices.numpy(), best.values.numpy()
    index[np.isneginf(score)] = PAD
    mean, std = _moments(vectors, items, exclude, away, away_square)
    return Candidates(index, score, "", mean, std)


def _distinct(exclude: Ragged, rows: slice, m: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the excluded (row within the block, column) pairs, each once."""
    bounds = exclude.indptr[rows.start : rows.stop + 1]
    values = exclude.values[bounds[0] : bounds[-1]]
    row = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    keys = np.unique(row * m + values)
    return keys // max(m, 1), keys % max(m, 1)


def _moments(
    vectors: NDArray[np.float32],
    items: NDArray[np.float32],
    exclude: Ragged,
    away: NDArray[np.float64],
    away_square: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of each row's products with the admitted items."""
    wide, table = vectors.astype(np.float64), items.astype(np.float64)
    keys = np.unique(exclude.row_of * max(len(items), 1) + exclude.values)
    excluded = np.bincount(keys // max(len(items), 1), minlength=len(vectors))
    count = np.maximum(len(items) - excluded, 1)
    mean = (wide @ table.sum(axis=0) - away) / count
    square = (np.einsum("nf,fg,ng->n", wide, table.T @ table, wide, optimize=True)) - away_square
    std = np.sqrt(np.maximum(square / count - np.square(mean), 0.0))
    return mean.astype(np.float32), std.astype(np.float32)
