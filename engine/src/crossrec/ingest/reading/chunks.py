"""What all readers have in common: chunks of rows with their line numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from crossrec.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ReadOptions:
    """How to read text files.

    Attributes
    ----------
    encoding : str or None
        UTF-8 (or that of a byte order mark) where None.
    delimiter : str or None
        Sniffed from the first lines where None.
    chunk_rows : int
        Rows of a chunk; a chunk becomes one transaction.
    paths : tuple of str
        Parts of objects in JSON that are columns of their own, such as ``user.id``.
    header : tuple of str
        Names of the columns of a text file without a header; its first line is a row then.
    """

    encoding: str | None = None
    delimiter: str | None = None
    chunk_rows: int = 250_000
    paths: tuple[str, ...] = ()
    header: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnreadableRecord:
    """A record that could not be read: the line it starts in, the cause and its text."""

    line: int
    cause: str
    text: str


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows of a source.

    Attributes
    ----------
    frame : DataFrame
        Columns as in the source. Those of text files are strings ("" where empty), apart from
        the `numeric` ones, which are numbers wherever all of the chunk's cells are.
    lines : callable
        Line numbers of the given rows (ascending positions); the header has line 1.
    failures : sequence of UnreadableRecord
        Records that are not in `frame`.
    """

    frame: pd.DataFrame
    lines: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    failures: Sequence[UnreadableRecord] = ()


class TableReader(Protocol):
    """A table that is read in chunks.

    Attributes
    ----------
    name : str
        What to call it in messages.
    notes : list of str
        What was found out about the format, to be shown.
    """

    name: str
    notes: list[str]

    @property
    def header(self) -> Sequence[str]:
        """Names of the columns."""

    def chunks(self, numeric: Sequence[str] = ()) -> Iterator[Chunk]:
        """Yield all rows in order. May be called again."""


@dataclass(eq=False)
class FrameReader:
    """A table in memory, as an importer returns it; its first row has number 1."""

    name: str
    frame: pd.DataFrame
    chunk_rows: int = 250_000
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        double = sorted(name for name, count in Counter(self.header).items() if count > 1)
        if double:
            raise DataError(f"{self.name}: two columns are called {double[0]!r}: rename one")

    @property
    def header(self) -> list[str]:
        """Names of the columns."""
        return [str(column) for column in self.frame.columns]

    def chunks(self, numeric: Sequence[str] = ()) -> Iterator[Chunk]:
        """Yield slices of the table."""
        for start in range(0, len(self.frame), self.chunk_rows):
            part = self.frame.iloc[start : start + self.chunk_rows].reset_index(drop=True)
            yield Chunk(part.set_axis(self.header, axis=1), numbered(start + 1))


def numbered(first: int) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """Return the lines of rows that follow each other, the first at line `first`."""
    return lambda rows: np.asarray(rows, dtype=np.int64) + first


def listed(lines: Sequence[int]) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """Return the lines of rows whose lines are known one by one."""
    table = np.array(lines, dtype=np.int64)
    return lambda rows: table[rows]
