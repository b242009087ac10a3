"""One table on its way into the store: chunk by chunk through validation, with its report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossrec.ingest.attribution import attribute_events
from crossrec.ingest.columns import ITEM, USER
from crossrec.ingest.faults import RowFaults
from crossrec.ingest.keys import KeyMaker
from crossrec.ingest.meeting import Meeting
from crossrec.ingest.options import IngestOptions, Table
from crossrec.ingest.preview import Preview
from crossrec.ingest.reading.chunks import Chunk
from crossrec.ingest.report import SHOWN_LINES, RejectedWriter, TableReport, Tally
from crossrec.ingest.validation import EventDraft, EventValidator, RecordValidator
from crossrec.scenario import Scenario

if TYPE_CHECKING:
    from crossrec.store.base import Records, Store


class Job:
    """One table on its way into the store (or, for a strict check, into nothing)."""

    def __init__(
        self,
        table: Table,
        scenario: Scenario,
        options: IngestOptions,
        folder: Path | None,
        taken: set[str],
        known: set[str] | None = None,
    ) -> None:
        self._table = table
        self._known = known or set()
        self._preview = Preview()
        self._scenario = scenario
        self._options = options
        place = None if folder is None else folder / _free_name(table.source.name, taken)
        self._rejected = RejectedWriter(place, table.source.header)
        self.item_ids: set[str] = set()
        self._meeting = Meeting()
        self._report = TableReport(
            table.kind, table.source.name, table.columns.described(), table.columns.unused
        )

    def run(self, store: Store | None) -> TableReport:
        """Validate and store all chunks, and return what was found."""
        with closing(self._rejected):
            notes = self._events(store) if self._table.kind == "events" else self._records(store)
        before = [self._table.note] if self._table.note else []
        self._report.notes = [*before, *self._table.source.notes, *notes]
        if self._options.check:
            self._report.preview = self._preview.rows
            self._report.types = dict(self._preview.types)
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
            time_format=self._table.settled.time_format,
            value_scale=self._table.settled.value_scale,
            events=self._table.settled.events,
        )
        keys, attributed = KeyMaker(), 0
        known = self._known if store is None else store.known_items(self._scenario.name)
        after = 0 if store is None else store.last_event(self._scenario.name)
        for chunk in self._chunks(list(validator.numeric)):
            draft, row_faults = validator.check(chunk.frame)
            self._count(chunk, row_faults)
            self._preview.add_events(draft)
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
                stored = draft.rows(keys.keys(draft), after)
                self._report.new += store.add_events(self._scenario.name, stored)
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
        clears = kind == "items" and self._options.complete is not None
        validator = RecordValidator(self._scenario, self._table.columns, name, clears=clears)
        known = store.known_items(self._scenario.name) if store is not None and clears else set()
        for chunk in self._chunks([]):
            draft, row_faults = validator.check(chunk.frame)
            self._count(chunk, row_faults)
            repeated = draft.repeated
            lines = chunk.lines(repeated).tolist() if len(repeated) else []
            self._report.notice("repeated id, the later fields count", len(repeated), lines)
            if kind == "items" and (self._options.check or clears):
                self.item_ids.update(draft.records)
            self._preview.add_records(kind[:-1], draft.records)
            records = _cleared(draft.records, known) if clears else draft.records
            if store is not None:
                add = store.add_items if kind == "items" else store.add_users
                self._report.new += add(self._scenario.name, records)
        return validator.notes()


def _cleared(records: Records, known: set[str]) -> Records:
    """Return records without the empty cells of items that are new, which have nothing to clear."""
    return {
        id_: fields
        if id_ in known
        else {name: value for name, value in fields.items() if value is not None}
        for id_, fields in records.items()
    }


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name of the file for rejected rows, one that this ingestion has not used."""
    candidate, number = f"{name}.rejected.csv", 2
    while candidate in taken:
        candidate, number = f"{name}.rejected-{number}.csv", number + 1
    return candidate
