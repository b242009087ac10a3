"""The report of an ingestion: columns, good and bad rows by cause, and their lines."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from crossrec.ingest.mapping import REJECTED_COLUMNS, TableKind

#: Line numbers that are kept for a cause.
SHOWN_LINES = 5
#: Causes and columns that are shown; all are in the JSON.
SHOWN_CAUSES, SHOWN_COLUMNS = 20, 40
_FORMAT = "say how times are written, such as --time-format '%d/%m/%Y %H:%M'"
_SCALE = "say the scale of the file, such as --value-scale 0:10"
#: What to do about rows that were rejected for a cause.
ADVICE = {
    "unparsable time": _FORMAT,
    "future time": f"{_FORMAT}, or their unit, such as --time-format milliseconds",
    "negative time": _FORMAT,
}


@dataclass
class Tally:
    """How often something was found, and the first lines of it.

    Attributes
    ----------
    example : str
        The first cell that it was found in; "" where the cells tell nothing.
    """

    count: int = 0
    lines: list[int] = field(default_factory=list)
    example: str = ""

    def add(self, count: int, lines: Iterable[int] = (), example: str = "") -> None:
        """Count more; only the first lines are kept."""
        self.count += count
        self.example = self.example or example
        room = SHOWN_LINES - len(self.lines)
        self.lines.extend(line for line, _ in zip(lines, range(room), strict=False))

    def to_dict(self) -> dict[str, Any]:
        """Return the tally as JSON values, with the example where there is one."""
        found: dict[str, Any] = {"count": self.count, "lines": list(self.lines)}
        return {**found, "example": self.example} if self.example else found

    def __str__(self) -> str:
        example = f", such as {self.example!r}" if self.example else ""
        if not self.lines:
            return f"{self.count:,}{example}"
        shown = ", ".join(map(str, self.lines)) + (", ..." if self.count > len(self.lines) else "")
        return f"{self.count:,} (line{'s' if self.count > 1 else ''} {shown}){example}"


@dataclass
class TableReport:
    """The outcome of one table.

    Attributes
    ----------
    columns : dict of str to str
        Source column by the name that ``--map`` uses.
    unused : sequence of str
        Source columns that are left out.
    rows, good : int
        Rows read, and rows that passed.
    new : int
        Rows that the store did not have yet; the other good ones changed nothing, or updated a row.
    bad : dict of str to Tally
        Rejected rows by cause.
    notices : dict of str to Tally
        Findings about rows that were kept.
    notes : list of str
        What was detected or assumed about the format.
    warnings : list of str
        What makes the whole table doubtful, though its rows were stored.
    preview : list of dict
        The first rows as they were understood; of a dry run only.
    types : dict of str to int
        Number of events of each type; of a dry run only.
    rejected : Path or None
        File with the rejected rows.
    """

    kind: TableKind
    name: str
    columns: dict[str, str] = field(default_factory=dict)
    unused: Sequence[str] = ()
    rows: int = 0
    good: int = 0
    new: int = 0
    bad: dict[str, Tally] = field(default_factory=dict)
    notices: dict[str, Tally] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    preview: list[dict[str, Any]] = field(default_factory=list)
    types: dict[str, int] = field(default_factory=dict)
    rejected: Path | None = None

    @property
    def n_bad(self) -> int:
        """Number of rejected rows."""
        return self.rows - self.good

    def reject(self, cause: str, lines: Sequence[int], example: str = "") -> None:
        """Count rejected rows."""
        self.bad.setdefault(cause, Tally()).add(len(lines), lines, example)

    def described(self, cause: str) -> str:
        """Return a cause with the rows that it rejected, and what to do about it."""
        advice = ADVICE.get(cause)
        if " outside of " in cause:
            advice = _SCALE
        elif cause.startswith("unknown event type"):
            advice = "say what it is with --event-map NAME=EVENT"
        return f"{cause}: {self.bad[cause]}" + (f"; {advice}" if advice else "")

    def notice(self, text: str, count: int, lines: Iterable[int] = ()) -> None:
        """Count rows that are kept but worth a notice."""
        if count:
            self.notices.setdefault(text, Tally()).add(count, lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "columns": dict(self.columns),
            "unused": list(self.unused),
            "rows": self.rows,
            "good": self.good,
            "new": self.new,
            "bad": {name: tally.to_dict() for name, tally in self.bad.items()},
            "notices": {name: tally.to_dict() for name, tally in self.notices.items()},
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            **({"types": self.types} if self.types else {}),
            **({"preview": self.preview} if self.preview else {}),
            "rejected": None if self.rejected is None else str(self.rejected),
        }

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        columns = _few([f"{name}={source}" for name, source in self.columns.items()])
        known = self.good - self.new
        stored = f"{self.good:,} good ({self.new:,} new, {known:,} already there)"
        found = [
            f"{self.kind}: {self.name}",
            f"  columns: {columns}",
            *([f"  not used: {_few(self.unused)}"] if self.unused else []),
            *(f"  {note}" for note in self.notes),
            f"  rows: {self.rows:,} read, {stored}, {self.n_bad:,} bad",
            *(f"  bad: {self.described(cause)}" for cause in list(self.bad)[:SHOWN_CAUSES]),
            *self._more_causes(),
            *(f"  notice: {text}: {tally}" for text, tally in self.notices.items()),
            *(f"  warning: {text}" for text in self.warnings),
            *([f"  events: {_counted(self.types)}"] if self.types else []),
            *(f"  row {number}: {_row(row)}" for number, row in enumerate(self.preview, start=1)),
        ]
        if self.rejected is not None:
            found.append(f"  bad rows are in {self.rejected}")
        return found

    def _more_causes(self) -> list[str]:
        """Return one line for the causes that are not shown."""
        rest = list(self.bad)[SHOWN_CAUSES:]
        rows = sum(self.bad[cause].count for cause in rest)
        return [f"  bad: {len(rest):,} other causes: {rows:,}"] if rest else []


def _few(parts: Sequence[str]) -> str:
    """Return the first parts with commas, and how many more there are."""
    more = len(parts) - SHOWN_COLUMNS
    return ", ".join(parts[:SHOWN_COLUMNS]) + (f" and {more:,} more" if more > 0 else "")


def _counted(types: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in types.items())


def _row(row: dict[str, Any]) -> str:
    return _few([f"{name}={value!r}"[:80] for name, value in row.items()])


@dataclass(frozen=True)
class FullFeed:
    """What a full feed of items changed in what is offered.

    Attributes
    ----------
    items : int
        Distinct items of the feed.
    withdrawn : int
        Items that were offered before and are missing from it.
    returned : int
        Items that were withdrawn before and are in it.
    """

    items: int
    withdrawn: int
    returned: int

    def line(self) -> str:
        """Return one line of text."""
        return (
            f"full feed of {self.items:,} items: {self.withdrawn:,} no longer offered, "
            f"{self.returned:,} offered again"
        )


@dataclass
class IngestReport:
    """What one ingestion did.

    Attributes
    ----------
    totals : dict of str to int
        Users, items, known_items and events that the store now holds of the scenario.
    stored : bool
        False where `strict` refused everything.
    checked : bool
        Whether this was a dry run.
    feed : FullFeed or None
        What a full feed of items took off the list, and put back.
    """

    scenario: str
    tables: list[TableReport] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    has_clock: bool | None = None
    note: str = ""
    stored: bool = True
    feed: FullFeed | None = None
    checked: bool = False

    @property
    def n_bad(self) -> int:
        """Number of rejected rows in all tables."""
        return sum(table.n_bad for table in self.tables)

    def table(self, kind: TableKind) -> TableReport:
        """Return the first table of this kind."""
        return next(table for table in self.tables if table.kind == kind)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "scenario": self.scenario,
            "stored": self.stored,
            "checked": self.checked,
            "has_clock": self.has_clock,
            "note": self.note,
            "totals": dict(self.totals),
            "feed": None if self.feed is None else asdict(self.feed),
            "tables": [table.to_dict() for table in self.tables],
        }

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        found = [self.note] if self.note else []
        found += [line for table in self.tables for line in table.lines()]
        if self.feed is not None:
            found.append(self.feed.line())
        if self.checked:
            found.append("checked only: nothing was stored")
        if self.stored and self.totals:
            totals = ", ".join(
                f"{self.totals[name]:,} {name}" for name in ("users", "items", "events")
            )
            clock = "" if self.has_clock is None or self.has_clock else " (in order, without times)"
            found.append(f"{self.scenario} now holds {totals}{clock}")
        return found


class RejectedWriter:
    """Writes the rejected rows of one table to a CSV file, made with the first of them.

    Line number and cause come before the columns of the source, so that the file can be corrected
    and ingested as it is. Without a path nothing is written.
    """

    def __init__(self, path: Path | None, header: Sequence[str]) -> None:
        self.path = path
        self._header = list(header)
        self._file: IO[str] | None = None
        if path is not None:
            path.unlink(missing_ok=True)

    def write(self, rows: Iterable[tuple[int, str, Sequence[Any]]]) -> None:
        """Write rows of line number, cause and cells."""
        lines = [[line, cause, *map(_cell, cells)] for line, cause, cells in rows]
        if not lines or self.path is None:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", errors="replace", newline="")
            lines.insert(0, [*REJECTED_COLUMNS, *self._header])
        csv.writer(self._file).writerows(lines)

    def close(self) -> Path | None:
        """Close and return the file, None where nothing was rejected."""
        if self._file is None:
            return None
        self._file.close()
        return self.path


def _cell(value: Any) -> Any:
    """Return a cell as it was written: whole numbers had no fraction, missing ones nothing."""
    if isinstance(value, float):
        if value != value:
            return ""
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return "" if value is None else value
