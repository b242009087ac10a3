"""From dense scores to the best k candidates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Candidates
from crossrec.numeric.ragged import Ragged
from crossrec.numeric.sparse import likely_floor


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
    best = [best_places(row, width, floor) for row in scores]
    used = max(len(places) for places in best)
    index = np.full((n, used), PAD, dtype=np.int64)
    score = np.full((n, used), -np.inf, dtype=np.float32)
    for row, places in enumerate(best):
        index[row, : len(places)] = places
        score[row, : len(places)] = scores[row, places]
    return Candidates(index, score, source, mean, std, scores)


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
