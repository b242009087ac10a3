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
from crossrec.ingest.reading.layout import (
    DELIMITERS,
    QuoteFacts,
    distinct,
    looks_like_data,
    quotes_of,
    said_delimiter,
    sniff,
)
from crossrec.ingest.reading.packing import binary
from crossrec.ingest.reading.records import Record, records, strict_cells
from crossrec.ingest.reading.text import inspect, text

if TYPE_CHECKING:
    import pandas as pd

Locate = Callable[[NDArray[np.int64]], NDArray[np.int64]]

_SAMPLE_LINES = 20
#: Characters of a chunk, so that wide tables and long texts take no more memory than others.
_CHUNK_SIZE = 16 << 20
#: Columns from which on pandas, which handles each by itself, is the slower way.
_WIDE = 1_000


class DelimitedReader:
    """Rows of a CSV or TSV file, plain or packed.

    Its first line names the columns, unless it is a row of numbers.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.name = path.name
        self.notes: list[str] = []
        self._facts = inspect(path, options.encoding)
        self._rows = max(
            1, min(options.chunk_rows, int(_CHUNK_SIZE / max(self._facts.line_length, 1)))
        )
        sample = self._sample()
        said = said_delimiter(sample[0])
        self._lead = 1 if said else 0  # a line that tells the delimiter
        self.delimiter = options.delimiter or said or sniff(sample)
        if len(self.delimiter) != 1:
            raise DataError(f"the delimiter must be one character, not {self.delimiter!r}")
        self._before = self._lead  # records before the first row
        self._first_line, names = self._read_header(options.header)
        self.header: Sequence[str] = names
        if len(self.header) > 1:
            shown = DELIMITERS.get(self.delimiter, repr(self.delimiter))
            self.notes.append(f"delimiter: {shown}{_as_said(said)}")
        self._quotes = self._examine_quotes()

    def _sample(self) -> list[str]:
        with text(self.path, self._facts.encoding) as file:
            first = [next(file, "")]
            lines = (line for line in file if line.strip())
            return first + [line for line, _ in zip(lines, range(_SAMPLE_LINES), strict=False)]

    def _read_header(self, given: Sequence[str]) -> tuple[int, list[str]]:
        """Return the line before the first row, and the names of the columns."""
        with text(self.path, self._facts.encoding) as file:
            found = records(file, self.delimiter, width=len(given))
            first = list(islice(found, self._lead, self._lead + 2))
        cells = (first[0].cells or [first[0].text.strip()]) if first else []
        is_row = looks_like_data(cells) and not given
        if len(first) < (1 if given or is_row else 2):
            raise DataError(f"{self.path} has a header and no rows")
        if given:
            if len(given) != len(cells):
                raise DataError(
                    f"--header names {len(given)} columns, and the first line of {self.path} has "
                    f"{len(cells)}: {_shown(cells)}"
                )
            return first[0].line - 1, distinct(given)
        if is_row:
            # The columns are called by their first cells, which --map can name.
            self.notes.append("no header: the first line is a row; name columns with --header")
            return first[0].line - 1, distinct(cells)
        self._before += 1
        return first[0].line, distinct(cells)

    def _examine_quotes(self) -> QuoteFacts:
        """Find out what the quotes of the file are, and note what is doubtful about them."""
        if not self._facts.quotes:
            return QuoteFacts("none")
        if self._facts.stray:
            return QuoteFacts("loose")
        with text(self.path, self._facts.encoding) as file:
            lines = islice(file, self._lead, None)
            found = quotes_of(lines, self.delimiter, len(self.header))
        if found.doubtful:
            reading = "enclose a cell" if found.kind == "proper" else "are text"
            self.notes.append(
                f"the quotes from line {found.doubtful + self._lead} on {reading}, though both "
                "readings would fit"
            )
        return found

    def chunks(self, numeric: Sequence[str] = ()) -> Iterator[Chunk]:
        """Yield all rows in order."""
        import pandas as pd

        if self._quotes.kind == "loose" or len(self.header) > _WIDE:
            yield from self._careful(0)
            return
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

        with binary(self.path) as file:
            reader = pd.read_csv(
                file,
                sep=self.delimiter,
                encoding=self._facts.encoding,
                header=0 if self._before > self._lead else None,
                skiprows=self._lead,
                names=list(self.header),
                index_col=False,
                quoting=csv.QUOTE_NONE if self._quotes.kind == "none" else csv.QUOTE_MINIMAL,
                dtype={name: object for name in self.header if name not in numeric},
                keep_default_na=False,
                na_values={name: [""] for name in numeric},
                low_memory=False,
                chunksize=self._rows,
            )
            for frame in reader:
                yield frame.reset_index(drop=True)

    def _careful(self, skip: int) -> Iterator[Chunk]:
        """Parse line by line from record `skip` on; what does not fit is an `UnreadableRecord`."""
        rows: list[list[str]] = []
        lines: list[int] = []
        failures: list[UnreadableRecord] = []
        ways = {"escaped": 0, "literal": 0}
        width, size = len(self.header), 0
        for record in self._records(skip):
            cells = self._cells(record)
            if isinstance(cells, str):
                failures.append(UnreadableRecord(record.line, cells, record.text))
            else:
                rows.append(cells + [""] * (width - len(cells)))
                lines.append(record.line)
                if record.way:
                    ways[record.way] += 1
            size += len(record.text)
            if len(rows) + len(failures) >= self._rows or size > _CHUNK_SIZE:
                yield self._chunk(rows, lines, failures)
                rows, lines, failures, size = [], [], [], 0
        if rows or failures:
            yield self._chunk(rows, lines, failures)
        self._note(ways)

    def _cells(self, record: Record) -> list[str] | str:
        """Return the cells of a record, or why it cannot be used."""
        if record.cells is None:
            closed = strict_cells(record.text + '"', self.delimiter) is None
            return "quotes that do not fit" if closed else "quote that never closes"
        surplus = record.cells[len(self.header) :]
        if any(cell.strip() for cell in surplus):
            return f"more than {len(self.header)} cells"
        return record.cells[: len(self.header)] if surplus else record.cells

    def _note(self, ways: dict[str, int]) -> None:
        """Note how quotes were read that follow no rule; once, though read twice."""
        texts = {
            "escaped": "backslashes were read as escapes in {:,} lines",
            "literal": "quotes were read as text in {:,} lines",
        }
        for way, count in ways.items():
            note = texts[way].format(count)
            if count and note not in self.notes:
                self.notes.append(note)

    def _chunk(
        self, rows: list[list[str]], lines: list[int], failures: list[UnreadableRecord]
    ) -> Chunk:
        import pandas as pd

        frame = pd.DataFrame(rows, columns=list(self.header), dtype=object)
        return Chunk(frame, listed(lines), failures)

    def _records(self, skip: int = 0) -> Iterator[Record]:
        """Yield the records after the header, without the first `skip`."""
        with text(self.path, self._facts.encoding) as file:
            proper = self._quotes.kind == "proper"
            found = records(file, self.delimiter, len(self.header), proper=proper)
            yield from islice(found, self._before + skip, None)

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


def _as_said(said: str) -> str:
    return f" (as sep={said} in the first line says)" if said else ""


def _shown(cells: Sequence[str]) -> str:
    """Return the first cells of a line, for a message."""
    return ", ".join(cell[:20] for cell in cells[:6]) + (", ..." if len(cells) > 6 else "")
