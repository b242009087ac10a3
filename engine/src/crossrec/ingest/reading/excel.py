"""Excel workbooks through openpyxl, which is an extra."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from crossrec.errors import DataError
from crossrec.ingest.reading.chunks import Chunk, ReadOptions, listed
from crossrec.ingest.reading.layout import distinct
from crossrec.ingest.reading.packing import binary


class ExcelReader:
    """Rows of the first sheet of a workbook that holds any; cells keep their types.

    The first row names the columns; line numbers are those that Excel shows.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.name = path.name
        self._rows = options.chunk_rows
        self.notes: list[str] = []
        self._sheet, self._first, names = self._find_header(options.header)
        self.header: Sequence[str] = names

    def _workbook(self) -> Any:
        try:
            import openpyxl
        except ImportError:
            raise DataError(
                f"{self.path} is an Excel workbook: reading those needs openpyxl, "
                'pip install "crossrec[excel]"'
            ) from None
        with binary(self.path) as file:
            content = io.BytesIO(file.read())
        with self._reading():
            return openpyxl.load_workbook(content, read_only=True, data_only=True)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn whatever openpyxl raises at a damaged workbook into one clear error."""
        try:
            yield
        except DataError:
            raise
        except Exception:
            raise DataError(f"{self.path} is not an Excel workbook, or a damaged one") from None

    def _find_header(self, given: Sequence[str]) -> tuple[str, int, list[str]]:
        """Return the sheet that is read, the row before its first one, and the columns' names."""
        book = self._workbook()
        with closing(book), self._reading():
            names = [sheet.title for sheet in book.worksheets if any(_filled(sheet))]
            if not names:
                raise DataError(f"{self.path} has no sheet with a table")
            if len(names) > 1:
                others = ", ".join(names[1:4])
                self.notes.append(
                    f"read: sheet {names[0]!r}; not read: {others}: save each as a file"
                )
            found = list(islice(_filled(book[names[0]]), 2))
        number, cells = found[0]
        if given:
            return names[0], number - 1, distinct(given)
        if len(found) < 2:
            raise DataError(f"{self.path} has a header and no rows")
        texts = ["" if cell is None else str(cell) for cell in cells]
        while texts and not texts[-1].strip():
            texts.pop()
        return names[0], number, distinct(texts)

    def chunks(self, numeric: Sequence[str] = ()) -> Iterator[Chunk]:
        """Yield all rows in order; empty ones are none."""
        book = self._workbook()
        with closing(book):
            rows = (row for row in _filled(book[self._sheet]) if row[0] > self._first)
            while True:
                with self._reading():
                    block = list(islice(rows, self._rows))
                if not block:
                    return
                yield self._chunk(block)

    def _chunk(self, block: list[tuple[int, tuple[Any, ...]]]) -> Chunk:
        import pandas as pd

        width = max(len(self.header), *(_width(cells) for _, cells in block))
        # Cells right of the header are kept, under a name of their own.
        more = [f"column {at + 1}" for at in range(len(self.header), width)]
        columns = {
            name: ["" if at >= len(cells) or cells[at] is None else cells[at] for _, cells in block]
            for at, name in enumerate(chain(self.header, more))
        }
        frame = pd.DataFrame(
            {name: pd.Series(cells, dtype=object) for name, cells in columns.items()}
        )
        return Chunk(frame, listed([number for number, _ in block]))


def _filled(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield the rows that hold anything, with the numbers that Excel shows."""
    sheet.reset_dimensions()  # what a file says about its size may be wrong
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if any(cell is not None and cell != "" for cell in cells):
            yield number, cells


def _width(cells: tuple[Any, ...]) -> int:
    """Return the number of cells up to the last that is not empty."""
    return max((at + 1 for at, cell in enumerate(cells) if cell not in (None, "")), default=0)
