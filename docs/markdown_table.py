"""Tables and the note that generated pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTE = "<!-- Written by docs/generate.py: do not edit, run `make docs`. -->"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a bar within a cell is escaped."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for row in rows:
        cells = ("" if cell is None else str(cell).replace("|", "\\|") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
