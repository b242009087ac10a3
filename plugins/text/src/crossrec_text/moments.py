"""Standard scores over the items that a query admits, by exact sums instead of a masked pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossrec_text.asked import Asked, Doubles, Floats, Pairs

#: Similarities that spread less than this are all the same but for rounding: they say nothing.
_FLAT = 1e-4


@dataclass(frozen=True, eq=False)
class Scale:
    """How the similarities of t comparisons become standard scores: ``(x - mean) * slope``.

    Attributes
    ----------
    mean, slope : float64 arrays, shape (t, n)
        `slope` is 1 / standard deviation, 0 where all admitted items are equally similar.
    """

    mean: Doubles
    slope: Doubles


@dataclass(frozen=True, eq=False)
class Sums:
    """What is known of t comparisons of n queries.

    Attributes
    ----------
    total, squares : float64 arrays, shape (t, n)
        Sums of the similarities, and of their squares, over all items with text.
    at_excluded : float64 array, shape (t, p)
        The similarities at ``asked.excluded``.
    at_own, own : float64 arrays, shape (t, q)
        The similarities at ``asked.own`` and the part of each that an item has from itself, where
        `total` and `squares` still contain that part; else zeros.
    """

    total: Doubles
    squares: Doubles
    at_excluded: Doubles
    at_own: Doubles
    own: Doubles

    @classmethod
    def of(cls, asked: Asked, similar: Sequence[Floats]) -> Sums:
        """Return the sums of similarities that are at hand, float32 (n, n_items) each."""
        t, nothing = len(similar), np.zeros((len(similar), len(asked.own)))
        total, squares = np.empty((t, len(asked))), np.empty((t, len(asked)))
        at_excluded = np.empty((t, len(asked.excluded)))
        for at, one in enumerate(similar):
            exact = one.astype(np.float64)  # rounded squares would leave a spread where none is
            total[at] = exact.sum(axis=1)
            squares[at] = np.einsum("ij,ij->i", exact, exact)
            at_excluded[at] = exact[asked.excluded.rows, asked.excluded.items]
        return cls(total, squares, at_excluded, nothing, nothing)

    def and_of(self, others: Sums) -> Sums:
        """Return the sums of these and of other comparisons."""
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return Sums(*(np.concatenate(pair) for pair in pairs))


def scales(asked: Asked, sums: Sums) -> Scale:
    """Return mean and slope of each comparison over the items that a query admits."""
    total = sums.total - _by_query(asked, asked.excluded, sums.at_excluded)
    squares = sums.squares - _by_query(asked, asked.excluded, sums.at_excluded**2)
    if len(asked.own):
        total -= _by_query(asked, asked.own, sums.own)
        change = (sums.at_own - sums.own) ** 2 - sums.at_own**2
        squares += _by_query(asked, asked.own, change)
    count = np.maximum(asked.admitted, 1.0)
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    slope = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > _FLAT)
    return Scale(mean, slope)


def _by_query(asked: Asked, pairs: Pairs, values: Doubles) -> Doubles:
    """Sum values of pairs, (t, p), by query: (t, n)."""
    sums = np.zeros((len(values), len(asked)))
    for at, one in enumerate(values):
        sums[at] = np.bincount(pairs.rows, one, len(asked))
    return sums
