"""Random numbers that depend on what they are for, not on when they are drawn."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrec.numeric.hashing import GOLDEN, mixed


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """Return a generator for one purpose: further purposes do not change what it draws."""
    return np.random.default_rng([seed, *(zlib.crc32(word.encode()) for word in purpose)])


def uniforms(seed: int, purpose: str, *keys: ArrayLike) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each combination of keys, the same whenever it is drawn.

    Parameters
    ----------
    purpose : str
        Draws of different purposes are independent.
    *keys : arrays of whole numbers
        Broadcast against each other.
    """
    start = (seed & 0xFFFFFFFF) << 32 | zlib.crc32(purpose.encode())
    state = np.array([start], dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = mixed((state ^ np.asarray(key).astype(np.int64).astype(np.uint64)) + GOLDEN)
    shape = np.broadcast_shapes(*(np.shape(key) for key in keys))
    return (state >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-53
