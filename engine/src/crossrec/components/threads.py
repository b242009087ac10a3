"""Threads of a fit: how many there are, work in parts on all of them, BLAS on one.

BLAS is set for the whole process, so nothing that answers a request may use what limits it:
requests of other threads would be slowed down with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from crossrec.components.run import RunOptions

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")

_lock = Lock()
_inside = 0
_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS on one thread within the block; costs about 10 µs.

    On a busy machine small products with OpenBLAS's pool were 60 times slower than without. Counts
    who is inside, so that concurrent fits do not restore each other's limit.
    """
    global _inside, _limit
    with _lock:
        if _inside == 0:
            _limit = _controller().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.restore_original_limits()


def threads_of(run: RunOptions) -> int:
    """Return how many threads a run may use: those it names, or the cores that this process has."""
    if run.threads:
        return run.threads
    # Where it is known, what this process may use: in a container less than the machine has.
    own = getattr(os, "sched_getaffinity", None)
    return len(own(0)) if own else os.cpu_count() or 1


def in_threads(
    work: Callable[[_Part], _Result], parts: Sequence[_Part], threads: int
) -> list[_Result]:
    """Return what `work` gives for each part, in order; on so many threads with BLAS on one each.

    For work that numpy, scipy or LightGBM do without Python's lock. An error of a part is raised.
    """
    if len(parts) < 2:
        return [work(part) for part in parts]
    from concurrent.futures import ThreadPoolExecutor

    with one_blas_thread():
        if threads == 1:
            return [work(part) for part in parts]
        with ThreadPoolExecutor(min(threads, len(parts))) as pool:
            return list(pool.map(work, parts))


@cache
def _controller() -> Any:
    """Look for the BLAS libraries once: the search takes milliseconds."""
    import scipy.linalg  # noqa: F401  scipy and numpy bring a BLAS each
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
