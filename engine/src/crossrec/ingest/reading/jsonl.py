"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crossrec.errors import DataError
from crossrec.ingest.reading.chunks import Chunk, ReadOptions, UnreadableRecord, listed
from crossrec.ingest.reading.text import inspect, text

_SAMPLE_ROWS = 1_000
#: What an object calls its own id, in exports of event streams and of document databases.
_IDS = ("id", "_id", "$oid")


class JsonLinesReader:
    """Objects of a JSON lines file, plain or gzipped; a key missing in a row is an empty cell."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.name = path.name
        self.notes: list[str] = []
        self._rows = options.chunk_rows
        self._paths = options.paths
        self._encoding = inspect(path, options.encoding).encoding
        self.header: Sequence[str] = self._read_header()

    def _read_header(self) -> list[str]:
        """Return the keys of the first rows, and paths to the ids and wanted parts of objects."""
        keys: dict[str, None] = {}
        found = zip(self._lines(), range(_SAMPLE_ROWS), strict=False)
        for (_, row, _), _ in found:
            keys.update(dict.fromkeys(row or {}))
            keys.update(dict.fromkeys(_parts(row or {}, self._paths)))
        if not keys:
            raise DataError(f"{self.path} holds no JSON objects, one a line")
        return list(keys)

    def _lines(self) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
        """Yield line number, object (None where it is none) and text of every line not blank."""
        with text(self.path, self._encoding) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError:
                    row = None
                yield number, row if isinstance(row, dict) else None, line.rstrip("\r\n")

    def chunks(self, numeric: Sequence[str] = ()) -> Iterator[Chunk]:
        """Yield all rows in order."""
        rows: list[dict[str, Any]] = []
        lines: list[int] = []
        failures: list[UnreadableRecord] = []
        for number, row, line in self._lines():
            if row is None:
                failures.append(UnreadableRecord(number, "not a JSON object", line))
            else:
                rows.append(row)
                lines.append(number)
            if len(rows) + len(failures) >= self._rows:
                yield self._chunk(rows, lines, failures)
                rows, lines, failures = [], [], []
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
