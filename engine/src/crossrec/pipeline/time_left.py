"""How long a fit will still take: by its plan, corrected by how long the done parts took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Progress = Callable[[str, int, int], None]

#: How far the done parts may correct the estimates of the others.
_CORRECTION = (0.1, 10.0)
#: Done parts with less than so many estimated seconds in all correct nothing: noise.
_TELLING = 0.5


class TimeLeft:
    """Follows a fit by the titles that its progress shows, stage after stage.

    Parameters
    ----------
    clock : callable
        Seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[str, float] = {}
        self._running = ""
        self._estimated = 0.0
        self._began = clock()
        self._done = self._planned = 0.0

    def follow(self, stages: Mapping[str, float]) -> None:
        """Begin with estimated seconds by title, in the order of the fit (`FitPlan.stages`)."""
        self._waiting = dict(stages)
        self._running, self._estimated, self._began = "", 0.0, self._clock()
        self._done = self._planned = 0.0

    def through(self, show: Progress) -> Progress:
        """Return a progress callable that is followed and passes everything on to `show`."""

        def report(message: str, done: int, total: int) -> None:
            self._heard(message)
            show(message, done, total)

        return report

    def seconds(self) -> float | None:
        """Return the seconds that are left; None where no plan is followed."""
        if not self._waiting and not self._running:
            return None
        now = self._clock()
        factor = self._factor()
        rest = max(factor * self._estimated - (now - self._began), 0.0) if self._running else 0.0
        return rest + factor * sum(self._waiting.values())

    def _heard(self, message: str) -> None:
        """Note that a stage began; other messages belong to the one that runs."""
        if message not in self._waiting:
            return
        now = self._clock()
        if self._running:
            self._done += now - self._began
            self._planned += self._estimated
        self._running, self._began = message, now
        self._estimated = self._waiting.pop(message)

    def _factor(self) -> float:
        """Return how much longer than estimated the done stages took."""
        if self._planned < _TELLING:
            return 1.0
        least, most = _CORRECTION
        return min(max(self._done / self._planned, least), most)
