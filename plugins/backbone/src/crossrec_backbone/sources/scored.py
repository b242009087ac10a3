"""The candidates of a batch of queries with their scores: computed once, ordered, compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.numeric.ragged import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class ScoredCandidates:
    """Candidates, their scores, and what these were computed from.

    Attributes
    ----------
    index : int64 array, shape (n, m)
        Ascending, then `PAD`.
    scores : float32 array, shape (n, m)
        NaN without evidence.
    columns : float32 array, shape (n, m, len(COLUMNS)), or None
        None where the batch is too large to keep them.
    """

    index: IntArray
    scores: FloatArray
    columns: FloatArray | None

    def best(self, k: int, source: str) -> Candidates:
        """Return the best ≤ k candidates of each query, with mean and spread over all of them."""
        scores = np.where(np.isnan(self.scores), -np.inf, self.scores).astype(np.float32)
        order = np.argsort(-scores, axis=1, kind="stable")[:, : min(k, scores.shape[1])]
        score = np.take_along_axis(scores, order, axis=1)
        best = np.where(np.isfinite(score), np.take_along_axis(self.index, order, axis=1), PAD)
        used = int((best != PAD).sum(axis=1).max(initial=0))
        mean, std = _moments(scores)
        return Candidates(best[:, :used], score[:, :used], source, mean, std)


def rescaled(scores: FloatArray, known: FloatArray) -> FloatArray:
    """Move scores so that their first ones have the mean and spread that they have in `known`."""
    first = scores[: len(known)]
    both = np.isfinite(first) & np.isfinite(known)
    if both.sum() < 2:
        return scores.copy()
    first, known = first[both], known[both]
    spread = float(first.std())
    factor = float(known.std()) / spread if spread > 1e-9 else 1.0
    moved = (scores - first.mean()) * factor + known.mean()
    return np.asarray(moved, dtype=np.float32)


def _moments(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and spread of the finite scores of each row."""
    finite = np.isfinite(scores)
    count = np.maximum(finite.sum(axis=1), 1)
    clean = np.where(finite, scores, 0.0)
    mean = clean.sum(axis=1) / count
    spread = np.where(finite, clean - mean[:, None], 0.0)
    return mean.astype(np.float32), np.sqrt((spread**2).sum(axis=1) / count).astype(np.float32)
