"""Tables → validated rows → store, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossrec.errors import DataError
from crossrec.ingest.attribution import attribute_events
from crossrec.ingest.columns import ITEM, USER
from crossrec.ingest.faults import RowFaults
from crossrec.ingest.feed import refuse_rejected, refuse_withdrawal
from crossrec.ingest.frames import Frames, Importer
from crossrec.ingest.keys import KeyMaker
from crossrec.ingest.mapping import TableKind
from crossrec.ingest.meeting import Meeting
from crossrec.ingest.options import IngestOptions, Input, Table, plan_inputs, plan_sources
from crossrec.ingest.reading.chunks import Chunk, FrameReader, TableReader
from crossrec.ingest.report import (
    SHOWN_LINES,
    FullFeed,
    IngestReport,
    RejectedWriter,
    TableReport,
    Tally,
)
from crossrec.ingest.validation import EventDraft, EventValidator, RecordValidator
from crossrec.scenario import Scenario
from crossrec.workspace import Workspace

if TYPE_CHECKING:
    from crossrec.store.base import Store


class RejectedRowsError(DataError):
    """Raised by a strict ingestion that found bad rows; `report` has them."""

    def __init__(self, report: IngestReport) -> None:
        self.report = report
        causes = ", ".join(dict.fromkeys(cause for table in report.tables for cause in table.bad))
        super().__init__(
            f"{report.n_bad:,} bad rows ({causes}), so nothing was stored: correct them, or ingest "
            "without --strict"
        )


def ingest_files(
    workspace: Workspace | str | Path,
    scenario: Scenario,
    *,
    items: Input = None,
    events: Input = None,
    users: Input = None,
    options: IngestOptions | None = None,
) -> IngestReport:
    """Ingest CSV, JSON, Parquet and Excel files, plain or packed, and pandas tables.

    Good rows are stored batch by batch, bad ones written to the workspace's ``rejected`` folder.
    Ingesting the same file again changes nothing.

    Parameters
    ----------
    workspace : Workspace or path
        A path is opened, or made once the files are known to be readable.

    Raises
    ------
    DataError
        If a file cannot be read as what it was given for.
    RejectedRowsError
        If there are bad rows and `options.strict` is set.
    WorkspaceError
        If the workspace cannot be written.
    """
    options = options or IngestOptions()
    inputs: dict[TableKind, Input] = {"items": items, "users": users, "events": events}
    tables = plan_inputs(scenario, inputs, options)
    return _ingest(workspace, scenario, tables, options)


def ingest_frames(
    workspace: Workspace | str | Path,
    scenario: Scenario,
    frames: Frames,
    *,
    options: IngestOptions | None = None,
) -> IngestReport:
    """Ingest tables in memory, validated like files; their rows are numbered from 1.

    Raises
    ------
    DataError, RejectedRowsError, WorkspaceError
        As `ingest_files`.
    """
    options = options or IngestOptions()
    options = replace(options, has_clock=options.has_clock and frames.has_clock)
    given: list[tuple[TableKind, object]] = [
        ("items", frames.items), ("users", frames.users), ("events", frames.events)
    ]  # fmt: skip
    sources: list[tuple[TableKind, TableReader]] = [
        (kind, FrameReader(kind, frame, options.chunk_rows))  # type: ignore[arg-type]
        for kind, frame in given
        if frame is not None
    ]
    tables = plan_sources(scenario, sources, options)
    report = _ingest(workspace, scenario, tables, options)
    report.note = frames.note
    return report


def ingest_format(
    workspace: Workspace | str | Path,
    scenario: Scenario,
    importer: Importer,
    folder: str | Path,
    *,
    options: IngestOptions | None = None,
) -> IngestReport:
    """Ingest a public data set through its importer.

    Raises
    ------
    DataError, RejectedRowsError, WorkspaceError
        As `ingest_files`.
    """
    path = Path(folder)
    if not path.exists():
        raise DataError(f"there is no folder {path}")
    return ingest_frames(workspace, scenario, importer(path), options=options)


def _ingest(
    workspace: Workspace | str | Path,
    scenario: Scenario,
    tables: list[Table],
    options: IngestOptions,
) -> IngestReport:
    """Store all tables under the workspace's writer lock."""
    if not isinstance(workspace, Workspace):
        with closing(Workspace.create(workspace)) as opened:
            opened.wait = options.wait
            return _ingest(opened, scenario, tables, options)
    folder = workspace.rejected / scenario.name
    with workspace.writing():
        store = workspace.store()
        store.set_up()
        if options.strict:
            checked = IngestReport(scenario.name, stored=False)
            _read(checked, tables, scenario, options, folder, None)
            if checked.n_bad:
                raise RejectedRowsError(checked)
        report = IngestReport(scenario.name)
        if options.complete is not None:
            feed = [table for table in tables if table.kind == "items"]
            tables = [table for table in tables if table.kind != "items"]
            _store_feed(report, feed, scenario, options, folder, store)
        _read(report, tables, scenario, options, folder, store)
        counts = store.counts(scenario.name)
    report.has_clock = counts.has_clock
    report.totals = {
        "users": counts.users,
        "items": counts.items,
        "known_items": counts.known_items,
        "events": counts.events,
    }
    return report


