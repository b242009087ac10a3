"""Standard scores over the items that a query admits, by exact sums instead of a masked pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossrec_text.asked import Asked, Doubles, Floats

#: Similarities that spread less than this are all the same but for rounding: they say nothing.
_FLAT = 1e-4


@dataclass(frozen=True, eq=False)
class Scale:
    """How the similarities of each query become standard scores: ``(x - mean) * slope``.

    Attributes
    ----------
    mean, slope : float64 arrays, shape (n,)
        `slope` is 1 / standard deviation, 0 where all admitted items are equally similar.
    """

    mean: Doubles
    slope: Doubles


def scale(
    asked: Asked,
    total: Doubles,
    squares: Doubles,
    at_excluded: Doubles,
    at_own: Doubles | None = None,
    own: Doubles | None = None,
) -> Scale:
    """Return mean and slope over the admitted items.

    Parameters
    ----------
    total, squares : float64 arrays, shape (n,)
        Sums of the similarities, and of their squares, over all items with text.
    at_excluded : float64 array
        The similarities at ``asked.excluded``.
    at_own, own : float64 arrays, optional
        The similarities at ``asked.own`` and the part of each that an item has from itself, where
        `total` and `squares` still contain that part.
    """
    n = len(asked)
    total = total - np.bincount(asked.excluded.rows, at_excluded, n)
    squares = squares - np.bincount(asked.excluded.rows, at_excluded**2, n)
    if at_own is not None and own is not None:
        total = total - np.bincount(asked.own.rows, own, n)
        squares = squares + np.bincount(asked.own.rows, (at_own - own) ** 2 - at_own**2, n)
    count = np.maximum(asked.admitted, 1.0)
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    slope = np.divide(1.0, spread, out=np.zeros(n), where=spread > _FLAT)
    return Scale(mean, slope)


def scale_of(asked: Asked, similarity: Floats) -> Scale:
    """Return mean and slope of similarities that are at hand, float32 (n, n_items)."""
    exact = similarity.astype(np.float64)
    at_excluded = exact[asked.excluded.rows, asked.excluded.items]
    return scale(asked, exact.sum(axis=1), np.einsum("ij,ij->i", exact, exact), at_excluded)
