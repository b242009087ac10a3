"""Which items of a source are consumed together: what an encoder can learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import IntArray


@dataclass(frozen=True, eq=False)
class JointItems:
    """The items of one source and the pairs among them.

    Attributes
    ----------
    texts : tuple of str
    first, second : int64 arrays, shape (pairs,)
        Items with a text that share a history; each pair in both directions.
    odds : float64 array, shape (pairs,)
        Cumulated chance of being drawn, 1 at the end.
    joint : scipy CSR, shape (n, n)
        Not 0 where two items share a history.
    """

    texts: tuple[str, ...]
    first: IntArray
    second: IntArray
    odds: NDArray[np.float64]
    joint: Any

    def draw(self, rng: np.random.Generator, count: int) -> tuple[IntArray, IntArray]:
        """Return `count` pairs as two aligned arrays."""
        at = np.searchsorted(self.odds, rng.random(count), side="right")
        at = np.minimum(at, len(self.odds) - 1)
        return self.first[at], self.second[at]

    def related(self, rows: IntArray, columns: IntArray) -> NDArray[np.bool_]:
        """Return whether two items are the same or share a history, (len(rows), len(columns)).

        Such items are no negatives of each other.
        """
        known = self.joint[rows][:, columns].toarray() != 0
        return np.asarray(known | (rows[:, None] == columns[None, :]))
