"""How a delimited file is laid out: delimiter, header, and what its quotes are."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from crossrec.ingest.reading.records import MAX_CELL, is_blank, looks_separate

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
#: What Excel writes into a first line to say the delimiter: ``sep=;``.
_SAID = re.compile(r'"?sep=(.)"?[,;\t|]*\s*', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?|[\d:./ -]+")
# What `distinct` adds to a repeated name.
_REPEATED = re.compile(r"( \(\d+\))+$")

Quotes = Literal["none", "proper", "loose"]


@dataclass(frozen=True)
class QuoteFacts:
    """What the quotes of a file are.

    Attributes
    ----------
    kind : {"none", "proper", "loose"}
        ``proper``: all enclose cells by the rules. ``loose``: some do not.
    doubtful : int
        Line of a record of several lines that each look like a record; 0 where there is none.
    """

    kind: Quotes
    doubtful: int = 0


def said_delimiter(line: str) -> str:
    """Return the delimiter that a line ``sep=;`` tells, "" where it is another line."""
    found = _SAID.fullmatch(line.strip("\ufeff\r\n"))
    return found[1] if found else ""


def sniff(lines: Sequence[str]) -> str:
    """Return the delimiter: the one that splits most lines equally, into most cells.

    Where quotes that are text keep lines together, they are split as if there were none.
    """
    enclosed = {delimiter: _enclosed(lines, delimiter) for delimiter in DELIMITERS}
    best, score = _best(enclosed)
    if score == 1.0:
        return best
    plain = {d: [line.rstrip("\r\n").split(d) for line in lines] for d in DELIMITERS}
    other, higher = _best(plain)
    return other if higher > score else best


def _enclosed(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []


def _best(tables: dict[str, list[list[str]]]) -> tuple[str, float]:
    """Return the delimiter of the evenest table, and the share of its rows of one width."""
    best, score = ",", (0.0, 0)
    for delimiter, rows in tables.items():
        widths = [len(row) for row in rows if row]
        if not widths or widths[0] < 2:
            continue
        equal = sum(width == widths[0] for width in widths) / len(widths)
        if (equal, widths[0]) > score:
            best, score = delimiter, (equal, widths[0])
    return best, score[0]


def distinct(names: Sequence[str]) -> list[str]:
    """Return header names without spaces around them, empty ones numbered, repeated ones too."""
    found: dict[str, None] = {}
    for number, name in enumerate(names, start=1):
        plain = name.strip().strip("\ufeff") or f"column {number}"
        while plain in found:
            plain = f"{plain} ({number})"
        found[plain] = None
    return list(found)


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a first line is no header: all of its cells are numbers or dates."""
    given = [_REPEATED.sub("", cell.strip().strip('"')) for cell in cells]
    return len(given) > 1 and all(_NUMBER.fullmatch(cell) is not None for cell in given)


def quotes_of(lines: Iterable[str], delimiter: str, width: int) -> QuoteFacts:
    """Return whether a whole file follows the rules of CSV, all records as wide as the header.

    Where lines that look like records lie between two quotes, both readings are possible: a tab
    separates cells that nobody encloses, so that quotes are text there; else the rules hold, and
    the first such line is named.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL))
    parts: list[str] = []

    def noted() -> Iterator[str]:
        for line in lines:
            parts.append(line)
            yield line

    reader = csv.reader(noted(), delimiter=delimiter, strict=True)
    doubtful = 0
    try:
        for row in reader:
            if len(row) != width and not is_blank("".join(parts), delimiter):
                return QuoteFacts("loose")
            if any(cell.startswith(' "') for cell in row) and f'{delimiter} "' in "".join(parts):
                return QuoteFacts("loose")
            if len(parts) > 1 and not doubtful and looks_separate(parts, delimiter, width):
                doubtful = reader.line_num - len(parts) + 1
                if delimiter == "\t":
                    return QuoteFacts("loose", doubtful)
            parts.clear()
    except csv.Error:
        return QuoteFacts("loose")
    return QuoteFacts("proper", doubtful)
