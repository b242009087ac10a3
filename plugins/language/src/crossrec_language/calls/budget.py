"""What one run may spend on a model."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock


def tokens_in(text: str) -> int:
    """Return about how many tokens a text has: four characters each, or one a word."""
    return max(len(text.split()), -(-len(text) // 4))


@dataclass(eq=False)
class Budget:
    """Calls, tokens and seconds of one run, all callers together. Safe for many threads.

    Attributes
    ----------
    calls, tokens : int
        How many may be made, and read and written, about.
    seconds : float
        How long all calls may take together.
    """

    calls: int = 200
    tokens: int = 200_000
    seconds: float = 600.0
    used_calls: int = 0
    used_tokens: int = 0
    used_seconds: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self, tokens: int) -> str:
        """Take one call of so many tokens; return what stands against it, "" where nothing does."""
        with self._lock:
            if self.used_calls >= self.calls:
                return f"the budget of {self.calls} calls is used up"
            if self.used_tokens + tokens > self.tokens:
                return f"the budget of {self.tokens:,} tokens is used up"
            if self.used_seconds >= self.seconds:
                return f"the budget of {self.seconds:g} s is used up"
            self.used_calls += 1
            self.used_tokens += tokens
            return ""

    def settle(self, taken: int, used: int, started: float) -> None:
        """Give back the tokens that were taken and not used; count the time since `started`."""
        with self._lock:
            self.used_tokens += min(used - taken, 0)
            self.used_seconds += time.monotonic() - started
