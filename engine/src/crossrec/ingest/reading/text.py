"""Bytes to text: encodings, and what the parser needs to know of a file."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from crossrec.errors import DataError
from crossrec.ingest.reading.packing import binary

_BLOCK = 4 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Signs that the n-th record may not be line n: quotes may hold line breaks, and blank lines are no
# records.
_UNEVEN = ('"', "\n\n", "\n\r", "\n ", "\n\t", "\r\r", "\r ", "\r\t")
# A quote with text on both sides is none that a writer of CSV puts there.
_STRAY = re.compile(r'[^\W_]"[^\W_]')


@dataclass(frozen=True)
class TextFacts:
    """What a first pass over a text file found.

    Attributes
    ----------
    encoding : str
    even : bool
        Whether every record is one line, and every line is a record.
    quotes : bool
        Whether there is a double quote anywhere.
    stray : bool
        Whether a double quote stands between letters, where no writer of CSV puts one.
    line_length : float
        Mean length of a line, in characters.
    """

    encoding: str
    even: bool
    quotes: bool = False
    stray: bool = False
    line_length: float = 0.0


@contextmanager
def text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Open for reading as text, line ends as they are."""
    with binary(path) as file:
        yield io.TextIOWrapper(file, encoding=encoding, newline="")


def head_of(path: Path, size: int = 64 << 10) -> bytes:
    """Return the first bytes, unpacked."""
    with binary(path) as file:
        return file.read(size)


def inspect(path: Path, encoding: str | None) -> TextFacts:
    """Read the file once to see that all of it can be decoded, and how it is laid out.

    Raises
    ------
    DataError
        If it cannot: names the encoding that was tried, and where it failed.
    """
    head = head_of(path, 1 << 10)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    chosen = encoding or marked or "utf-8"
    try:
        decoder = codecs.getincrementaldecoder(chosen)()
    except LookupError:
        raise DataError(f"there is no encoding {chosen!r}: try latin-1 or cp1252") from None
    even, quotes, stray, before, lines, size = True, False, False, "", 1, 0
    with binary(path) as file:
        while True:
            block = file.read(_BLOCK)
            try:
                part = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise DataError(_wrong(path, chosen, encoding, error, lines)) from None
            if "\x00" in part:
                raise DataError(
                    _no_text(path, head, lines + part[: part.index("\x00")].count("\n"))
                )
            seam = before + part
            even = even and not any(sign in seam for sign in _UNEVEN)
            quotes = quotes or '"' in part
            stray = stray or (quotes and _STRAY.search(seam) is not None)
            lines += part.count("\n") or part.count("\r")
            size += len(part)
            before = part[-2:]
            if not block:
                return TextFacts(chosen, even, quotes, stray, size / lines)


def _wrong(path: Path, tried: str, given: str | None, error: UnicodeDecodeError, lines: int) -> str:
    """Return the message for a file in another encoding."""
    line = lines + bytes(error.object[: error.start]).count(b"\n")
    byte = error.object[error.start]
    advice = "try another --encoding" if given else "give its encoding, such as --encoding latin-1"
    return f"{path} is not {tried} (byte 0x{byte:02x} in line {line}): {advice}"


def _no_text(path: Path, head: bytes, line: int) -> str:
    """Return the message for a file with zero bytes."""
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(zeros) > 1 and 2 * zeros.count(0) > len(zeros):
            return f"{path} looks like UTF-16 without a mark: give --encoding {encoding}"
    return f"{path} is not a text file (a zero byte in line {line})"
