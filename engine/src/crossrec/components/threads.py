"""BLAS on one thread, for fits and benchmarks: it is set for the whole process.

Nothing that answers a request may use it: requests of other threads would be slowed down with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

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


@cache
def _controller() -> Any:
    """Look for the BLAS libraries once: the search takes milliseconds."""
    import scipy.linalg  # noqa: F401  scipy and numpy bring a BLAS each
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
