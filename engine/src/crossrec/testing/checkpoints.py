"""Checkpoints that a test looks at, and that stop a fit in the middle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from crossrec.components.state import State


@dataclass
class MemoryCheckpoints:
    """Keeps parts of a fit, as files do: arrays are copied, and read-only when they come back.

    Attributes
    ----------
    parts : mapping of key to State
    puts : int
        How often something was kept.
    fail_after : int
        After so many the fit is interrupted, as by Ctrl-C.
    """

    parts: dict[str, State] = field(default_factory=dict)
    puts: int = 0
    fail_after: int = 10**9

    def get(self, key: str) -> State | None:
        """Return a part; None where there is none."""
        return self.parts.get(key)

    def put(self, key: str, state: State) -> None:
        """Keep a part.

        Raises
        ------
        KeyboardInterrupt
            Once `fail_after` parts were kept.
        """
        arrays = {name: np.array(array) for name, array in state.arrays.items()}
        for array in arrays.values():
            array.flags.writeable = False
        self.parts[key] = State(arrays, dict(state.values))
        self.puts += 1
        if self.puts >= self.fail_after:
            raise KeyboardInterrupt
