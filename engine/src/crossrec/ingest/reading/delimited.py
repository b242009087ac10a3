"""CSV and its relatives: fast through pandas, and carefully line by line where that fails."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossrec.errors import DataError
from crossrec.ingest.reading.chunks import Chunk, ReadOptions, UnreadableRecord, listed, numbered
from crossrec.ingest.reading.records import Record, records
from crossrec.ingest.reading.text import inspect, is_gzip, text

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
Locate = Callable[[NDArray[np.int64]], NDArray[np.int64]]

_SAMPLE_LINES = 20


class DelimitedReader:
    """Rows of a CSV or TSV file, plain or gzipped. Its first line names the columns."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.name = path.name
        self._rows = options.chunk_rows
        self._facts = inspect(path, options.encoding)
        self.delimiter = options.delimiter or sniff(self._sample())
        if len(self.delimiter) != 1:
            raise DataError(f"the delimiter must be one character, not {self.delimiter!r}")
        self._first_line, names = self._read_header()
        self.header: Sequence[str] = names
        shown = DELIMITERS.get(self.delimiter, repr(self.delimiter))
        self.notes = [f"delimiter: {shown}"] if len(self.header) > 1 else []

    def _sample(self) -> list[str]:
        with text(self.path, self._facts.encoding) as file:
            lines = (line for line in file if line.strip())
            return [line for line, _ in zip(lines, range(_SAMPLE_LINES), strict=False)]

    def _read_header(self) -> tuple[int, list[str]]:
        """Return the header's line and its names, made distinct."""
        with text(self.path, self._facts.encoding) as file:
            found = list(zip(records(file, self.delimiter), range(2), strict=False))
        if len(found) < 2:
            raise DataError(f"{self.path} has a header and no rows")
        first = found[0][0]
        return first.line, distinct(first.cells or [first.text.strip()])

    def chunks(self, numeric: Sequence[str] = ()) -> Iterator[Chunk]:
        """Yield all rows in order."""
        import pandas as pd

        done = 0
        locate = self._locator()
        frames = self._fast(numeric)
        while True:
            try:
                with warnings.catch_warnings():
                    # A surplus cell in a first row is only warned about, and cut off.
                    warnings.simplefilter("error", pd.errors.ParserWarning)
                    frame = next(frames, None)
            except (pd.errors.ParserError, pd.errors.ParserWarning):
                yield from self._careful(done)
                return
            if frame is None:
                return
            yield Chunk(frame, locate(done, len(frame)))
            done += len(frame)

    def _fast(self, numeric: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Parse through pandas; raises ParserError at a record that does not fit the header."""
        import pandas as pd

        reader = pd.read_csv(
            self.path,
            sep=self.delimiter,
            encoding=self._facts.encoding,
            compression="gzip" if is_gzip(self.path) else None,
            header=0,
            names=list(self.header),
            index_col=False,
            dtype={name: object for name in self.header if name not in numeric},
            keep_default_na=False,
            na_values={name: [""] for name in numeric},
            low_memory=False,
            chunksize=self._rows,
        )
        with reader:
            for frame in reader:
                yield frame.reset_index(drop=True)

    def _careful(self, skip: int) -> Iterator[Chunk]:
        """Parse line by line from record `skip` on; what does not fit is an `UnreadableRecord`."""
        rows: list[list[str]] = []
        lines: list[int] = []
        failures: list[UnreadableRecord] = []
        for record in self._records(skip):
            cause = self._cause(record)
            if cause:
                failures.append(UnreadableRecord(record.line, cause, record.text))
            else:
                cells = record.cells or []
                rows.append(cells + [""] * (len(self.header) - len(cells)))
                lines.append(record.line)
            if len(rows) + len(failures) >= self._rows:
                yield self._chunk(rows, lines, failures)
                rows, lines, failures = [], [], []
        if rows or failures:
            yield self._chunk(rows, lines, failures)

    def _cause(self, record: Record) -> str:
        """Return why a record cannot be used, or ""."""
        if record.cells is None:
            return "quote that never closes"
        if len(record.cells) > len(self.header):
            return f"more than {len(self.header)} cells"
        return ""

    def _chunk(
        self, rows: list[list[str]], lines: list[int], failures: list[UnreadableRecord]
    ) -> Chunk:
        import pandas as pd

        frame = pd.DataFrame(rows, columns=list(self.header), dtype=object)
        return Chunk(frame, listed(lines), failures)

    def _records(self, skip: int = 0) -> Iterator[Record]:
        """Yield the records after the header, without the first `skip`."""
        with text(self.path, self._facts.encoding) as file:
            found = records(file, self.delimiter)
            for number, record in enumerate(found):
                if number > skip:
                    yield record

    def _locator(self) -> Callable[[int, int], Locate]:
        """Return what locates chunks, given their first record and size, in ascending order."""
        if self._facts.even:
            return lambda first, size: numbered(self._first_line + 1 + first)
        found = (record.line for record in self._records())
        passed = 0

        def locate(first: int, size: int) -> Locate:
            lines: NDArray[np.int64] | None = None

            def of(rows: NDArray[np.int64]) -> NDArray[np.int64]:
                nonlocal lines, passed
                if lines is None:
                    block = islice(found, first - passed, first - passed + size)
                    lines = np.fromiter(block, dtype=np.int64, count=size)
                    passed = first + size
                return lines[rows]

            return of

        return locate


def distinct(names: Sequence[str]) -> list[str]:
    """Return header names without spaces around them, empty ones numbered, repeated ones too."""
    found: list[str] = []
    for number, name in enumerate(names, start=1):
        plain = name.strip().strip("\ufeff") or f"column {number}"
        found.append(plain if plain not in found else f"{plain} ({number})")
    return found


def sniff(lines: Sequence[str]) -> str:
    """Return the delimiter: the one that splits most lines equally, into most cells."""
    best, score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if not widths or widths[0] < 2:
            continue
        equal = sum(width == widths[0] for width in widths) / len(widths)
        if (equal, widths[0]) > score:
            best, score = delimiter, (equal, widths[0])
    return best