def _read(
    report: IngestReport,
    tables: list[Table],
    scenario: Scenario,
    options: IngestOptions,
    folder: Path,
    store: Store | None,
) -> set[str]:
    """Put all tables through to the store, or to nothing; return the ids of their items."""
    ids: set[str] = set()
    for table in tables:
        job = _Job(table, scenario, options, folder, _taken(report))
        report.tables.append(job.run(store))
        ids |= job.item_ids
    return ids


def _store_feed(
    report: IngestReport,
    tables: list[Table],
    scenario: Scenario,
    options: IngestOptions,
    folder: Path,
    store: Store,
) -> None:
    """Store a full feed of items and withdraw what is missing from it, or do neither.

    Raises
    ------
    DataError
        If the feed looks like a broken export; the store is then as it was.
    """
    name = scenario.name
    before, offered = store.counts(name).withdrawn, store.known_items(name, offered=True)
    with store.together(name):
        kept = _read(report, tables, scenario, options, folder, store)
        refuse_rejected(report, kept)
        refuse_withdrawal(len(offered - kept), len(offered), options.most_withdrawn)
        withdrawn = store.withdraw_items(name, kept)
    returned = before + withdrawn - store.counts(name).withdrawn
    report.feed = FullFeed(len(kept), withdrawn, returned)


def _taken(report: IngestReport) -> set[str]:
    """Return the file names for rejected rows that this ingestion has used."""
    return {table.rejected.name for table in report.tables if table.rejected is not None}


