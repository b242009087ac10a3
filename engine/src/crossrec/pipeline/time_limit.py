"""Calls of foreign code that may take only so long: the caller goes on without what is late.

A request runs in a thread of its own (`supervised`), and its calls are only noted there: so the
time limit costs one change of threads, however many calls there are. Where one of them is late, the
request is answered again without it, in another thread. Calls outside of requests, such as those
of an evaluation, are handed to a thread each.

Python cannot stop a thread. A late call runs on in a thread of its own until it returns, and as
long as it does, what is late is not called again: threads do not pile up, however many requests
come. At most as many are late at once as callers had begun to wait for it before the first of them
gave up. Threads are daemons, so that none keeps the process from ending, and are used again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread, local
from time import monotonic
from typing import Any, TypeVar

from crossrec.errors import CrossrecError

Result = TypeVar("Result")
#: Result and error of a call.
Outcome = tuple[Any, BaseException | None]

#: Threads that are kept waiting for the next call.
_KEPT = 32
#: Seconds after which somebody who waits looks whether a call is late.
_PATIENCE = 0.05


class LateError(CrossrecError):
    """A call took longer than it may, or one before it is still running."""


class _AbandonedError(BaseException):
    """Nobody waits for this answer any more: nothing on the way out is to catch it."""


@dataclass(eq=False)
class _Job:
    """One call; `done` gets its result or its error."""

    owner: int
    call: Callable[[], Any]
    done: SimpleQueue[Outcome] = field(default_factory=SimpleQueue)
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
            outcome = _outcome(job.call)
            kept = _finish(job, self)
            job.done.put(outcome)
            del job, outcome  # nothing of the call stays alive until the next one


_lock = Lock()
_idle: list[_Worker] = []
_overdue: Counter[int] = Counter()


@dataclass(eq=False)
class _Request:
    """A supervised request, and the call that it is in.

    Attributes
    ----------
    run : callable
    late : mapping of owner to seconds
        What was late when the same request ran before.
    owner : int or None
        Whose call is running.
    started, limit : float
        When it began, and how long it may take.
    abandoned : int or None
        Whose call was late: nobody waits for the request any more.
    """

    run: Callable[[], Any]
    late: dict[int, float]
    owner: int | None = None
    started: float = 0.0
    limit: float = 0.0
    abandoned: int | None = None

    def call(self, seconds: float, owner: object, call: Callable[[], Result]) -> Result:
        """Make one call, and note it for who supervises."""
        key = id(owner)
        if key in self.late:
            raise LateError(f"left out: it took longer than {self.late[key]:g} s")
        with _lock:
            if self.abandoned is not None:
                raise _AbandonedError
            if _overdue[key]:
                raise LateError("left out: it is still busy with an earlier request")
            self.owner, self.started, self.limit = key, monotonic(), seconds
        try:
            return call()
        finally:
            self._ended(key)

    def _ended(self, owner: int) -> None:
        """Note that the running call has ended."""
        with _lock:
            self.owner = None
            if self.abandoned is not None:
                _end(owner)

    def __call__(self) -> Any:
        """Answer, unless nobody waits any more."""
        _local.request = self
        try:
            return self.run()
        finally:
            _local.request = None


_local = local()


def supervised(run: Callable[[], Result]) -> Result:
    """Return what `run` returns, or raise what it raises; what is late within it is left out.

    `run` makes its calls through `within` or `each_within`. It is begun anew without a call that
    was late, so it must change nothing.
    """
    late: dict[int, float] = {}
    while True:
        request = _Request(_in_context(run), dict(late))
        outcome = _in_time(request, _begun(id(request), request))
        if outcome is not None:
            result: Result = _unwrapped(outcome)
            return result
        assert request.abandoned is not None
        late[request.abandoned] = request.limit


def _in_time(request: _Request, job: _Job) -> Outcome | None:
    """Wait for a request; return its outcome, None where one of its calls is late."""
    left = _PATIENCE
    while True:
        try:
            return job.done.get(timeout=left)
        except Empty:
            with _lock:
                left = _PATIENCE
                if request.owner is None:
                    continue
                left = min(left, request.limit - (monotonic() - request.started))
                if left <= 0:
                    request.abandoned = request.owner
                    _overdue[request.owner] += 1
                    return None


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
    request: _Request | None = getattr(_local, "request", None)
    if request is not None:
        return request.call(seconds, owner, call)
    with _lock:
        if _overdue[id(owner)]:
            raise LateError("left out: it is still busy with an earlier request")
    job = _begun(id(owner), _in_context(call))
    try:
        outcome = job.done.get(timeout=seconds)
    except Empty:
        with _lock:
            if not job.finished:
                job.late = True
                _overdue[job.owner] += 1
                raise LateError(f"left out: it took longer than {seconds:g} s") from None
        outcome = job.done.get()
    result: Result = _unwrapped(outcome)
    return result


def each_within(seconds: float, calls: Sequence[tuple[object, Callable[[], Any]]]) -> list[Outcome]:
    """Make calls one after the other, each with a time limit of its own.

    Parameters
    ----------
    calls : sequence of (owner, callable)

    Returns
    -------
    list of (result, error)
        In the order of the calls; `LateError` for one that is late, or was refused.
    """
    return [_outcome(partial(within, seconds, owner, call)) for owner, call in calls]


def _outcome(call: Callable[[], Any]) -> Outcome:
    """Return the result or the error of a call."""
    try:
        return call(), None
    except BaseException as error:  # handed to the caller, who knows what to do
        return None, error


def _unwrapped(outcome: Outcome) -> Any:
    """Return the result of a call, or raise its error."""
    result, error = outcome
    if error is not None:
        raise error
    return result


def _begun(owner: int, call: Callable[[], Any]) -> _Job:
    """Hand a call to a waiting thread, or to a new one."""
    job = _Job(owner, call)
    with _lock:
        worker = _idle.pop() if _idle else None
    (worker or _Worker()).jobs.put(job)
    return job


def _in_context(call: Callable[[], Result]) -> Callable[[], Result]:
    """Return the call in the caller's context, numpy's handling of errors included."""
    context = copy_context()
    return lambda: context.run(call)


def _finish(job: _Job, worker: _Worker) -> bool:
    """Note that calls have ended; return whether their thread waits for the next ones."""
    with _lock:
        job.finished = True
        if job.late:
            _end(job.owner)
        kept = len(_idle) < _KEPT
        if kept:
            _idle.append(worker)
        return kept


def _end(owner: int) -> None:
    """Note that a late call has ended; the caller holds the lock."""
    _overdue[owner] -= 1
    if not _overdue[owner]:
        del _overdue[owner]


def _forget() -> None:
    """Forget the threads of the process that this one was forked from: it has none of them."""
    global _lock
    _lock = Lock()
    _idle.clear()
    _overdue.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
