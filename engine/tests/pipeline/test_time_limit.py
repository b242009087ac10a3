"""Calls with a time limit: what is late is left behind, and nothing else changes."""

import os
import threading
import time

import numpy as np
import pytest
from crossrec.pipeline.time_limit import _KEPT, LateError, each_within, within


class Owner:
    pass


def test_results_and_errors_come_through():
    assert within(5, Owner(), lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, Owner(), lambda: 1 / 0)
    with pytest.raises(SystemExit) as exits:
        within(5, Owner(), lambda: (_ for _ in ()).throw(SystemExit(3)))
    assert exits.value.code == 3


def test_a_late_call_is_left_and_its_owner_rests_until_it_ends():
    owner, other, go_on = Owner(), Owner(), threading.Event()
    started = time.perf_counter()
    with pytest.raises(LateError, match="longer than 0.05 s"):
        within(0.05, owner, lambda: go_on.wait(20))
    assert 0.04 < time.perf_counter() - started < 5
    with pytest.raises(LateError, match="still busy"):
        within(5, owner, lambda: 1)
    assert within(5, other, lambda: 2) == 2
    go_on.set()
    for _ in range(200):
        try:
            assert within(5, owner, lambda: 3) == 3
            break
        except LateError:
            time.sleep(0.01)
    else:
        pytest.fail("it was never called again")


def test_threads_are_used_again():
    seen = {within(5, Owner(), threading.get_ident) for _ in range(50)}
    assert len(seen) <= 2
    assert threading.get_ident() not in seen


def test_no_more_threads_are_kept_than_needed():
    together = threading.Barrier(2 * _KEPT + 1)

    def call():
        within(20, Owner(), together.wait)

    callers = [threading.Thread(target=call) for _ in range(2 * _KEPT)]
    for caller in callers:
        caller.start()
    together.wait(20)
    for caller in callers:
        caller.join(20)
    for _ in range(200):
        waiting = sum(one.name == "crossrec-component" for one in threading.enumerate())
        if waiting <= _KEPT:
            break
        time.sleep(0.01)
    assert waiting <= _KEPT


def test_the_callers_context_holds_inside():
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        within(5, Owner(), lambda: np.ones(1) / np.zeros(1))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_makes_threads_of_its_own():
    assert within(5, Owner(), lambda: 1) == 1
    child = os.fork()
    if not child:
        try:
            os._exit(within(5, Owner(), lambda: 42))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42


def test_calls_of_one_request_go_on_behind_a_late_one() -> None:
    """The late one has a thread to itself until it ends; those behind it get another."""
    gate, quick, slow, last = threading.Event(), object(), object(), object()
    calls = [(quick, lambda: 1), (slow, lambda: gate.wait(30)), (last, lambda: 3)]
    first, late, third = each_within(0.05, calls)
    assert (first, third) == ((1, None), (3, None))
    assert isinstance(late[1], LateError)
    again = each_within(0.05, calls)
    assert [result for result, _ in again] == [1, None, 3]
    assert "still busy" in str(again[1][1])
    gate.set()
    deadline = time.monotonic() + 30
    while each_within(0.05, calls)[1][1] is not None:
        assert time.monotonic() < deadline


def test_errors_stay_with_their_calls() -> None:
    def fails() -> None:
        raise ValueError("no")

    outcomes = each_within(5, [(object(), fails), (object(), lambda: 2)])
    assert [type(error) for _, error in outcomes] == [ValueError, type(None)]
    assert outcomes[1][0] == 2
    assert each_within(5, []) == []
