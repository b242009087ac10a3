"""Plain similarity: the baseline beside popularity that a surface has to be worth more than."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from crossrec.components.candidates import Candidates
from crossrec.components.query import QueryBatch
from crossrec.components.topk import top_k
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import Ragged


class Similarity:
    """Items nearest to those that a query is about, or to the history: by text, else by people.

    The score of an item is the mean cosine to the distinct items of the query: of the first vectors
    that the set carries, or, where it has none, of the columns of the matrix of users and items. It
    knows no order, no ages and no counts.
    """

    def __init__(self, train: Dataset) -> None:
        started = time.perf_counter()
        self.by_text = bool(train.vectors)
        self.name = "similar texts" if self.by_text else "same people"
        self._rows = _text_rows(train) if self.by_text else _people_rows(train)
        self.fit_seconds = time.perf_counter() - started

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the k nearest items that are eligible for each query."""
        seeds = queries.related().history.distinct()
        mean = _membership(seeds, self._rows.shape[0]) @ self._rows
        scores = mean @ self._rows.T
        dense = scores.toarray() if hasattr(scores, "toarray") else scores
        # Without anything to be near to there is no list.
        dense = np.where((seeds.lengths > 0)[:, None], dense, -np.inf).astype(np.float32)
        minimum = -np.inf if self.by_text else 0.0
        return top_k(dense, k, queries.exclude, source=self.name, minimum=minimum)


def _text_rows(train: Dataset) -> Any:
    """Return unit rows, shape (n_items, dim); of an item without text zeros."""
    vectors = next(iter(train.vectors.values()))
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norm > 0, norm, 1.0)


def _people_rows(train: Dataset) -> Any:
    """Return unit rows, CSR of shape (n_items, n_users): who has each item."""
    from scipy.sparse import diags_array

    columns = train.matrix(binary=True).T.tocsr()
    norm = np.sqrt(np.asarray(columns.sum(axis=1)).ravel())
    return diags_array(1.0 / np.maximum(norm, 1.0)).tocsr() @ columns


def _membership(seeds: Ragged, n_items: int) -> Any:
    """Return the mean of the seeds as a CSR matrix, shape (n, n_items)."""
    from scipy.sparse import csr_array

    weights = np.repeat(1.0 / np.maximum(seeds.lengths, 1), seeds.lengths).astype(np.float32)
    return csr_array((weights, seeds.values, seeds.indptr), shape=(len(seeds), n_items))
