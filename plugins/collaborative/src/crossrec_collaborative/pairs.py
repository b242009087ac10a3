"""Counting pairs of items that are close to each other in histories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray

#: Pairs that are collected before they are merged into the counts.
_CHUNK = 4_000_000


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
        mass = np.full(len(a), decay ** (distance - 1))
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
