"""How fast this machine is, against the one on which the constants of all estimates were timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

#: Seconds of the two probes on the reference machine: two cores of a 2.1 GHz server, idle.
_DENSE_SECONDS, _SCATTERED_SECONDS = 0.0035, 0.0035
_SIDE = 512
_CELLS, _PICKED = 1 << 21, 1 << 19
#: Runs of each probe; the fastest counts, since others may use the machine meanwhile.
_RUNS = 4


@dataclass(frozen=True)
class MachineSpeed:
    """How many times as long as on the reference machine work takes here.

    Attributes
    ----------
    dense : float
        Products of matrices, on all cores.
    scattered : float
        Reads all over memory, on one core.
    """

    dense: float
    scattered: float


@cache
def machine_speed() -> MachineSpeed:
    """Time a product of matrices and a gather, once in a process: about 40 ms."""
    rng = np.random.default_rng(0)
    square = rng.random((_SIDE, _SIDE), dtype=np.float32)
    cells = np.zeros(_CELLS, dtype=np.float32)
    picked = rng.integers(0, _CELLS, _PICKED)
    return MachineSpeed(
        _fastest(lambda: square @ square) / _DENSE_SECONDS,
        _fastest(lambda: cells[picked]) / _SCATTERED_SECONDS,
    )


def _fastest(work: Callable[[], object]) -> float:
    def seconds() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return min(seconds() for _ in range(_RUNS))