class _Job:
    """One table on its way into the store (or, for a strict check, into nothing)."""

    def __init__(
        self,
        table: Table,
        scenario: Scenario,
        options: IngestOptions,
        folder: Path,
        taken: set[str],
    ) -> None:
        self._table = table
        self._scenario = scenario
        self._options = options
        self._rejected = RejectedWriter(
            folder / _free_name(table.source.name, taken), table.source.header
        )
        self.item_ids: set[str] = set()
        self._meeting = Meeting()
        self._report = TableReport(
            table.kind, table.source.name, table.columns.described(), table.columns.unused
        )

    def run(self, store: Store | None) -> TableReport:
        """Validate and store all chunks, and return what was found."""
        with closing(self._rejected):
            notes = self._events(store) if self._table.kind == "events" else self._records(store)
        self._report.notes = [*self._table.source.notes, *notes]
        self._report.rejected = self._rejected.close()
        return self._report

    def _chunks(self, numeric: list[str]) -> Iterator[Chunk]:
        for chunk in self._table.source.chunks(numeric):
            self._report.rows += len(chunk.frame) + len(chunk.failures)
            self._report.good += len(chunk.frame)
            for failure in chunk.failures:
                self._report.reject(failure.cause, [failure.line])
            self._rejected.write((f.line, f.cause, [f.text]) for f in chunk.failures)
            yield chunk
            self._options.progress(self._report.name, self._report.rows, 0)

    def _count(self, chunk: Chunk, row_faults: RowFaults) -> None:
        """Count and write down the rejected rows of a chunk, in the order of their lines."""
        if row_faults.good.all():
            return
        causes = {row: cause for cause, rows in row_faults.faults for row in rows.tolist()}
        places = np.array(sorted(causes), dtype=np.int64)
        lines = dict(zip(places.tolist(), chunk.lines(places).tolist(), strict=True))
        for cause, rows in row_faults.faults:
            example = row_faults.examples.get(cause, "")
            self._report.reject(cause, [lines[row] for row in rows.tolist()], example)
        self._report.good -= len(places)
        cells = chunk.frame.iloc[places].itertuples(index=False, name=None)
        self._rejected.write(
            (lines[row], causes[row], list(values))
            for row, values in zip(places.tolist(), cells, strict=True)
        )

    def _events(self, store: Store | None) -> list[str]:
        options = self._options
        validator = EventValidator(
            self._scenario,
            self._table.columns,
            now=options.now(),
            has_clock=options.has_clock,
            time_format=options.time_format,
            value_scale=options.value_scale,
        )
        keys, attributed = KeyMaker(), 0
        known = set() if store is None else store.known_items(self._scenario.name)
        after = 0 if store is None else store.last_event(self._scenario.name)
        for chunk in self._chunks(list(validator.numeric)):
            draft, row_faults = validator.check(chunk.frame)
            self._count(chunk, row_faults)
            for text, rows in row_faults.notices:
                kept = np.cumsum(row_faults.good)[rows[row_faults.good[rows]]] - 1
                self._notice(text, chunk, row_faults.good, kept)
            unknown = np.array([id_ not in known for id_ in draft.items.values], dtype=bool)
            rows_unknown = np.flatnonzero(unknown[draft.items.codes])
            self._meeting.add(
                len(draft.items),
                len(rows_unknown),
                (draft.items.values[code] for code in np.flatnonzero(unknown).tolist()),
            )
            text = "item is not in the item table; kept"
            self._notice(text, chunk, row_faults.good, rows_unknown)
            if store is not None:
                rows = draft.rows(keys.keys(draft), after)
                self._report.new += store.add_events(self._scenario.name, rows)
                attributed += self._attribute(store, chunk, row_faults.good, draft)
        warning = self._meeting.warning(known)
        self._report.warnings += [warning] if warning else []
        notes = validator.notes()
        if attributed:
            notes.append(f"{attributed:,} events belong to answers in the decision log")
        return notes

    def _attribute(
        self, store: Store, chunk: Chunk, good: NDArray[np.bool_], draft: EventDraft
    ) -> int:
        """Attribute the events that name a request; return how many could be."""
        log = store.decision_log()
        attributed, others = attribute_events(log, self._scenario.name, draft)
        for cause, rows in others.items():
            self._notice(f"{cause}; event kept", chunk, good, rows)
        return attributed

    def _notice(
        self, text: str, chunk: Chunk, good: NDArray[np.bool_], rows: NDArray[np.int64]
    ) -> None:
        """Count rows, given by their places among the good ones, that are worth a notice."""
        room = SHOWN_LINES - len(self._report.notices.get(text, Tally()).lines)
        shown = np.flatnonzero(good)[rows[:room]]
        lines = chunk.lines(shown).tolist() if len(shown) else []
        self._report.notice(text, len(rows), lines)

    def _records(self, store: Store | None) -> list[str]:
        kind = self._table.kind
        name = ITEM if kind == "items" else USER
        validator = RecordValidator(self._scenario, self._table.columns, name)
        for chunk in self._chunks([]):
            draft, row_faults = validator.check(chunk.frame)
            self._count(chunk, row_faults)
            repeated = draft.repeated
            lines = chunk.lines(repeated).tolist() if len(repeated) else []
            self._report.notice("repeated id, the later fields count", len(repeated), lines)
            if kind == "items" and self._options.complete is not None:
                self.item_ids.update(draft.records)
            if store is not None:
                add = store.add_items if kind == "items" else store.add_users
                self._report.new += add(self._scenario.name, draft.records)
        return validator.notes()


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name of the file for rejected rows, one that this ingestion has not used."""
    candidate, number = f"{name}.rejected.csv", 2
    while candidate in taken:
        candidate, number = f"{name}.rejected-{number}.csv", number + 1
    return candidate
