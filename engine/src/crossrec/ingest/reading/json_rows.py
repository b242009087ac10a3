"""JSON: one object a line, or one array of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crossrec.errors import DataError
from crossrec.ingest.reading.chunks import Chunk, ReadOptions, UnreadableRecord, listed
from crossrec.ingest.reading.text import inspect, text

_SAMPLE_ROWS = 1_000
_BLOCK = 1 << 20
_BLANK = "\ufeff \t\r\n"
#: Characters of a chunk, so that large objects take no more memory than small ones.
_CHUNK_SIZE = 64 << 20
#: What an object calls its own id, in exports of event streams and of document databases.
_IDS = ("id", "_id", "$oid")


class _Value(NamedTuple):
    """One value: the line it starts in, the value (None: it is no object), its text and a cause."""

    line: int
    row: dict[str, Any] | None
    text: str
    cause: str = "not a JSON object"


class JsonReader:
    """Objects of a file of JSON lines or of one array; a key missing in a row is an empty cell."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.name = path.name
        self.notes: list[str] = []
        self._rows = options.chunk_rows
        self._paths = options.paths
        self._encoding = inspect(path, options.encoding).encoding
        self._is_array = self._begins_with_array()
        self.header: Sequence[str] = self._read_header()

    def _begins_with_array(self) -> bool:
        with text(self.path, self._encoding) as file:
            return file.read(_BLOCK).lstrip(_BLANK).startswith("[")

    def _read_header(self) -> list[str]:
        """Return the keys of the first rows, and paths to the ids and wanted parts of objects."""
        keys: dict[str, None] = {}
        found = 0
        for value, _ in zip(self._values(), range(_SAMPLE_ROWS), strict=False):
            found += value.row is not None
            keys.update(dict.fromkeys(value.row or {}))
            keys.update(dict.fromkeys(_parts(value.row or {}, self._paths)))
        if not keys:
            advice = "" if found else self._advice()
            raise DataError(
                f"{self.path} holds no JSON objects, one a line or in one array{advice}"
            )
        return list(keys)

    def _advice(self) -> str:
        """Return what to do about a file that is one object."""
        with text(self.path, self._encoding) as file:
            begin = file.read(_BLOCK).lstrip(_BLANK)
        if begin.startswith("{"):
            return ": it is one object over several lines; write its rows as an array"
        return ""

    def _values(self) -> Iterator[_Value]:
        return self._elements() if self._is_array else self._lines()

    def _lines(self) -> Iterator[_Value]:
        """Yield the value of every line not blank."""
        with text(self.path, self._encoding) as file:
            for number, line in enumerate(file, start=1):
                stripped = line.strip(_BLANK)
                if not stripped:
                    continue
                try:
                    row = json.loads(stripped)
                except (ValueError, RecursionError):
                    row = None
                yield _Value(number, row if isinstance(row, dict) else None, line.rstrip("\r\n"))

    def _elements(self) -> Iterator[_Value]:
        """Yield the elements of the array; where it breaks, what is left is one bad value."""
        decoder = json.JSONDecoder()
        with text(self.path, self._encoding) as file:
            buffer = _Buffer(file)
            buffer.skip(_BLANK)
            buffer.take(1)
            while True:
                buffer.skip(" \t\r\n,")
                head = buffer.peek()
                line = buffer.line
                if not head:
                    yield _Value(line, None, "", "the array is cut off here")
                    return
                if head == "]":
                    buffer.take(1)
                    buffer.skip(_BLANK)
                    if buffer.peek():
                        yield _Value(line, None, buffer.head(200), "text after the array")
                    return
                value, size = buffer.decode(decoder)
                if not size:
                    cause = "the array cannot be read from here on"
                    yield _Value(line, None, buffer.head(200), cause)
                    return
                taken = buffer.take(size)
                yield _Value(line, value if isinstance(value, dict) else None, taken)

    def chunks(self, numeric: Sequence[str] = ()) -> Iterator[Chunk]:
        """Yield all rows in order."""
        rows: list[dict[str, Any]] = []
        lines: list[int] = []
        failures: list[UnreadableRecord] = []
        size = 0
        for value in self._values():
            if value.row is None:
                failures.append(UnreadableRecord(value.line, value.cause, value.text))
            else:
                rows.append(value.row)
                lines.append(value.line)
            size += len(value.text)
            if len(rows) + len(failures) >= self._rows or size > _CHUNK_SIZE:
                yield self._chunk(rows, lines, failures)
                rows, lines, failures, size = [], [], [], 0
        if rows or failures:
            yield self._chunk(rows, lines, failures)

    def _chunk(
        self, rows: list[dict[str, Any]], lines: list[int], failures: list[UnreadableRecord]
    ) -> Chunk:
        import pandas as pd

        keys = dict.fromkeys(self.header)
        for row in rows:
            keys.update(dict.fromkeys(row))
        columns = {key: [_cell(row, key) for row in rows] for key in keys}
        frame = pd.DataFrame(
            {key: pd.Series(column, dtype=object) for key, column in columns.items()}
        )
        return Chunk(frame, listed(lines), failures)


class _Buffer:
    """A text that is read piece by piece, with the number of the current line."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self.line = 1

    def _more(self) -> bool:
        block = self._file.read(max(_BLOCK, len(self._text) - self._at))
        self._text = self._text[self._at :] + block
        self._at = 0
        return bool(block)

    def peek(self) -> str:
        """Return the next character, "" at the end."""
        if self._at >= len(self._text) and not self._more():
            return ""
        return self._text[self._at]

    def head(self, size: int) -> str:
        """Return the next characters that are there."""
        return self._text[self._at : self._at + size]

    def skip(self, characters: str) -> None:
        """Go on to the first character that is none of these."""
        while (head := self.peek()) and head in characters:
            self.line += head == "\n"
            self._at += 1

    def take(self, size: int) -> str:
        """Return the next characters and go on behind them."""
        taken = self._text[self._at : self._at + size]
        self.line += taken.count("\n")
        self._at += size
        return taken

    def decode(self, decoder: json.JSONDecoder) -> tuple[Any, int]:
        """Return the next value and its length, 0 where there is none, however far it goes."""
        while True:
            try:
                value, end = decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                end = len(self._text)
            else:
                if end < len(self._text):
                    return value, end - self._at
            # Either the value goes on in what was not read yet, or a number may.
            if not self._more():
                break
        try:
            value, end = decoder.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return None, 0
        return value, end - self._at


def _parts(row: dict[str, Any], paths: Sequence[str]) -> Iterator[str]:
    """Yield the paths to ids within objects, and the given paths that lead somewhere."""
    for key, value in row.items():
        if isinstance(value, dict):
            yield from (f"{key}.{part}" for part in _IDS if part in value)
    yield from (path for path in paths if path not in row and _cell(row, path) != "")


def _cell(row: dict[str, Any], key: str) -> Any:
    """Return what is at a key, or at the path of keys that it names; "" where nothing is."""
    if key in row:
        return row[key]
    found: Any = row
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            return ""
        found = found[part]
    return found
