"""Values of events: from columns in units of their own to what each event type declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossrec.ingest.cells import blanked, nothing
from crossrec.ingest.measures import Measure, measure_of, reverse_of
from crossrec.ingest.numbers import NumberReader
from crossrec.ingest.scales import Scale, found_scale
from crossrec.scenario import EventType, Scenario
from crossrec.store.rows import Coded

if TYPE_CHECKING:
    import pandas as pd

    from crossrec.ingest.faults import RowFaults

Mask = NDArray[np.bool_]
_GENERIC = Measure("none")


@dataclass(frozen=True, eq=False)
class _Column:
    """One column of numbers in a chunk: NaN where there is none, and which cells are unreadable."""

    name: str
    measure: Measure
    numbers: NDArray[np.float64]
    unreadable: Mask
    cells: pd.Series[Any]


class ValueReader:
    """Gives the events of one source their values, chunk by chunk.

    A column whose name tells its unit goes to the events that declare this unit; another one to
    all. Negative quantities and amounts are returns. Ratings on another scale than the declared one
    are mapped to it.

    Parameters
    ----------
    columns : sequence of str
        Source columns with numbers; of those in one unit the first counts.
    scale : (float, float) or None
        Lowest and highest rating, or portion, of the source; found out where None.
    """

    def __init__(
        self, scenario: Scenario, columns: Sequence[str], scale: tuple[float, float] | None = None
    ) -> None:
        self._scenario = scenario
        self._measures = {name: measure_of(name) or _GENERIC for name in columns}
        self._readers = {name: NumberReader() for name in columns}
        self._given = scale
        self._scales: dict[str, Scale] = {}
        self._unused: dict[tuple[str, str], int] = {}

    def notes(self) -> list[str]:
        """Return what was found out about units and scales, one line each."""
        found = [f"{name!r}: {one.note}" for name, one in self._readers.items() if one.note]
        found += [scale.note for scale in self._scales.values() if scale.note]
        for (column, event), count in self._unused.items():
            kind = next(one.value for one in self._scenario.events if one.name == event)
            takes = "takes no value" if kind == "none" else f"takes {_NOUNS[kind]}"
            noun = self._measures[column].noun
            found.append(f"{column!r} holds {noun} and {event!r} {takes}: {count:,} were not used")
        return found

    def read(
        self, frame: pd.DataFrame, types: Coded, row_faults: RowFaults
    ) -> tuple[Coded, NDArray[np.float64]]:
        """Return the types of the events, returns included, and their values (NaN: none)."""
        columns = [self._column(frame, name) for name in self._measures]
        values = np.full(len(frame), np.nan)
        events = [self._scenario.event(name) for name in types.values]
        taken = np.zeros(len(frame), dtype=bool)
        returned = np.zeros(len(frame), dtype=bool)
        for code, event in enumerate(events):
            rows = types.codes == code
            if event is None or not rows.any():
                continue
            for column in columns:
                if column.measure.kind in ("none", event.value):
                    self._take(column, event, rows & ~taken, values, row_faults)
                    taken |= rows & ~np.isnan(column.numbers)
                elif not self._has(columns, event):
                    self._leave(column, event, int((rows & ~np.isnan(column.numbers)).sum()))
                if column.measure.kind in ("count", "money") or event.value in ("count", "money"):
                    returned |= rows & (column.numbers < 0) & row_faults.good
            self._check(event, rows, values, row_faults)
        if returned.any():
            types = self._turned(types, returned, row_faults)
            values = np.where(returned, np.abs(values), values)
        return types, values

    def _column(self, frame: pd.DataFrame, name: str) -> _Column:
        """Return the numbers of a column, in the unit of the events that it goes to."""
        import pandas as pd

        measure = self._measures[name]
        cells = frame[name] if name in frame.columns else pd.Series([""] * len(frame), dtype=object)
        cells = blanked(cells)
        reader = self._readers[name]
        if pd.api.types.is_bool_dtype(cells):
            cells = cells.astype(object).astype(str)
        if pd.api.types.is_numeric_dtype(cells):
            numbers = cells.to_numpy(np.float64, na_value=np.nan)
        else:
            numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
        empty = nothing(cells)
        odd = ~np.isfinite(numbers) & ~empty
        if odd.any() or reader.mark == ",":
            read = reader.read(cells.to_numpy(dtype=object)[~empty].tolist())
            numbers = np.full(len(cells), np.nan)
            numbers[~empty] = [np.nan if one is None else one for one in read]
        return _Column(
            name, measure, numbers * measure.factor, ~np.isfinite(numbers) & ~empty, cells
        )

    def _take(
        self,
        column: _Column,
        event: EventType,
        rows: Mask,
        values: NDArray[np.float64],
        row_faults: RowFaults,
    ) -> None:
        """Give the rows the column's numbers; what cannot be read is no value of theirs."""
        row_faults.reject(rows & column.unreadable, "value is not a number", column.cells)
        chosen = rows & np.isfinite(column.numbers)
        values[chosen] = column.numbers[chosen]

    def _has(self, columns: Sequence[_Column], event: EventType) -> bool:
        """Whether another column goes to this type."""
        return any(column.measure.kind in ("none", event.value) for column in columns)

    def _leave(self, column: _Column, event: EventType, count: int) -> None:
        if count and event.polarity:
            key = (column.name, event.name)
            self._unused[key] = self._unused.get(key, 0) + count

    def _check(
        self, event: EventType, rows: Mask, values: NDArray[np.float64], row_faults: RowFaults
    ) -> None:
        """Reject values outside of what the type declares, and map scales to the declared one."""
        import pandas as pd

        given = rows & np.isfinite(values)
        shown = pd.Series(values)
        if event.value == "seconds":
            row_faults.reject(given & (values < 0), "negative duration", shown)
            return
        low, high = event.value_range or ((0.0, 1.0) if event.value == "portion" else (0.0, 0.0))
        if low == high or not given.any():
            return
        scale = self._scales.get(event.name)
        if scale is None:
            scale = found_scale(event, (low, high), values[given], self._given)
            self._scales[event.name] = scale
        outside = given & ((values < scale.low) | (values > scale.most))
        row_faults.reject(outside, scale.cause, shown)
        row_faults.notice(rows & ~given & row_faults.good, f"{event.name} without a value; kept")
        values[given] = scale.mapped(values[given])

    def _turned(self, types: Coded, returned: Mask, row_faults: RowFaults) -> Coded:
        """Return the types with returns in place of events of a negative quantity."""
        names = list(types.values)
        codes = types.codes.copy()
        for code, name in enumerate(types.values):
            rows = returned & (types.codes == code)
            event = self._scenario.event(name)
            if event is None or not rows.any():
                continue
            back = event if event.polarity < 0 else reverse_of(event, self._scenario)
            if back is None:
                row_faults.reject(rows, f"negative value, and no event takes back {name!r}")
                continue
            if back is not event:
                row_faults.notice(rows, f"negative, read as {back.name!r} of {name!r}")
            if back.name not in names:
                names.append(back.name)
            codes[rows] = names.index(back.name)
        return Coded(codes, names)


_NOUNS = {
    "count": "counts",
    "portion": "portions from 0 to 1",
    "rating": "ratings",
    "money": "money",
    "seconds": "seconds",
}
