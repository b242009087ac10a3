"""Bytes to text: gzip, encodings, and what the parser needs to know of a file."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from crossrec.errors import DataError

_BLOCK = 4 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Signs that the n-th record may not be line n: quotes may hold line breaks, and blank lines are no
# records.
_UNEVEN = ('"', "\n\n", "\n\r", "\n ", "\n\t", "\r\r")


@dataclass(frozen=True)
class TextFacts:
    """What a first pass over a text file found.

    Attributes
    ----------
    encoding : str
    even : bool
        Whether every record is one line, and every line is a record.
    """

    encoding: str
    even: bool


def is_gzip(path: Path) -> bool:
    """Whether the file is compressed, by its first bytes."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


@contextmanager
def binary(path: Path) -> Iterator[IO[bytes]]:
    """Open for reading, unpacked.

    Raises
    ------
    DataError
        If the file cannot be read or unpacked.
    """
    try:
        with gzip.open(path, "rb") if is_gzip(path) else path.open("rb") as file:
            yield file  # type: ignore[misc]
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise DataError(f"{path} is a damaged gzip file: fetch or pack it again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


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
    """Read the file once to see that all of it can be decoded.

    Raises
    ------
    DataError
        If it cannot: names the encoding that was tried, and where it failed.
    """
    head = head_of(path, 4)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    chosen = encoding or marked or "utf-8"
    try:
        decoder = codecs.getincrementaldecoder(chosen)()
    except LookupError:
        raise DataError(f"there is no encoding {chosen!r}: try latin-1 or cp1252") from None
    even, before, lines = True, "", 1
    with binary(path) as file:
        while True:
            block = file.read(_BLOCK)
            try:
                part = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise DataError(_wrong(path, chosen, encoding, error, lines)) from None
            if "\x00" in part:
                raise DataError(f"{path} is not a text file (a zero byte in line {lines})")
            lines += part.count("\n")
            seam = before + part
            even = even and not any(sign in seam for sign in _UNEVEN)
            before = part[-2:]
            if not block:
                return TextFacts(chosen, even)


def _wrong(path: Path, tried: str, given: str | None, error: UnicodeDecodeError, lines: int) -> str:
    """Return the message for a file in another encoding."""
    line = lines + bytes(error.object[: error.start]).count(b"\n")
    byte = error.object[error.start]
    advice = "try another --encoding" if given else "give its encoding, such as --encoding latin-1"
    return f"{path} is not {tried} (byte 0x{byte:02x} in line {line}): {advice}"
