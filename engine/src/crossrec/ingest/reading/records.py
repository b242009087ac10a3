"""Records of a delimited file one by one, each with its true line: slow and exact."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# A quoted cell may hold line breaks; a quote that stays open longer than this is a stray one.
_MAX_LINES = 200


class Record(NamedTuple):
    """One record: the line it starts in, its cells (None: an open quote) and its text."""

    line: int
    cells: list[str] | None
    text: str


def records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Yield every record that is not blank.

    A line with a quote that does not close within 200 lines is a record of its own, without
    cells, and the lines after it are read as if it were not there.
    """
    source = enumerate(lines, start=1)
    waiting: deque[tuple[int, str]] = deque()
    while True:
        numbered = waiting.popleft() if waiting else next(source, None)
        if numbered is None:
            return
        number, line = numbered
        if not line.strip(" \r\n"):
            continue
        if '"' not in line:
            text = line.rstrip("\r\n")
            yield Record(number, text.split(delimiter), text)
            continue
        yield _quoted(number, line, source, waiting, delimiter)


def _quoted(
    number: int,
    line: str,
    source: Iterator[tuple[int, str]],
    waiting: deque[tuple[int, str]],
    delimiter: str,
) -> Record:
    """Read a record with quotes, over as many lines as it takes."""
    cells = _parse(line, delimiter)
    parts, taken = [line], deque[tuple[int, str]]()
    while cells is None and len(parts) < _MAX_LINES:
        following = waiting.popleft() if waiting else next(source, None)
        if following is None:
            break
        taken.append(following)
        parts.append(following[1])
        if '"' in following[1]:
            cells = _parse("".join(parts), delimiter)
    if cells is None:
        waiting.extendleft(reversed(taken))
        return Record(number, None, line.rstrip("\r\n"))
    return Record(number, cells, "".join(parts).rstrip("\r\n"))


def _parse(text: str, delimiter: str) -> list[str] | None:
    """Return the cells, or None while a quote is open."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "end of data" in str(error):
            return None
    try:
        return next(csv.reader([text], delimiter=delimiter))
    except csv.Error:
        return None
