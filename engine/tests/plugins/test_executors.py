from __future__ import annotations

import threading
import time

import pytest
from crossrec.executors import LocalConfig, LocalExecutor
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError


def executor(workers):
    return LocalExecutor(LocalConfig(workers=workers))


@given(st.lists(st.integers()), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_results_come_in_the_order_of_the_jobs(jobs, workers):
    assert executor(workers).map(lambda n: n * 2, jobs) == [n * 2 for n in jobs]


def test_one_worker_runs_in_the_calling_thread():
    threads = LocalExecutor().map(lambda _: threading.current_thread(), range(3))
    assert set(threads) == {threading.current_thread()}


def test_several_workers_run_at_the_same_time():
    together = threading.Barrier(3, timeout=10)
    assert sorted(executor(3).map(lambda _: together.wait(), range(3))) == [0, 1, 2]


def test_never_more_at_once_than_workers():
    running, most, lock = 0, 0, threading.Lock()

    def job(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    executor(2).map(job, range(8))
    assert most == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_error_ends_the_map(workers):
    def job(n):
        if n >= 1:
            raise ValueError(f"job {n}")
        return n

    with pytest.raises(ValueError, match="job 1"):
        executor(workers).map(job, range(5))


def test_jobs_behind_an_error_are_not_begun():
    begun = []
    gate = threading.Event()

    def job(n):
        begun.append(n)
        if n == 0:
            raise ValueError("first")
        gate.wait(0.05)

    with pytest.raises(ValueError, match="first"):
        executor(2).map(job, range(200))
    assert len(begun) < 200


def test_jobs_may_be_a_generator_and_may_be_none():
    assert executor(4).map(str, (n for n in range(3))) == ["0", "1", "2"]
    assert executor(4).map(str, []) == []


@pytest.mark.parametrize("workers", [0, -1, "many"])
def test_a_number_of_workers_that_cannot_be_is_refused(workers):
    with pytest.raises(ValidationError):
        LocalConfig(workers=workers)
