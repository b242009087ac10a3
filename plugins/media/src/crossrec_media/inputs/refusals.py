"""Files that are left out, counted by cause: one line for people."""

from __future__ import annotations

import logging

log = logging.getLogger("crossrec")

#: Causes that a line names, the most frequent first.
_NAMED = 4


class Refusals:
    """What was left out while the files of one kind were read.

    Parameters
    ----------
    kind : str
        What the files are: ``"image"``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.read = 0
        self.causes: dict[str, list[str]] = {}

    def add(self, cause: str, name: str) -> None:
        """Count one file."""
        self.causes.setdefault(cause, []).append(name)

    @property
    def count(self) -> int:
        """How many files were left out."""
        return sum(map(len, self.causes.values()))

    @property
    def line(self) -> str:
        """All causes in one line, each with its number and one example; "" where there is none."""
        if not self.causes:
            return ""
        ordered = sorted(self.causes.items(), key=lambda one: -len(one[1]))
        parts = [f"{len(names)} {cause} ({names[0]})" for cause, names in ordered[:_NAMED]]
        rest = sum(len(names) for _, names in ordered[_NAMED:])
        parts += [f"{rest} for other causes"] if rest else []
        total = self.read + self.count
        return f"{self.kind}: {self.count} of {total} files are left out: {', '.join(parts)}"

    def warn(self) -> None:
        """Write the line to the log, where there is one."""
        if self.causes:
            log.warning("%s", self.line)
