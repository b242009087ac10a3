"""The union of several sources' candidates, in which each source also judges the others'."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates, Pool
from crossrec.numeric.arrays import as_float32

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
        Called for the candidates of other sources where a source did not hand over ``full``.

    Returns
    -------
    Pool
        A score is NaN only where a source has no evidence, or can score nothing but its own finds.
    """
    names = tuple(found)
    index, ranks = _united(_stacked([found[name].index for name in names]), size)
    scores = np.empty(ranks.shape, dtype=np.float32)
    for at, name in enumerate(names):
        own = _scores(found[name], index, ranks[:, :, at], (scorers or {}).get(name))
        scores[:, :, at] = as_float32(own)
    scores[~(np.isfinite(scores) & (index != PAD)[:, :, None])] = np.nan
    mean, std = _statistics([found[name] for name in names], scores)
    return Pool(index, scores, ranks, names, mean, std)


def _stacked(lists: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the lists beside each other, int64 (n, widest, n_lists), `PAD` where one ends."""
    n, width = len(lists[0]), max(part.shape[1] for part in lists)
    stack = np.full((n, width, len(lists)), PAD, dtype=np.int64)
    for at, part in enumerate(lists):
        stack[:, : part.shape[1], at] = part
    return stack


def _united(stack: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Unite the lists of each row: the best ranks of all in turn, until there are `size` items.

    Returns
    -------
    index : int64 array, shape (n, m)
        Distinct items, ascending, then `PAD`.
    ranks : int64 array, shape (n, m, n_lists)
        Rank of each item in each list, -1 for none.
    """
    n, _, n_lists = stack.shape
    place = np.zeros(int(stack.max(initial=0)) + 1, dtype=np.int64)  # only written places are read
    union = [_distinct(lists.ravel(), place)[:size] for lists in stack]
    index = np.full((n, max(map(len, union), default=0)), PAD, dtype=np.int64)
    ranks = np.full((*index.shape, n_lists), -1, dtype=np.int64)
    for row, (lists, items) in enumerate(zip(stack, union, strict=True)):
        items.sort()
        index[row, : len(items)] = items
        rank, which = (at[::-1] for at in np.nonzero(lists != PAD))
        listed = lists[rank, which]
        place[listed] = -1
        place[items] = np.arange(len(items))
        at = place[listed]
        known = at >= 0
        # Of an item that is listed twice the first place stays: it is written last.
        ranks[row, at[known], which[known]] = rank[known]
    return index, ranks


def _distinct(items: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each item once, in the order of first occurrence; `PAD` is none."""
    items = items[items != PAD]
    own = np.arange(len(items))
    place[items[::-1]] = own[::-1]  # of two the one that is written last stays: the first
    first: NDArray[np.bool_] = place[items] == own
    return items[first]


def _scores(
    own: Candidates, index: NDArray[np.int64], place: NDArray[np.int64], scorer: Scorer | None
) -> NDArray[np.float32]:
    """What one source thinks of the united candidates; not finite where it knows nothing."""
    rows = np.arange(len(index))[:, None]
    if own.full is not None and own.full.shape[1]:
        scores: NDArray[np.float32] = own.full[rows, np.maximum(index, 0)]
    elif scorer is not None:
        scores = scorer(index)
    elif own.score.shape[1]:
        scores = np.where(place >= 0, own.score[rows, np.maximum(place, 0)], np.nan)
    else:
        scores = np.full(index.shape, np.nan, dtype=np.float32)
    return scores


def _statistics(
    parts: list[Candidates], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Each source's own statistics where it gives them, else those of the pool."""
    n, _, width = scores.shape
    mean = np.zeros((n, width), dtype=np.float32)
    std = np.zeros((n, width), dtype=np.float32)
    for at, part in enumerate(parts):
        given = np.zeros(n, dtype=bool)
        if part.mean is not None and part.std is not None:
            given = np.isfinite(part.mean) & np.isfinite(part.std)
            mean[:, at], std[:, at] = part.mean, part.std
        if not given.all():
            rest = np.flatnonzero(~given)
            mean[rest, at], std[rest, at] = _of_pool(scores[rest, :, at])
    return mean, std


def _of_pool(scores: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the finite scores of each row."""
    finite = np.isfinite(scores)
    count = np.maximum(finite.sum(axis=1), 1)
    mean = np.where(finite, scores, 0.0).sum(axis=1, dtype=np.float64) / count
    spread = np.where(finite, scores - mean[:, None], 0.0)
    return mean, np.sqrt(np.square(spread).sum(axis=1) / count)
