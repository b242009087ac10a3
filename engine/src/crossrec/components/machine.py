"""How fast this machine is, against the one on which the constants of all estimates were timed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from crossrec.components.threads import one_blas_thread

#: Processor seconds of the two probes on the reference machine: a core of a Xeon with AVX-512.
_DENSE_SECONDS, _SCATTERED_SECONDS = 0.0020, 0.0030
_SIDE = 512
_CELLS, _PICKED = 1 << 21, 1 << 19
#: Runs of each probe; the fastest counts.
_RUNS = 8


@dataclass(frozen=True)
class MachineSpeed:
    """How long work takes here.

    Attributes
    ----------
    dense, scattered : float
        How many times as long as on the reference machine one core takes for products of matrices,
        and for reads all over memory.
    cores : int
        Cores that this process may use.
    """

    dense: float
    scattered: float
    cores: int


@cache
def machine_speed() -> MachineSpeed:
    """Time a product of matrices and a gather, once in a process: about 40 ms.

    By processor time, on one core: what else runs here meanwhile does not count.
    """
    square = np.ones((_SIDE, _SIDE), dtype=np.float32)
    cells = np.ones(_CELLS, dtype=np.float32)
    picked = np.arange(_PICKED) * 48_271 % _CELLS
    with one_blas_thread():
        dense = _fastest(lambda: square @ square)
    scattered = _fastest(lambda: cells[picked])
    return MachineSpeed(dense / _DENSE_SECONDS, scattered / _SCATTERED_SECONDS, _cores())


def _fastest(work: Callable[[], object]) -> float:
    def seconds() -> float:
        started = time.thread_time()
        work()
        return time.thread_time() - started

    return min(seconds() for _ in range(_RUNS))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
