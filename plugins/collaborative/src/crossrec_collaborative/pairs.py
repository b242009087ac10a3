"""Counting pairs of items that are close to each other in histories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray

#: Pairs that are collected before they are merged into the counts.
_CHUNK = 4_000_000
#: Weights are multiples of 2⁻³²: their sums are exact, and what was added can be taken away.
_GRID = 2.0**32


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Unordered pairs of different items, each once.

    Attributes
    ----------
    first, second : int64 arrays, shape (p,)
        ``first < second``, ascending.
    mass : float64 array, shape (p,)
        Sum of the weights of the pair's occurrences.
    count : int64 array, shape (p,)
        Number of its occurrences.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mass: NDArray[np.float64]
    count: NDArray[np.int64]

    def plus(self, other: PairCounts) -> PairCounts:
        """Return the sum of both."""
        return self._joined(other, 1)

    def minus(self, other: PairCounts) -> PairCounts:
        """Return what is left without the other's, of which this holds all."""
        return self._joined(other, -1)

    def _joined(self, other: PairCounts, sign: int) -> PairCounts:
        firsts, seconds = (self.first, other.first), (self.second, other.second)
        width = 1 + max((int(one.max(initial=0)) for one in seconds), default=0)
        keys = np.concatenate([a * width + b for a, b in zip(firsts, seconds, strict=True)])
        fresh, back = np.unique(keys, return_inverse=True)
        n = len(fresh)
        every = np.concatenate([self.count, sign * other.count])
        mass = np.concatenate([self.mass, sign * other.mass])
        count = np.bincount(back, every, minlength=n).astype(np.int64)
        left = count > 0
        total = np.bincount(back, mass, minlength=n).astype(np.float64)
        return PairCounts(fresh[left] // width, fresh[left] % width, total[left], count[left])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_arrays` takes back."""
        return {
            "pairs.first": self.first,
            "pairs.second": self.second,
            "pairs.mass": self.mass,
            "pairs.count": self.count,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> PairCounts:
        """Return the pairs whose `arrays` these are; they may be read-only."""
        names = ("first", "second", "mass", "count")
        return cls(*(np.asarray(arrays[f"pairs.{name}"]) for name in names))


def count_pairs(
    sequences: Ragged,
    n_items: int,
    *,
    window: int,
    decay: float,
    event_mass: NDArray[np.float64] | None = None,
) -> PairCounts:
    """Count all pairs of different items at most `window` positions apart.

    Parameters
    ----------
    decay : float
        A pair at distance d weighs ``decay ** (d - 1)``.
    event_mass : float64 array, aligned with ``sequences.values``, optional
        Factor of the later event of a pair, such as its recency.

    Notes
    -----
    Memory grows with the number of distinct pairs, at most window × events, not with items squared.
    """
    keys = np.zeros(0, dtype=np.int64)
    mass, count = np.zeros(0), np.zeros(0, dtype=np.int64)
    waiting: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    size = 0
    for part in _pairs(sequences, n_items, window, decay, event_mass):
        waiting.append(part)
        size += len(part[0])
        if size >= _CHUNK:
            keys, mass, count = _merge(keys, mass, count, waiting)
            waiting, size = [], 0
    keys, mass, count = _merge(keys, mass, count, waiting)
    stride = max(n_items, 1)
    return PairCounts(keys // stride, keys % stride, mass, count)


def _pairs(
    sequences: Ragged,
    n_items: int,
    window: int,
    decay: float,
    event_mass: NDArray[np.float64] | None,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Yield keys and masses of the pairs at distance 1, 2, … `window`."""
    items, row_of = sequences.values, sequences.row_of
    longest = int(sequences.lengths.max(initial=0))
    for distance in range(1, min(window, longest - 1) + 1):
        early, late = items[:-distance], items[distance:]
        real = (row_of[:-distance] == row_of[distance:]) & (early != late)
        a, b = early[real], late[real]
        mass = np.full(len(a), np.rint(decay ** (distance - 1) * _GRID) / _GRID)
        if event_mass is not None:
            mass *= event_mass[distance:][real]
        yield np.minimum(a, b) * n_items + np.maximum(a, b), mass


def _merge(
    keys: NDArray[np.int64],
    mass: NDArray[np.float64],
    count: NDArray[np.int64],
    waiting: list[tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Add the waiting pairs to what was counted before."""
    every = np.concatenate([keys, *(part[0] for part in waiting)])
    ones = [np.ones(len(part[0]), dtype=np.int64) for part in waiting]
    fresh, back = np.unique(every, return_inverse=True)
    all_mass = np.concatenate([mass, *(part[1] for part in waiting)])
    all_count = np.concatenate([count, *ones])
    return (
        fresh,
        np.bincount(back, all_mass, minlength=len(fresh)).astype(np.float64),
        np.bincount(back, all_count, minlength=len(fresh)).astype(np.int64),
    )
