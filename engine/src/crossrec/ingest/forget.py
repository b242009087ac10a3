"""Rejected rows of a user who is to be forgotten."""

from __future__ import annotations

import csv
from pathlib import Path

from crossrec.ingest.mapping import REJECTED_COLUMNS

_FIRST = len(REJECTED_COLUMNS)


def forget_rejected(folder: Path, user_id: str) -> int:
    """Delete the rejected rows that name a user; return how many.

    A row that was read as cells names the user where a cell is the id. A row that could not be read
    is one text, and goes where the id occurs in it. Files without rows are deleted.

    Parameters
    ----------
    folder : Path
        Holds a folder for each scenario.
    """
    return sum(_forget_in(path, user_id) for path in sorted(folder.rglob("*.csv")))


def _forget_in(path: Path, user_id: str) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    kept = [row for row in rows if not _names(row, len(header), user_id)]
    if len(kept) == len(rows):
        return 0
    if kept:
        fresh = path.with_name(f".{path.name}")
        with fresh.open("w", encoding="utf-8", errors="replace", newline="") as file:
            csv.writer(file).writerows([header, *kept])
        fresh.replace(path)
    else:
        path.unlink()
    return len(rows) - len(kept)


def _names(row: list[str], width: int, user_id: str) -> bool:
    """Whether a rejected row is about the user."""
    cells = row[_FIRST:]
    if len(row) < width:
        return any(user_id in cell for cell in cells)
    return any(cell.strip() == user_id for cell in cells)
