"""From dense scores to the best k candidates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates
from crossrec.numeric.ragged import Ragged
from crossrec.numeric.sparse import likely_floor

#: The least score above 0.
ABOVE_ZERO = np.nextafter(np.float32(0.0), np.float32(1.0))


def top_k(
    scores: NDArray[np.float32],
    k: int,
    exclude: Ragged | None = None,
    *,
    source: str = "",
    minimum: float = -np.inf,
) -> Candidates:
    """Return the best `k` items of each row of a dense score matrix.

    Parameters
    ----------
    scores : float32 array, shape (n, n_items)
        Overwritten: excluded items become -inf. NaN and infinity count as no evidence.
    k : int
    exclude : Ragged, n rows, optional
        Items that must not be returned.
    minimum : float
        Only scores above it are candidates; 0 drops items without evidence in a count-like source.

    Returns
    -------
    Candidates
        Best first, ties in the order of the index, with `mean` and `std` over what is not excluded
        and `scores` itself as `full`.
    """
    n, n_items = scores.shape
    finite = np.isfinite(scores)
    if not finite.all():
        scores[~finite] = -np.inf
    if exclude is not None and len(exclude.values):
        row_of = exclude.row_of
        scores[row_of, exclude.values] = -np.inf
        finite[row_of, exclude.values] = False
    mean, std = _moments(scores, finite)
    width = min(k, n_items)
    if width <= 0 or n == 0:
        return Candidates.empty(n, source)
    floor = np.nextafter(np.float32(minimum), np.float32(np.inf))
    index = padded([best_places(row, width, floor) for row in scores])
    return Candidates(index, _scores_at(scores, index), source, mean, std, scores)


def top_sums(
    scores: NDArray[np.float32], k: int, exclude: Ragged, *, source: str = ""
) -> Candidates:
    """Return the best `k` items of each row of sums in which 0 says that there is no evidence.

    Like `top_k` with a minimum of 0, in the time that the other sums take; 0 counts for `mean` and
    `std`, and is -inf in `full`.
    """
    n, n_items = scores.shape
    if not np.isfinite(scores).all():
        scores[~np.isfinite(scores)] = 0.0
    exclude = exclude.distinct()
    scores[exclude.row_of, exclude.values] = 0.0
    full = np.full(scores.shape, -np.inf, dtype=np.float32)
    moments = np.zeros((2, n))
    best = []
    admitted = np.maximum(n_items - exclude.lengths, 1).tolist()
    for row, (values, own) in enumerate(zip(scores, full, strict=True)):
        places = (values != 0).nonzero()[0]
        sums = values.take(places)
        own[places] = sums
        moments[:, row] = moments_with_zeros(sums.astype(np.float64), admitted[row])
        best.append(places[best_places(sums, max(k, 0), ABOVE_ZERO)])
    index = padded(best)
    mean, std = moments.astype(np.float32)
    return Candidates(index, _scores_at(full, index), source, mean, std, full)


def padded(best: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the items of each row as a table, int64 (n, longest), `PAD` behind the last."""
    if len(best) == 1:
        return best[0][None]
    index = np.full((len(best), max(map(len, best), default=0)), PAD, dtype=np.int64)
    for row, places in enumerate(best):
        index[row, : len(places)] = places
    return index


def _scores_at(scores: NDArray[np.float32], index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the scores of the items of a table, float32 of its shape, -inf at `PAD`."""
    rows = np.arange(len(index))[:, None]
    found = np.where(index == PAD, -np.inf, scores[rows, index])
    return found.astype(np.float32, copy=False)


def best_places(row: NDArray[np.float32], width: int, floor: np.float32) -> NDArray[np.int64]:
    """Return the places of the `width` largest scores from `floor` on, best first.

    Ties are settled by the lower place, also the ones for the last place.
    """
    found = np.flatnonzero(row >= max(likely_floor(row, width), floor))
    if len(found) < width:
        found = np.flatnonzero(row >= floor)
    falling = -row[found]
    if len(found) > 4 * width:
        inside = falling <= np.partition(falling, width - 1)[width - 1]
        found, falling = found[inside], falling[inside]
    return found[np.argsort(falling, kind="stable")[:width]]


def moments_with_zeros(sums: NDArray[np.float64], n: int) -> tuple[float, float]:
    """Mean and standard deviation of `n` numbers, of which all but `sums` are 0."""
    mean = float(sums.sum()) / n
    spread = float(np.square(sums - mean).sum()) + (n - len(sums)) * mean * mean
    return mean, (spread / n) ** 0.5


def _moments(
    scores: NDArray[np.float32], finite: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of the finite scores of each row."""
    moments = np.zeros((2, len(scores)))
    for row, (values, known) in enumerate(zip(scores, finite)):
        unknown = np.flatnonzero(~known)
        count = len(known) - len(unknown)
        if count:
            exact = values.astype(np.float64)
            exact[unknown] = 0.0
            moments[0, row] = mean = exact.sum() / count
            exact -= mean
            exact[unknown] = 0.0
            moments[1, row] = np.sqrt(np.square(exact).sum() / count)
    mean, std = moments.astype(np.float32)
    return mean, std
