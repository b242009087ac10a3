"""Validation: the good rows of a chunk as values, and the faults of the others.

`faults` collects what is wrong with rows, `values` reads the numbers of events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossrec.errors import nearest
from crossrec.ingest.cells import blanked, nothing
from crossrec.ingest.columns import (
    EVENT,
    EVENT_ID,
    ITEM,
    REQUEST,
    SESSION,
    TEXT,
    TIME,
    USER,
    VALUE,
)
from crossrec.ingest.faults import RowFaults, short
from crossrec.ingest.fields import FieldReader, written_text
from crossrec.ingest.ids import FAULTS, IdColumn, coded_ids
from crossrec.ingest.mapping import REJECTED_COLUMNS, ColumnMap
from crossrec.ingest.measures import event_for
from crossrec.ingest.sessions import SessionPositions
from crossrec.ingest.times import TimeParser
from crossrec.ingest.values import ValueReader
from crossrec.scenario import Scenario
from crossrec.store.rows import Coded, EventRows

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400.0
#: The longest text of an event that is kept whole, in characters: encoders read far less.
MAX_TEXT = 20_000
_LISTED = 12
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class EventDraft:
    """The good events of a chunk, before they get keys: see `crossrec.store.rows.EventRows`.

    Attributes
    ----------
    event_ids, requests : Coded or None
        Ids of the events, and of the answers that they came from: None where the source has no
        such column; "" where a row has none.
    texts : Coded or None
        The same of what was written with the events.
    positions : float64 array or None
        Among the good rows of the whole source, the number of the first row of each one's session,
        from 1; None where the source has no sessions, or times.
    """

    users: Coded
    items: Coded
    types: Coded
    times: NDArray[np.float64] | None
    values: NDArray[np.float64]
    event_ids: Coded | None
    requests: Coded | None = None
    texts: Coded | None = None
    positions: NDArray[np.float64] | None = None

    def rows(self, keys: NDArray[np.int64], after: int = 0) -> EventRows:
        """Return the events with their keys, as a store takes them.

        Parameters
        ----------
        after : int
            Number of the last event that was stored before the source.
        """
        return EventRows(
            users=self.users,
            items=self.items,
            types=self.types,
            times=self.times,
            values=self.values,
            keys=keys,
            texts=self.texts,
            positions=None if self.positions is None else after + self.positions,
        )


class EventValidator:
    """Validates the chunks of one events table.

    Parameters
    ----------
    now : float
        Seconds since 1970; what lies more than a day after it is in the future.
    value_scale : (float, float) or None
        Lowest and highest rating or portion of the source; found out where None.
    events : mapping of str to str
        Event type by the name that the source has for it.
    has_clock : bool
        Whether to read the time column. Without one the order of the rows is all there is.
    """

    def __init__(
        self,
        scenario: Scenario,
        columns: ColumnMap,
        *,
        now: float,
        has_clock: bool = True,
        time_format: str | None = None,
        value_scale: tuple[float, float] | None = None,
        events: Mapping[str, str] | None = None,
    ) -> None:
        self._scenario = scenario
        self._event_names = {written.strip(): name for written, name in (events or {}).items()}
        self._columns = columns
        self._now = now
        self._times = TimeParser(time_format)
        self._has_format = time_format is not None
        self.has_clock = has_clock and columns.source(TIME) is not None
        self.default_event = default_event(scenario, columns)
        self._cut = 0
        self._values = ValueReader(scenario, columns.values, value_scale)
        self._sessions = SessionPositions()
        self._id_columns: dict[str, IdColumn] = {}

    @property
    def numeric(self) -> Sequence[str]:
        """Source columns that are best parsed as numbers."""
        found: list[str | None] = list(self._columns.values)
        if self.has_clock and not self._has_format:
            found.append(self._columns.source(TIME))
        return [name for name in found if name is not None]

    def notes(self) -> list[str]:
        """Return the assumptions that were made, one line each."""
        notes = []
        if self.has_clock:
            notes.append(f"time: {self._times.note}" if self._times.note else "time: none given")
            notes += [self._times.doubt] if self._times.doubt else []
        else:
            notes.append("no time column is used: the order of the rows counts, oldest first")
            if self._columns.source(SESSION) is not None:
                notes.append("events of one session count as one moment")
        if self._columns.source(EVENT) is None:
            notes.append(f"no event column: every event is {self.default_event!r}")
        if self._cut:
            notes.append(f"{self._cut:,} texts were cut at {MAX_TEXT:,} characters")
        notes += self._values.notes()
        notes += _shortened(self._columns, self._id_columns)
        return notes

    def check(self, frame: pd.DataFrame) -> tuple[EventDraft, RowFaults]:
        """Return the good events of a chunk, and the faults of the other rows."""
        row_faults = RowFaults(len(frame))
        users = self._ids(frame, USER, "user", row_faults)
        items = self._ids(frame, ITEM, "item", row_faults)
        types = self._types(frame, row_faults)
        times = self._seconds(frame, row_faults)
        types, values = self._values.read(frame, types, row_faults)
        event_ids = self._optional_ids(frame, EVENT_ID, "event", row_faults)
        requests = self._optional_ids(frame, REQUEST, "request", row_faults)
        sessions = self._optional_ids(frame, SESSION, "session", row_faults)
        texts = self._texts(frame)
        good = row_faults.good
        draft = EventDraft(
            users=users.take(good),
            items=items.take(good),
            types=types.take(good),
            times=None if times is None else times[good],
            values=values[good],
            event_ids=None if event_ids is None else event_ids.take(good),
            requests=None if requests is None else requests.take(good),
            texts=None if texts is None else texts.take(good),
            positions=(
                None
                if sessions is None or times is not None
                else self._sessions.of(users.take(good), sessions.take(good))
            ),
        )
        return draft, row_faults

    def _ids(self, frame: pd.DataFrame, name: str, noun: str, row_faults: RowFaults) -> Coded:
        column = _column(frame, self._columns.columns[name])
        coded, faults = self._id_columns.setdefault(name, IdColumn()).read(column)
        _reject_faults(faults, noun, row_faults)
        return coded

    def _optional_ids(
        self, frame: pd.DataFrame, name: str, noun: str, row_faults: RowFaults
    ) -> Coded | None:
        source = self._columns.source(name)
        if source is None:
            return None
        coded, faults = self._id_columns.setdefault(name, IdColumn()).read(_column(frame, source))
        faults[faults == 1] = 0  # an event without an id is identified by its content
        _reject_faults(faults, noun, row_faults)
        return coded

    def _types(self, frame: pd.DataFrame, row_faults: RowFaults) -> Coded:
        source = self._columns.source(EVENT)
        if source is None:
            return Coded(np.zeros(len(frame), dtype=np.int64), [self.default_event])
        coded, _ = coded_ids(_column(frame, source))
        names = []
        for code, written in enumerate(coded.values):
            event = self._scenario.event(self._event_names.get(written.strip(), written))
            names.append(self.default_event if event is None else event.name)
            if event is None:
                row_faults.reject(coded.codes == code, unknown_event(written, self._scenario))
        known = Coded.of(names)
        return Coded(known.codes[coded.codes], known.values)

    def _seconds(self, frame: pd.DataFrame, row_faults: RowFaults) -> NDArray[np.float64] | None:
        source = self._columns.source(TIME)
        if source is None or not self.has_clock:
            return None
        column = blanked(_column(frame, source))
        seconds = self._times.parse(column)
        row_faults.reject(nothing(column), "missing time")
        row_faults.reject(np.isnan(seconds), "unparsable time", column)
        row_faults.reject(seconds < 0, "negative time", column)
        row_faults.reject(seconds > self._now + _DAY, "future time", column)
        return seconds

    def _texts(self, frame: pd.DataFrame) -> Coded | None:
        source = self._columns.source(TEXT)
        if source is None:
            return None
        texts = [written_text(cell) for cell in _column(frame, source).tolist()]
        self._cut += sum(len(text) > MAX_TEXT for text in texts)
        return Coded.of([text[:MAX_TEXT] for text in texts])


@dataclass(frozen=True, eq=False)
class RecordDraft:
    """The good rows of a chunk of items or users: fields by id, and the repeats among them.

    Attributes
    ----------
    repeated : int64 array
        Positions in the chunk of rows whose id was in an earlier row.
    """

    records: dict[str, dict[str, Any]]
    repeated: NDArray[np.int64]


class RecordValidator:
    """Validates the chunks of one items or users table.

    Parameters
    ----------
    clears : bool
        Whether empty cells are None in the records, so that they clear what is stored.
    """

    def __init__(
        self, scenario: Scenario, columns: ColumnMap, name: str, *, clears: bool = False
    ) -> None:
        self._columns = columns
        self._clears = clears
        self._name = name
        self._noun = "item" if name == ITEM else "user"
        self._fields = FieldReader(scenario.items.fields if name == ITEM else scenario.users)
        self._seen: set[str] = set()
        self._ids = IdColumn()

    @property
    def numeric(self) -> Sequence[str]:
        """Source columns that are best parsed as numbers: none, text keeps what was written."""
        return ()

    def notes(self) -> list[str]:
        """Return the findings, one line each."""
        return [*self._fields.notes(), *_shortened(self._columns, {self._name: self._ids})]

    def check(self, frame: pd.DataFrame) -> tuple[RecordDraft, RowFaults]:
        """Return the good rows of a chunk, and the faults of the others."""
        row_faults = RowFaults(len(frame))
        ids, faults = self._ids.read(_column(frame, self._columns.columns[self._name]))
        _reject_faults(faults, self._noun, row_faults)
        mapped = {*self._columns.columns.values(), *self._columns.fields.values()}
        mapped.update(REJECTED_COLUMNS)
        late = {name: name for name in map(str, frame.columns) if name not in mapped}
        cells = {
            field: self._fields.cells(field, frame[source])
            for field, source in {**self._columns.fields, **late}.items()
            if source in frame.columns
        }
        records: dict[str, dict[str, Any]] = {}
        repeated = []
        for row in np.flatnonzero(row_faults.good).tolist():
            id_ = ids.values[ids.codes[row]]
            if id_ in self._seen:
                repeated.append(row)
            self._seen.add(id_)
            fields = {name: column[row] for name, column in cells.items()}
            kept = {name: value for name, value in fields.items() if value is not None}
            records[id_] = {**records.get(id_, {}), **kept}
            if self._clears:
                records[id_] = {**dict.fromkeys(fields), **records[id_]}
        return RecordDraft(records, np.array(repeated, dtype=np.int64)), row_faults


def default_event(scenario: Scenario, columns: ColumnMap) -> str:
    """Return the type of events without one: the default, or what the column of values is of."""
    default = next(event for event in scenario.events if event.name == scenario.default_event)
    value = columns.source(VALUE)
    if value is None or columns.source(EVENT) is not None:
        return default.name
    return event_for(scenario, value, default).name


def unknown_event(written: str, scenario: Scenario) -> str:
    """Return the cause for an event type that the scenario does not declare."""
    if not written.strip():
        return "missing event type"
    shown = short(written)
    names = [name for event in scenario.events for name in (event.name, *event.aliases)]
    near = nearest(written, names, cutoff=0.5)
    if near:
        return f"unknown event type {shown!r} (nearest: {near})"
    known = ", ".join(event.name for event in scenario.events[:_LISTED])
    more = ", ..." if len(scenario.events) > _LISTED else ""
    return f"unknown event type {shown!r} (known: {known}{more})"


def _reject_faults(faults: NDArray[np.int8], noun: str, row_faults: RowFaults) -> None:
    for number, cause in enumerate(FAULTS):
        if number:
            row_faults.reject(faults == number, cause.replace("{}", noun))


def _shortened(columns: ColumnMap, readers: Mapping[str, IdColumn]) -> list[str]:
    """Return a note for each column whose ids were written as fractions."""
    return [
        f"ids in {columns.columns[name]!r} end in .0 and were read as whole numbers"
        for name, reader in readers.items()
        if reader.shortened
    ]


def _column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column, of empty cells where this chunk has no such column."""
    import pandas as pd

    if name in frame.columns:
        return frame[name]
    return pd.Series([""] * len(frame), dtype=object)
