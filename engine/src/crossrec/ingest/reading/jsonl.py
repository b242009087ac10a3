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


class JsonLinesReader:
    """Objects of a JSON lines file, plain or gzipped; a key missing in a row is an empty cell."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.name = path.name
        self.notes: list[str] = []
        self._rows = options.chunk_rows
        self._encoding = inspect(path, options.encoding).encoding
        self.header: Sequence[str] = self._read_header()

    def _read_header(self) -> list[str]:
        """Return the keys of the first rows, in the order in which they appear."""
        keys: dict[str, None] = {}
        found = zip(self._lines(), range(_SAMPLE_ROWS), strict=False)
        for (_, row, _), _ in found:
            keys.update(dict.fromkeys(row or {}))
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
        columns = {key: [row.get(key, "") for row in rows] for key in keys}
        frame = pd.DataFrame(
            {key: pd.Series(column, dtype=object) for key, column in columns.items()}
        )
        return Chunk(frame, listed(lines), failures)
