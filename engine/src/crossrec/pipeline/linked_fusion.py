"""How lists from other scenarios join those that the ranker makes: fused where there are any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import Pool

#: Constant of reciprocal rank fusion, as it is when the source measures itself.
_CONSTANT = 60.0


def linked_labels(
    labels: Iterable[str], capabilities: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    """Return the sources that answer from other scenarios."""
    return tuple(one for one in labels if "linked" in capabilities.get(one, frozenset()))


def seen_by_ranker(pool: Pool, linked: tuple[str, ...]) -> Pool:
    """Return the pool as the ranker learnt it: without the sources that it never saw."""
    others = tuple(label for label in pool.sources if label not in linked)
    return pool.select(others) if others and len(others) < len(pool.sources) else pool


def fused_with_linked(
    scores: NDArray[np.float32], pool: Pool, linked: tuple[str, ...]
) -> NDArray[np.float32]:
    """Fuse the ranker's order with the lists from other scenarios by reciprocal ranks.

    Parameters
    ----------
    scores : float32 array, shape (n, m)
        The ranker's; -inf at `PAD`. Rows without a list from another scenario stay as they are.
    """
    at = [pool.sources.index(label) for label in linked if label in pool.sources]
    if not at or len(at) == len(pool.sources):
        return scores
    ranks = pool.ranks[:, :, at]
    # Only what another source proposed has a place in the ranker's list.
    listed = (np.delete(pool.ranks, at, axis=2) >= 0).any(axis=2)
    order = np.argsort(-np.where(listed, scores, -np.inf), axis=1, kind="stable")
    places = np.empty(scores.shape, dtype=np.int64)
    np.put_along_axis(places, order, np.arange(scores.shape[1])[None, :], axis=1)
    votes = np.where(listed, 1.0 / (_CONSTANT + 1 + places), 0.0)
    votes += np.where(ranks >= 0, 1.0 / (_CONSTANT + 1 + ranks), 0.0).sum(axis=2)
    answered = (ranks >= 0).sum(axis=(1, 2))[:, None] > 0
    fused = np.where(pool.valid, votes, -np.inf)
    return np.where(answered, fused, scores).astype(np.float32)
