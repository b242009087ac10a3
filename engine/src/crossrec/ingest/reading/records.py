"""Records of a delimited file one by one, each with its true line: slow and exact.

A writer of CSV encloses a cell in quotes and doubles those within it. Files from elsewhere hold
quotes that are text (``7" single``), quotes behind a backslash, and spaces before a quote. Each
line is read in the first way that gives it as many cells as the header has.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

#: How far an open quote is followed, in characters: no cell is longer.
MAX_CELL = 16 << 20
_ESCAPED = re.compile(r'\\(["\\])')

Way = Literal["", "escaped", "literal"]


class Record(NamedTuple):
    """One record: the line it starts in, its cells (None: an open quote) and its text.

    `way` is "escaped" where backslashes were taken for escapes, "literal" where quotes were taken
    for text.
    """

    line: int
    cells: list[str] | None
    text: str
    way: Way = ""


def is_blank(line: str, delimiter: str) -> bool:
    """Whether a line is no record: nothing, or spaces that are no delimiters."""
    return not line.strip(" \r\n" if delimiter in " \t" else " \t\r\n")


def records(
    lines: Iterable[str], delimiter: str, width: int = 0, *, proper: bool = False
) -> Iterator[Record]:
    """Yield every record that is not blank.

    A line with a quote that does not close is a record of its own, and the lines after it are read
    as if the quote were not there.

    Parameters
    ----------
    width : int
        Cells that a record should have; 0 where that is not known.
    proper : bool
        Whether the file was found to be written by the rules, so that no other way has to be tried.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL))
    reader = _Reader(lines, delimiter, width, proper)
    while (numbered := reader.following()) is not None:
        number, line = numbered
        if is_blank(line, delimiter):
            continue
        if '"' not in line:
            yield _unquoted(number, line.rstrip("\r\n"), delimiter, width)
        else:
            yield reader.quoted(number, line)


def strict_cells(text: str, delimiter: str, *, spaced: bool = False) -> list[str] | None:
    """Return the cells of a text by the rules of CSV, or None where it breaks them."""
    try:
        return next(
            csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=spaced), None
        )
    except csv.Error:
        return None


def _unquoted(number: int, text: str, delimiter: str, width: int) -> Record:
    cells = text.split(delimiter)
    if width and len(cells) > width and "\\" in text:
        joined = _joined(cells, delimiter)
        if len(joined) == width:
            return Record(number, joined, text, "escaped")
    return Record(number, cells, text)


def _joined(cells: list[str], delimiter: str) -> list[str]:
    """Return cells joined where the delimiter between them stands behind a backslash."""
    found = [cells[0]]
    for cell in cells[1:]:
        backslashes = len(found[-1]) - len(found[-1].rstrip("\\"))
        if backslashes % 2:
            found[-1] = found[-1][:-1] + delimiter + cell
        else:
            found.append(cell)
    return found


class _Reader:
    """Lines with their numbers, and records over as many of them as they take."""

    def __init__(self, lines: Iterable[str], delimiter: str, width: int, proper: bool) -> None:
        self._source = enumerate(lines, start=1)
        self._waiting: deque[tuple[int, str]] = deque()
        self._delimiter, self._width, self._proper = delimiter, width, proper

    def following(self) -> tuple[int, str] | None:
        """Return the next line and its number."""
        return self._waiting.popleft() if self._waiting else next(self._source, None)

    def quoted(self, number: int, line: str) -> Record:
        """Read a record that begins with this line, which has a quote."""
        text = line.rstrip("\r\n")
        spaced = not self._proper and f'{self._delimiter} "' in line
        cells = strict_cells(line, self._delimiter, spaced=spaced)
        if cells is not None and (self._proper or len(cells) in (0, self._width)):
            return Record(number, cells, text)
        if not self._proper and '\\"' in line:
            other = strict_cells(_unescaped(line), self._delimiter)
            if other is not None and len(other) == self._width:
                return Record(number, other, text, "escaped")
        if cells is None:
            parts = self._continued(line) if self._is_open(line) else None
            if parts is not None:
                found, way = self._whole("".join(parts))
                return Record(number, found, "".join(parts).rstrip("\r\n"), way)
            plain = text.split(self._delimiter)
            if len(plain) == self._width:
                return Record(number, plain, text, "literal")
        return Record(number, cells, text)

    def _is_open(self, line: str) -> bool:
        """Whether a quote of the line is closed in a later one: one more quote would close it."""
        closed = strict_cells(line + '"', self._delimiter)
        if closed is None and not self._proper and '\\"' in line:
            closed = strict_cells(_unescaped(line) + '"', self._delimiter)
        return closed is not None

    def _whole(self, text: str) -> tuple[list[str] | None, Way]:
        """Return the cells of several lines together."""
        cells = strict_cells(text, self._delimiter)
        if self._proper or cells is not None:
            return cells, ""
        return strict_cells(_unescaped(text), self._delimiter), "escaped"

    def _continued(self, line: str) -> list[str] | None:
        """Return all lines of a record whose quote is closed in a later one, else None."""
        parts, taken, size = [line], deque[tuple[int, str]](), len(line)
        plain, escaped = line.count('"'), _unescaped(line).count('"')
        while size <= MAX_CELL:
            following = self.following()
            if following is None:
                break
            taken.append(following)
            parts.append(following[1])
            size += len(following[1])
            if '"' not in following[1]:
                continue
            plain += following[1].count('"')
            escaped += _unescaped(following[1]).count('"')
            if plain % 2 and escaped % 2:
                continue
            if self._whole("".join(parts))[0] is not None:
                separate = looks_separate(parts, self._delimiter, self._width)
                if self._proper or not separate:
                    return parts
                break
            if plain % 2 == 0 and escaped % 2 == 0:
                break
        self._waiting.extendleft(reversed(taken))
        return None


def looks_separate(lines: list[str], delimiter: str, width: int) -> bool:
    """Whether the lines of one record would each be a whole record, were its quotes text."""
    if width < 2:
        return False
    whole = sum(
        line.count(delimiter) + 1 == width or len(strict_cells(line, delimiter) or ()) == width
        for line in lines
        if not is_blank(line, delimiter)
    )
    return lines[0].count(delimiter) + 1 == width and 10 * whole >= 9 * len(lines)


def _unescaped(text: str) -> str:
    """Return a text with doubled quotes in place of those behind a backslash."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", text)
