"""Sparse rows: the largest entries of each, matrices made of sorted entries, gathering by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import FloatArray, IntArray, offsets

_BLOCK_CELLS = 1 << 23
#: One number of so many is looked at to guess how high the largest ones lie.
_STEP = 16


def block_rows(n_columns: int) -> int:
    """Return how many rows of a dense float32 block keep it near 32 MB."""
    return max(1, _BLOCK_CELLS // max(n_columns, 1))


def top_entries(block: FloatArray, k: int, first: int = 0) -> tuple[IntArray, IntArray, FloatArray]:
    """Return row, column and value of the `k` largest entries in size of each row of a block.

    Zeros are never returned. Columns ascend within a row. Of columns that tie for the last places
    each row, numbered from `first` on, takes others: none of them is the neighbour of all.
    """
    found = [largest(row, k, turn) for turn, row in enumerate(np.abs(block), first)]
    rows = np.repeat(np.arange(len(block)), [len(columns) for columns in found])
    columns = np.concatenate([np.zeros(0, dtype=np.int64), *found])
    return rows, columns, block[rows, columns].astype(np.float32, copy=False)


def largest(sizes: FloatArray, k: int, turn: int = 0) -> IntArray:
    """Return the places of the `k` largest numbers above 0, ascending.

    What ties for the last places is taken in even steps, from the `turn`-th on, and not from the
    front: item numbers may follow time.
    `sizes` (n,) has no negative ones. Only what reaches `likely_floor`, or is above 0, is
    partitioned: of a row that is mostly zeros numpy takes thirty times as long for the whole.
    """
    floor = likely_floor(sizes, k)
    places: IntArray = np.flatnonzero(sizes >= floor if floor > 0 else sizes > 0)
    if floor > 0 and len(places) < k:
        places = np.flatnonzero(sizes > 0)
    if len(places) <= k:
        return places
    if k <= 0:
        return places[:0]
    found = sizes[places]
    least = np.partition(found, len(found) - k)[len(found) - k]
    kept = found > least
    level, room = np.flatnonzero(found == least), k - int(kept.sum())
    kept[level[(turn + np.arange(room) * len(level) // room) % len(level)]] = True
    chosen: IntArray = places[kept]
    return chosen


def likely_floor(row: FloatArray, k: int) -> np.float32:
    """Return a number that most likely a few more than `k` of the row reach, by a sample of it.

    To look at a sample and then once at the row takes a quarter of the time of a selection among
    all (20,000 numbers). Where the sample deceives, the caller has to look again.
    """
    sample = row[::_STEP]
    expected = max(k, 0) / _STEP
    at = len(sample) - 1 - int(expected + 3.0 * expected**0.5) - 4
    return np.float32(np.partition(sample, at)[at] if at >= 0 else -np.inf)


def leading(scores: FloatArray, k: int) -> IntArray:
    """Return the places of the `k` largest scores, in no order.

    Of scores that are mostly equal, as where few items share a word, numpy's selection takes thirty
    times as long as one among those that are above them.
    """
    if k >= len(scores):
        return np.arange(len(scores))
    floor = likely_floor(scores, k)
    above = np.flatnonzero(scores > floor)
    if len(above) < k:
        level = np.flatnonzero(scores == floor)[: k - len(above)]
        if len(above) + len(level) == k:
            return np.concatenate([above, level])
        above = np.arange(len(scores))
    found = scores[above]
    places: IntArray = above[np.argpartition(found, len(found) - k)[len(found) - k :]]
    return places


def keep_top(matrix: Any, k: int) -> Any:
    """Return a CSR matrix with only the `k` largest entries of each row, columns ascending."""
    csr = matrix.tocsr()
    csr.eliminate_zeros()
    csr.sort_indices()
    indptr, kept = strongest_per_row(csr.indptr, np.abs(csr.data), k)
    if len(kept) == csr.nnz:
        return csr.astype(np.float32)
    row = np.repeat(np.arange(csr.shape[0]), np.diff(indptr))
    return sparse_rows(row, csr.indices[kept], csr.data[kept], csr.shape)


def keep_largest(matrix: Any, k: int, first: int = 0) -> Any:
    """Return a CSR matrix with only the `k` largest entries above 0 of each row.

    The order of the entries stays. Of those that tie for the last places each row, numbered from
    `first` on, takes others, as in `top_entries`.
    """
    bounds = matrix.indptr.tolist()
    found = [
        start + largest(matrix.data[start:stop], k, turn)
        for turn, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True), first)
    ]
    rows = np.repeat(np.arange(len(found)), [len(places) for places in found])
    places = np.concatenate([np.zeros(0, dtype=np.int64), *found])
    return sparse_rows(rows, matrix.indices[places], matrix.data[places], matrix.shape)


def strongest_per_row(indptr: IntArray, values: NDArray[Any], k: int) -> tuple[IntArray, IntArray]:
    """Keep the `k` largest values of each CSR row.

    Returns
    -------
    indptr : int64 array
        Of the shorter rows.
    kept : int64 array
        Places in `values` that stay, ascending.
    """
    lengths = np.diff(indptr)
    keep = np.ones(len(values), dtype=bool)
    for row in np.flatnonzero(lengths > k):
        part = slice(indptr[row], indptr[row + 1])
        keep[part] = False
        keep[part.start + strongest(values[part], k)] = True
    return offsets(np.minimum(lengths, k)), np.flatnonzero(keep)


def strongest(values: NDArray[Any], k: int) -> IntArray:
    """Return the places of the `k` largest values (n,), ascending; ties go to the lower place."""
    if len(values) <= k:
        return np.arange(len(values))
    threshold = np.partition(values, -k)[-k]
    above = np.flatnonzero(values > threshold)
    level = np.flatnonzero(values == threshold)[: k - len(above)]
    return np.sort(np.concatenate([above, level]))


def sparse_rows(
    rows: IntArray, columns: IntArray, values: FloatArray, shape: tuple[int, int]
) -> Any:
    """Return scipy CSR, float32, of entries that are already sorted by row and column."""
    from scipy.sparse import csr_matrix

    indptr = offsets(np.bincount(rows, minlength=shape[0]))
    return csr_matrix((values.astype(np.float32), columns, indptr), shape=shape)


def wider(matrix: Any, n_items: int) -> Any:
    """Return a square CSR matrix with empty rows and columns added at the end."""
    from scipy.sparse import csr_matrix

    more = n_items - matrix.shape[0]
    indptr = np.concatenate([matrix.indptr, np.full(more, matrix.indptr[-1])])
    return csr_matrix((matrix.data, matrix.indices, indptr), shape=(n_items, n_items))


def gathered_rows(indptr: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return the positions of all entries of some rows, and where each row starts among them."""
    starts = indptr[rows]
    bounds = offsets(indptr[rows + 1] - starts)
    at = np.repeat(starts - bounds[:-1], np.diff(bounds))
    at += np.arange(bounds[-1])
    return at, bounds
