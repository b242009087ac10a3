"""Threads of a fit: how many, and work in parts on all of them."""

from __future__ import annotations

import os
from threading import Barrier

import pytest
from crossrec.components.run import RunOptions
from crossrec.components.threads import in_threads, threads_of


def test_a_run_names_its_threads_or_gets_the_cores() -> None:
    assert threads_of(RunOptions(threads=3)) == 3
    assert 1 <= threads_of(RunOptions()) <= (os.cpu_count() or 1)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_are_in_the_order_of_the_parts(threads: int) -> None:
    assert in_threads(lambda part: part * part, [3, 1, 2], threads) == [9, 1, 4]
    assert in_threads(lambda part: part, [], threads) == []


def test_parts_run_side_by_side() -> None:
    """Each waits for the other, so one after the other would never end."""
    meeting = Barrier(2, timeout=20)
    assert in_threads(lambda part: meeting.wait() >= 0, [0, 1], 2) == [True, True]


def test_an_error_of_a_part_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda part: 1 / part, [1, 0], 2)
