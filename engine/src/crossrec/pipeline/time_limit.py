"""Calls of foreign code that may take only so long: the caller goes on without what is late.

Python cannot stop a thread. A late call runs on in a thread of its own until it returns, and as
long as it does, what is late is not called again: threads do not pile up, however many requests
come. At most as many are late at once as callers had begun to wait for it before the first of them
gave up. Threads are daemons, so that none keeps the process from ending, and are used again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from crossrec.errors import CrossrecError

Result = TypeVar("Result")

#: Threads that are kept waiting for the next call.
_KEPT = 32


class LateError(CrossrecError):
    """A call took longer than it may, or one before it is still running."""


@dataclass(eq=False)
class _Job:
    """One call; `done` gets its result or its error."""

    owner: int
    call: Callable[[], Any]
    done: SimpleQueue[tuple[Any, BaseException | None]] = field(default_factory=SimpleQueue)
    finished: bool = False
    late: bool = False


class _Worker(Thread):
    """Makes one call after the other."""

    def __init__(self) -> None:
        super().__init__(name="crossrec-component", daemon=True)
        self.jobs: SimpleQueue[_Job] = SimpleQueue()
        self.start()

    def run(self) -> None:
        """Wait for jobs; end where enough other threads are waiting."""
        kept = True
        while kept:
            job = self.jobs.get()
            outcome: tuple[Any, BaseException | None]
            try:
                outcome = job.call(), None
            except BaseException as error:  # handed to the caller, who knows what to do with it
                outcome = None, error
            kept = _finish(job, self)
            job.done.put(outcome)
            del job, outcome  # nothing of the call stays alive until the next one


_lock = Lock()
_idle: list[_Worker] = []
_overdue: Counter[int] = Counter()


def within(seconds: float, owner: object, call: Callable[[], Result]) -> Result:
    """Return what `call` returns, or raise what it raises, if that takes no longer than `seconds`.

    Parameters
    ----------
    owner : object
        Whose call it is; while one of its calls is overdue, further ones are refused at once.

    Raises
    ------
    LateError
        If it is late, or was refused.
    """
    job = _Job(id(owner), _in_context(call))
    with _lock:
        if _overdue[job.owner]:
            raise LateError("left out: it is still busy with an earlier request")
        worker = _idle.pop() if _idle else None
    (worker or _Worker()).jobs.put(job)
    try:
        result, error = job.done.get(timeout=seconds)
    except Empty:
        with _lock:
            if not job.finished:
                job.late = True
                _overdue[job.owner] += 1
                raise LateError(f"left out: it took longer than {seconds:g} s") from None
        result, error = job.done.get()
    if error is not None:
        raise error
    done: Result = result
    return done


def _in_context(call: Callable[[], Result]) -> Callable[[], Result]:
    """Return the call in the caller's context, numpy's handling of errors included."""
    context = copy_context()
    return lambda: context.run(call)


def _finish(job: _Job, worker: _Worker) -> bool:
    """Note that a call has ended; return whether its thread waits for another one."""
    with _lock:
        job.finished = True
        if job.late:
            _overdue[job.owner] -= 1
            if not _overdue[job.owner]:
                del _overdue[job.owner]
        kept = len(_idle) < _KEPT
        if kept:
            _idle.append(worker)
        return kept


def _forget() -> None:
    """Forget the threads of the process that this one was forked from: it has none of them."""
    global _lock
    _lock = Lock()
    _idle.clear()
    _overdue.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
