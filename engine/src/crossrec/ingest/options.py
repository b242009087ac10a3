"""What can be chosen about an ingestion, and the tables that take part in it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeGuard

from crossrec.errors import DataError
from crossrec.ingest.mapping import ColumnMap, TableKind, guess_columns
from crossrec.ingest.reading.chunks import FrameReader, ReadOptions, TableReader
from crossrec.ingest.reading.opening import open_table
from crossrec.ingest.settled import Settled, SettledSources
from crossrec.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

#: A file, several, a table in memory, or none.
Input: TypeAlias = "str | Path | Sequence[str | Path] | pd.DataFrame | None"


def _quiet(message: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class IngestOptions:
    """Options of an ingestion.

    Attributes
    ----------
    columns : mapping of str to str
        Source column by crossrec's column or field name: what is not here is guessed.
        `crossrec.ingest.mapping.parse_map` makes it from ``user=customer_id``.
    encoding, delimiter : str or None
        Found out where None.
    headers : mapping of table kind to sequence of str
        Names of the columns of tables whose files have no header.
    time_format : str or None
        A strptime format; found out where None.
    value_scale : (float, float) or None
        Lowest and highest rating or portion of the files; found out where None.
    has_clock : bool
        False leaves the times out: the order of the rows counts.
    events : mapping of str to str
        Event type by the name that the files have for it.
    check : bool
        Whether nothing is stored or kept: the report says how the files are understood.
    strict : bool
        Whether one bad row refuses everything.
    complete : {"items"} or None
        Whether the tables of items are a full feed: what is missing from them is no longer offered.
    most_withdrawn : float
        Largest share of the offered items that a full feed may withdraw, 0 to 1.
    chunk_rows : int
        Rows of a batch, which is one transaction.
    wait : float or None
        Seconds to wait for another writer of a workspace that is given by its path; see
        `Workspace.wait`.
    now : callable
        The current time, after which event times are in the future.
    progress : callable
        ``progress(table, rows, 0)``; quiet by default.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    headers: Mapping[TableKind, Sequence[str]] = field(default_factory=dict)
    time_format: str | None = None
    value_scale: tuple[float, float] | None = None
    has_clock: bool = True
    events: Mapping[str, str] = field(default_factory=dict)
    check: bool = False
    strict: bool = False
    complete: Literal["items"] | None = None
    most_withdrawn: float = 0.5
    chunk_rows: int = 250_000
    wait: float | None = None
    now: Callable[[], float] = time.time
    progress: Callable[[str, int, int], None] = _quiet

    def reading(self, kind: TableKind) -> ReadOptions:
        """Return how the files of one kind of table are read."""
        paths = tuple(column for column in self.columns.values() if "." in column)
        header = tuple(self.headers.get(kind, ()))
        return ReadOptions(self.encoding, self.delimiter, self.chunk_rows, paths, header)


@dataclass(frozen=True, eq=False)
class Table:
    """A source whose columns are known, and what was settled about it, now or before."""

    kind: TableKind
    source: TableReader
    columns: ColumnMap
    settled: Settled = field(default_factory=Settled)
    note: str = ""


def plan_inputs(
    scenario: Scenario,
    inputs: Mapping[TableKind, Input],
    options: IngestOptions,
    known: SettledSources | None = None,
) -> list[Table]:
    """Open all files and tables and map their columns, before anything is written.

    Items come first, so that events know them.

    Parameters
    ----------
    known : SettledSources or None
        What earlier ingestions settled.

    Raises
    ------
    DataError
        If a file cannot be read, lacks a column, or a mapped column is in none of them.
    """
    order: tuple[TableKind, ...] = ("items", "users", "events")
    opened = [
        (kind, reader) for kind in order for reader in _readers(kind, inputs.get(kind), options)
    ]
    return plan_sources(scenario, opened, options, known)


def plan_sources(
    scenario: Scenario,
    sources: Sequence[tuple[TableKind, TableReader]],
    options: IngestOptions,
    known: SettledSources | None = None,
) -> list[Table]:
    """Map the columns of all sources.

    Raises
    ------
    DataError
        If there is no source, one lacks a column, or a mapped column is in none of them.
    """
    if not sources:
        raise DataError("there is nothing to ingest: give --items, --events or --users")
    for name, column in options.columns.items():
        if not any(column in source.header for _, source in sources):
            found = ", ".join(dict.fromkeys(name for _, s in sources for name in s.header))
            raise DataError(f"no file has a column {column!r} (mapped to {name}); found: {found}")
    said = Settled(options.columns, options.events, options.time_format, options.value_scale)
    return [_planned(kind, source, scenario, options, said, known) for kind, source in sources]


def _planned(
    kind: TableKind,
    source: TableReader,
    scenario: Scenario,
    options: IngestOptions,
    said: Settled,
    known: SettledSources | None,
) -> Table:
    """Return one table with its columns, by what is said now and what was settled before."""
    before = Settled() if known is None else known.of(kind, source.header)
    settled = said.of_table(kind, source.header).over(before)
    columns = guess_columns(
        source.header,
        kind,
        scenario,
        settled.columns,
        source=source.name,
        has_clock=options.has_clock,
    )
    return Table(
        kind, source, columns, settled, f"as before: {before.as_options()}" if before else ""
    )


def _readers(kind: TableKind, given: Input, options: IngestOptions) -> list[TableReader]:
    """Return a reader for each file or table."""
    if given is None:
        return []
    if _is_frame(given):
        return [FrameReader(kind, given, options.chunk_rows)]
    paths = [given] if isinstance(given, (str, Path)) else given
    if not isinstance(paths, (list, tuple)) or not all(isinstance(p, (str, Path)) for p in paths):
        raise DataError(
            f"{kind}: give a path, a list of paths or a pandas DataFrame, "
            f"not {type(given).__name__}"
        )
    return [open_table(Path(path), options.reading(kind)) for path in paths]


def _is_frame(given: object) -> TypeGuard[pd.DataFrame]:
    """Whether this is a pandas table; pandas is not imported to find out."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(given, pandas.DataFrame)
