"""The union of several sources' candidates, in which each source also judges the others'."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates, Pool

#: Scores given candidates: (n, m) indexes → (n, m) float32, NaN where there is no evidence.
Scorer = Callable[[NDArray[np.int64]], NDArray[np.float32]]


def build_pool(
    found: Mapping[str, Candidates], size: int, scorers: Mapping[str, Scorer] | None = None
) -> Pool:
    """Unite the candidates of several sources.

    Parameters
    ----------
    found : mapping of source name to Candidates
        All of the same n queries; at least one source.
    size : int
        At most so many candidates a query: the best ranks of all sources in turn.
    scorers : mapping of source name to callable, optional
        Asked for the candidates of other sources where a source did not hand over ``full``.

    Returns
    -------
    Pool
        A score is NaN only where a source has no evidence, or can score nothing but its own finds.
    """
    names = tuple(found)
    index = _union([found[name].index for name in names], size)
    n, m = index.shape
    scores = np.full((n, m, len(names)), np.nan, dtype=np.float32)
    ranks = np.full((n, m, len(names)), -1, dtype=np.int64)
    for at, name in enumerate(names):
        own = found[name]
        place = _places(own.index, index)
        ranks[:, :, at] = place
        scores[:, :, at] = _scores(own, index, place, (scorers or {}).get(name))
    mean, std = _statistics([found[name] for name in names], scores)
    return Pool(index, scores, ranks, names, mean, std)


def _union(lists: list[NDArray[np.int64]], size: int) -> NDArray[np.int64]:
    """Distinct items of each row, the best ranks first until `size`; returned ascending."""
    n = len(lists[0])
    width = max((part.shape[1] for part in lists), default=0)
    if n == 0 or width == 0:
        return np.zeros((n, 0), dtype=np.int64)
    stack = np.full((n, width, len(lists)), PAD, dtype=np.int64)
    for at, part in enumerate(lists):
        stack[:, : part.shape[1], at] = part
    by_rank = stack.reshape(n, -1)  # rank 0 of every source, then rank 1, …
    order = np.argsort(by_rank, axis=1, kind="stable")
    ordered = np.take_along_axis(by_rank, order, axis=1)
    fresh = ordered != PAD
    fresh[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    keep = np.zeros_like(fresh)
    np.put_along_axis(keep, order, fresh, axis=1)
    keep &= np.cumsum(keep, axis=1) <= size
    behind = np.iinfo(np.int64).max
    index = np.sort(np.where(keep, by_rank, behind), axis=1)
    index = index[:, : int(keep.sum(axis=1).max(initial=0))]
    return np.where(index == behind, PAD, index)


def _places(own: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Column of each item of `index` within the same row of `own`, -1 where it is not there."""
    n, k = own.shape
    if k == 0 or index.size == 0:
        return np.full(index.shape, -1, dtype=np.int64)
    stride = int(max(own.max(), index.max())) + 2
    row = np.arange(n, dtype=np.int64)[:, None] * stride + 1
    keys = (own + row).ravel()
    wanted = (index + row).ravel()
    order = np.argsort(keys, kind="stable")
    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    hit = (keys[order[at]] == wanted) & (index.ravel() != PAD)
    return np.where(hit, order[at] % k, -1).reshape(index.shape)


def _scores(
    own: Candidates, index: NDArray[np.int64], place: NDArray[np.int64], scorer: Scorer | None
) -> NDArray[np.float32]:
    """What one source thinks of the united candidates."""
    if own.full is not None and own.full.shape[1]:
        scores = np.take_along_axis(own.full, np.maximum(index, 0), axis=1)
    elif scorer is not None:
        scores = scorer(index)
    elif own.score.shape[1]:
        scores = np.take_along_axis(own.score, np.maximum(place, 0), axis=1)
        scores = np.where(place >= 0, scores, np.nan)
    else:
        scores = np.full(index.shape, np.nan, dtype=np.float32)
    with np.errstate(over="ignore"):
        scores = scores.astype(np.float32, copy=False)
    return np.where(np.isfinite(scores) & (index != PAD), scores, np.float32(np.nan))


def _statistics(
    parts: list[Candidates], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Each source's own statistics where it gives them, else those of the pool."""
    n, _, width = scores.shape
    finite = np.isfinite(scores)
    count = np.maximum(finite.sum(axis=1), 1)
    clean = np.where(finite, scores, 0.0)
    mean = clean.sum(axis=1) / count
    spread = np.where(finite, clean - mean[:, None, :], 0.0)
    std = np.sqrt(np.square(spread).sum(axis=1) / count)
    for at in range(width):
        given_mean, given_std = parts[at].mean, parts[at].std
        if given_mean is not None and given_std is not None:
            real = np.isfinite(given_mean) & np.isfinite(given_std)
            mean[:, at] = np.where(real, given_mean, mean[:, at])
            std[:, at] = np.where(real, given_std, std[:, at])
    return mean.reshape(n, width).astype(np.float32), std.reshape(n, width).astype(np.float32)
