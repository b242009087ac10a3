"""Tables → validated rows → store, batch by batch."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import DataError
from crossrec.ingest.feed import refuse_rejected, refuse_withdrawal
from crossrec.ingest.frames import Frames, Importer
from crossrec.ingest.job import Job
from crossrec.ingest.mapping import TableKind
from crossrec.ingest.options import IngestOptions, Input, Table, plan_inputs, plan_sources
from crossrec.ingest.reading.chunks import FrameReader, TableReader
from crossrec.ingest.report import FullFeed, IngestReport
from crossrec.ingest.settled import SettledSources
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
    folder = workspace.path if isinstance(workspace, Workspace) else Path(workspace)
    known = SettledSources(folder, scenario.name)
    tables = plan_inputs(scenario, inputs, options, known)
    if options.check:
        return _checked(folder, scenario, tables, options)
    report = _ingest(workspace, scenario, tables, options)
    for table in tables:
        known.keep(table.kind, table.source.header, table.settled)
    return report


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


def _checked(
    folder: Path, scenario: Scenario, tables: list[Table], options: IngestOptions
) -> IngestReport:
    """Read all tables and store nothing; a workspace that is there tells which items are known."""
    report = IngestReport(scenario.name, stored=False, checked=True)
    known: set[str] = set()
    if (folder / "crossrec.db").exists():
        with closing(Workspace.open(folder)) as workspace:
            known = workspace.store().known_items(scenario.name)
    for table in tables:
        job = Job(table, scenario, options, None, set(), known)
        report.tables.append(job.run(None))
        known |= job.item_ids
    return report


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
        job = Job(table, scenario, options, folder, _taken(report))
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
