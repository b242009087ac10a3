"""One BLAS thread for small work: set inside, given back outside, also among several threads."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.threads import one_blas_thread
from threadpoolctl import threadpool_info, threadpool_limits


def blas_threads() -> set[int]:
    """Return how many threads each loaded BLAS would use."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    """Begin with two threads, whatever the machine and the tests before left."""
    with one_blas_thread():
        pass
    with threadpool_limits(limits=2, user_api="blas"):
        yield


def test_one_inside_and_what_was_before_outside():
    before = blas_threads()
    with one_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_nested_blocks_give_back_only_at_the_end():
    before = blas_threads()
    with one_blas_thread():
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_crossing_blocks_give_back_only_when_all_are_out():
    """Two fits at a time: the first to leave must not restore, nor the last keep the limit."""
    before = blas_threads()
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == before


def test_an_error_inside_gives_back_too():
    before = blas_threads()
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        raise ZeroDivisionError
    assert blas_threads() == before


def test_products_are_the_same():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 60)), rng.normal(size=(60, 30))
    want = a @ b
    with one_blas_thread():
        got = a @ b
    np.testing.assert_allclose(got, want, rtol=1e-12)
