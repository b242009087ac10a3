"""Which other items a batch is compared with, and how probable each was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.numeric.ragged import IntArray
from numpy.typing import NDArray

from crossrec_neural.settings import LossSettings


@dataclass(frozen=True, eq=False)
class Sample:
    """Items that a batch shares as negatives.

    Attributes
    ----------
    items : int64 array, shape (c,)
        Distinct.
    chance : float64 array, shape (c,)
        The probability with which each got into the sample.
    """

    items: IntArray
    chance: NDArray[np.float64]


class Negatives:
    """Draws negatives from the items with events; the size of each sample is always the same.

    Parameters
    ----------
    counts : int64 array, shape (n_items,)
        Events of each item.
    """

    def __init__(self, counts: IntArray, settings: LossSettings) -> None:
        self.items: IntArray = np.flatnonzero(counts > 0)
        share = counts[self.items].astype(np.float64) ** settings.popularity_power
        popular = share / max(share.sum(), 1e-12)
        uniform = np.full(len(self.items), 1.0 / max(len(self.items), 1))
        mixed = settings.uniform * uniform + (1.0 - settings.uniform) * popular
        size = len(self.items) if settings.name == "softmax" else settings.negatives
        self.chance = inclusion(mixed, size)

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return a sample; all items where there are no more than are wanted.

        Systematic sampling in random order (Madow, 1949): each item is in it with exactly its
        probability, and none twice.
        """
        if (self.chance >= 1.0).all():
            return Sample(self.items, self.chance)
        order = rng.permutation(len(self.items))
        steps = np.floor(np.cumsum(self.chance[order]) + rng.random())
        taken = np.sort(order[np.diff(steps, prepend=0.0) > 0])
        return Sample(self.items[taken], self.chance[taken])


def inclusion(share: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return probabilities that are proportional to `share`, at most 1, with the sum `size`.

    Parameters
    ----------
    share : float64 array, shape (n,)
        Above 0, with the sum 1.
    """
    if size >= len(share):
        return np.ones(len(share))
    certain = np.zeros(len(share), dtype=bool)
    while True:
        rest = share[~certain].sum()
        chance = np.where(certain, 1.0, share * (size - certain.sum()) / rest)
        above = (chance > 1.0) & ~certain
        if not above.any():
            return chance
        certain |= above
