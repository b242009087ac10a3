"""Decisions are written behind the answer, in batches, by a thread of their own."""

from __future__ import annotations

import logging
import os
import random
import time
from collections import deque
from threading import Condition, Thread

from crossrec.store.decisions import Decision, DecisionLog

log = logging.getLogger("crossrec")

#: A crash may lose the decisions of so many seconds.
_FLUSH_SECONDS = 0.5
#: Decisions that wait at most; where the log cannot keep up the oldest are dropped, and counted.
_WAITING = 50_000
_PRUNE_SECONDS, _DAY = 3600.0, 86_400.0


class DecisionWriter:
    """Takes decisions from requests and hands them to the log.

    Parameters
    ----------
    sample : float
        Share of the decisions that are kept.
    keep_days : float, optional
        Older decisions are deleted, with the first batch and then once an hour.
    """

    def __init__(
        self, decisions: DecisionLog, *, sample: float = 1.0, keep_days: float | None = None
    ) -> None:
        self._log, self._sample, self._keep_days = decisions, sample, keep_days
        self._pruned = time.monotonic() - _PRUNE_SECONDS
        self._closed = False
        self.dropped = 0
        self._begin()

    def _begin(self) -> None:
        """Start with nothing, in this process: what waits in the parent of a fork is its own."""
        self._process = os.getpid()
        self._waiting: deque[Decision] = deque()
        self._changed = Condition()
        self._writing = 0
        self._thread: Thread | None = None

    def add(self, decision: Decision) -> None:
        """Take one decision; never waits and never raises."""
        if self._sample < 1.0 and random.random() >= self._sample:
            return
        if self._process != os.getpid():
            self._begin()
        with self._changed:
            if self._closed:
                return
            if len(self._waiting) >= _WAITING:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(decision)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="crossrec-decisions", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Wait until everything that was taken so far is in the log."""
        if self._process != os.getpid():
            self._begin()
        self._write_waiting()
        with self._changed:
            self._changed.wait_for(lambda: not self._writing, timeout=30)

    def close(self) -> None:
        """Write what waits and stop."""
        if self._process != os.getpid():
            self._begin()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.flush()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(timeout=_FLUSH_SECONDS)
                closed = self._closed
            self._write_waiting()
            if closed:
                return

    def _write_waiting(self) -> None:
        with self._changed:
            batch = list(self._waiting)
            self._waiting.clear()
            self._writing += bool(batch)
        if not batch:
            return
        try:
            self._log.write(batch)
            self._prune()
        except Exception as error:  # an answer was given already; it must not come to harm
            self.dropped += len(batch)
            log.warning("%d decisions could not be written", len(batch), exc_info=error)
        finally:
            with self._changed:
                self._writing -= 1
                self._changed.notify_all()

    def _prune(self) -> None:
        """Delete what is too old, now and then."""
        if self._keep_days is None or time.monotonic() - self._pruned < _PRUNE_SECONDS:
            return
        self._pruned = time.monotonic()
        try:
            self._log.prune(before=time.time() - self._keep_days * _DAY)
        except Exception as error:
            log.warning("old decisions could not be deleted", exc_info=error)
