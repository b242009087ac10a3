"""A part of what ``crossrec demo`` prints, from a recorded run."""

from __future__ import annotations

from collections.abc import Sequence

#: Scenarios whose recommendations are shown, how many of them, and the one with its figures.
SHOWN, ITEMS, MEASURED = ("ecommerce", "video"), 2, "video"
_WIDTH = 104


def demo_excerpt(printed: str) -> str:
    """Return the excerpt as a fenced block.

    Raises
    ------
    ValueError
        If the run has no such scenario.
    """
    sections = [section.splitlines() for section in printed.strip().split("\n\n")]
    parts = [_recommendations(sections, name) for name in SHOWN]
    parts.append(_figures(sections))
    text = "\n\n".join("\n".join(map(_cut, lines)) for lines in parts)
    return f"```text\n{text}\n```\n"


def _recommendations(sections: Sequence[Sequence[str]], scenario: str) -> list[str]:
    """Return what is said of a scenario's data, and the first items of its list."""
    for lines in sections:
        if lines[0].startswith(f"{scenario}: "):
            return list(lines[: 3 + ITEMS])
    raise ValueError(f"the recorded demo has no scenario {scenario!r}: run benchmarks/demo.py")


def _figures(sections: Sequence[Sequence[str]]) -> list[str]:
    """Return the table of figures with the rows of one scenario."""
    for lines in sections:
        if lines[0].startswith("How well"):
            return [*lines[:2], *(line for line in lines[2:] if line.startswith(MEASURED))]
    raise ValueError("the recorded demo has no table of figures: run benchmarks/demo.py")


def _cut(line: str) -> str:
    """Return a line that fits the page."""
    return line.rstrip() if len(line) <= _WIDTH else f"{line[: _WIDTH - 1].rstrip()}…"
