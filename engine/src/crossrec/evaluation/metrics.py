"""Metrics on ranks: recall, ndcg and mrr of each user; everything else of all lists together.

Every function is vectorised over users. NaN marks users for whom a metric is undefined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD
from crossrec.data.dataset import Dataset
from crossrec.numeric.gain import discount, ideal_gains
from crossrec.numeric.ragged import BoolArray, IntArray, Ragged, offsets

FloatArray = NDArray[np.float64]

#: Rank of a target that is not in the list.
MISS = 1 << 40


@dataclass(frozen=True, eq=False)
class ItemVectors:
    """What the diversity of lists is measured on.

    Attributes
    ----------
    matrix : array or scipy CSR matrix, shape (n_items, dim)
        Rows of length 1, or 0 for items that have none.
    filled : bool array, shape (n_items,)
        Which rows are not 0.
    basis : str
        What they are, for the report.
    """

    matrix: Any
    filled: BoolArray
    basis: str

    @classmethod
    def of(cls, dataset: Dataset) -> ItemVectors | None:
        """Take the first vectors that the dataset carries, else its categories as 0/1 columns.

        None where it has neither.
        """
        if dataset.vectors:
            name, vectors = next(iter(dataset.vectors.items()))
            norm = np.linalg.norm(vectors, axis=1)
            matrix = vectors / np.where(norm > 0, norm, 1.0)[:, None]
            return cls(matrix, norm > 0, f"the vectors of {name}")
        if not any(dataset.catalog.categories):
            return None
        from scipy.sparse import csr_matrix

        column: dict[str, int] = {}
        sets = [dict.fromkeys(row) for row in dataset.catalog.categories]
        columns = [column.setdefault(name, len(column)) for row in sets for name in row]
        lengths = np.array([len(row) for row in sets])
        indptr = offsets(lengths)
        data = np.repeat(1.0 / np.sqrt(np.maximum(lengths, 1)), lengths).astype(np.float32)
        one_hot = csr_matrix((data, columns, indptr), shape=(len(sets), len(column)))
        return cls(one_hot, lengths > 0, "categories")


def target_ranks(lists: IntArray, targets: Ragged, n_items: int) -> IntArray:
    """Return the place of each target in its user's list, from 0; `MISS` where it is absent.

    Parameters
    ----------
    lists : int64 array, shape (n, w)
        Best first, `PAD` in empty slots. Of an item that occurs twice the first place counts.
    targets : Ragged, n rows
    n_items : int

    Returns
    -------
    int64 array, shape (len(targets.values),)
    """
    n, width = lists.shape
    wanted = targets.row_of * n_items + targets.values
    filled = lists != PAD
    keys = (np.arange(n)[:, None] * n_items + lists)[filled]
    places = np.broadcast_to(np.arange(width), lists.shape)[filled]
    if not len(keys):
        return np.full(len(wanted), MISS, dtype=np.int64)
    order = np.argsort(keys, kind="stable")
    keys, places = keys[order], places[order]
    found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    ranks: IntArray = np.where(keys[found] == wanted, places[found], MISS).astype(np.int64)
    return ranks


def recall(
    ranks: IntArray, targets: Ragged, k: int, counted: BoolArray | None = None
) -> FloatArray:
    """Return hits among the first k / number of targets of each user, float64 (n,).

    Parameters
    ----------
    ranks : int64 array
        From `target_ranks`.
    counted : bool array, aligned with `ranks`, optional
        Restrict the metric to these targets; users without any get NaN.
    """
    total = _per_user(np.ones(len(ranks)), targets, counted)
    return _ratio(_per_user(ranks < k, targets, counted), total)


def ndcg(ranks: IntArray, targets: Ragged, k: int, counted: BoolArray | None = None) -> FloatArray:
    """Return the normalised discounted cumulative gain at k, float64 (n,).

    Binary gains, discount 1 / log2(place + 1); the ideal list shows min(k, number of targets)
    targets first (Järvelin & Kekäläinen, 2002).
    """
    total = _per_user(np.ones(len(ranks)), targets, counted).astype(np.int64)
    gains = discount(ranks, k)
    return _ratio(_per_user(gains, targets, counted), ideal_gains(k)[np.minimum(total, k)])


def mrr(ranks: IntArray, targets: Ragged, k: int, counted: BoolArray | None = None) -> FloatArray:
    """Return 1 / place of the first hit among the first k, 0 without a hit, float64 (n,)."""
    used = np.ones(len(ranks), dtype=bool) if counted is None else counted
    best = np.full(len(targets), MISS, dtype=np.int64)
    np.minimum.at(best, targets.row_of[used], ranks[used])
    value = np.where(best < k, 1.0 / (best + 1.0), 0.0)
    return np.where(np.bincount(targets.row_of[used], minlength=len(targets)) > 0, value, np.nan)


def hit(ranks: IntArray, targets: Ragged, k: int) -> FloatArray:
    """Return 1 where any target is among the first k, else 0, float64 (n,)."""
    found = np.bincount(targets.row_of[ranks < k], minlength=len(targets)) > 0
    return np.where(targets.lengths > 0, found.astype(np.float64), np.nan)


def exposure(lists: IntArray, n_items: int) -> IntArray:
    """Return how many lists show each item, int64 (n_items,)."""
    return np.bincount(lists[lists != PAD], minlength=n_items)


def coverage(shown: IntArray) -> float:
    """Return the share of the catalog that occurs in at least one list."""
    return float(np.mean(shown > 0)) if len(shown) else float("nan")


def gini(shown: IntArray) -> float:
    """Return the Gini index of the exposure: 0 for equal shares, (n - 1) / n for one item alone."""
    total = float(shown.sum())
    if not total:
        return float("nan")
    n = len(shown)
    weights = 2.0 * np.arange(1, n + 1) - n - 1
    return float(weights @ np.sort(shown)) / (n * total)


def overlap(lists: IntArray, reference: IntArray, n_items: int) -> FloatArray:
    """Return the share of each list that is also in the reference list, float64 (n,).

    The reference is the popularity baseline's answer to the same query, cut at the same depth.
    """
    rows = np.arange(len(lists))[:, None] * n_items
    both = np.isin(rows + lists, (rows + reference)[reference != PAD]) & (lists != PAD)
    return _ratio(both.sum(axis=1).astype(np.float64), (lists != PAD).sum(axis=1))


def diversity(lists: IntArray, vectors: ItemVectors) -> FloatArray:
    """Return the mean of 1 - cosine over all pairs of each list, float64 (n,).

    Items without a vector are left out; lists with fewer than two others get NaN.
    """
    from scipy.sparse import csr_matrix

    rows, columns = np.nonzero((lists != PAD) & vectors.filled[lists])
    counts = np.bincount(rows, minlength=len(lists)).astype(np.float64)
    indptr = offsets(counts)
    shown = csr_matrix(
        (np.ones(len(rows), np.float32), lists[rows, columns], indptr),
        shape=(len(lists), len(vectors.filled)),
    )
    # |sum of v|² = sum of |v|² + the cosines of all ordered pairs, and every |v| is 1.
    pairs = _squared_norms(shown @ vectors.matrix) - counts
    return np.where(counts > 1, 1.0 - _ratio(pairs, counts * (counts - 1)), np.nan)


def head_items(counts: IntArray, share: float = 0.5) -> BoolArray:
    """Return which items are the head: the most popular that together hold `share` of the events.

    The fewest items that do, ties in the order of the index; all others are the long tail.
    """
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    head = np.zeros(len(counts), dtype=bool)
    head[order] = (before < share * counts.sum()) & (counts[order] > 0)
    return head


def _squared_norms(matrix: Any) -> FloatArray:
    """Squared length of each row of a dense or sparse matrix."""
    if hasattr(matrix, "multiply"):
        return np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64).ravel()
    squared: FloatArray = np.einsum("id,id->i", matrix, matrix).astype(np.float64)
    return squared


def _per_user(values: NDArray[Any], targets: Ragged, counted: BoolArray | None) -> FloatArray:
    """Sum `values` of the counted targets of each user."""
    weights = values if counted is None else values * counted
    summed = np.bincount(targets.row_of, weights=weights.astype(np.float64), minlength=len(targets))
    return summed.astype(np.float64)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> FloatArray:
    """Divide; NaN where there is nothing to divide by."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
