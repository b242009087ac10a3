"""One event at a time, by the rules of files."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from crossrec.errors import DataError
from crossrec.ingest.columns import EVENT, EVENT_ID, ITEM, TIME, USER, VALUE
from crossrec.ingest.keys import KeyMaker
from crossrec.ingest.mapping import ColumnMap
from crossrec.ingest.validation import EventValidator
from crossrec.scenario import Scenario
from crossrec.store.rows import EventRows


@dataclass(frozen=True)
class NewEvent:
    """One event as it comes from an application.

    Attributes
    ----------
    time : float, str or datetime
        Read like a cell of a file. Left out where the scenario's events have none.
    event_id : str
        What makes it the same event when it comes again; its content where it is "".
    """

    user_id: str
    item_id: str
    event_type: str
    value: float | None
    time: Any
    event_id: str = ""


def event_rows(event: NewEvent, scenario: Scenario, *, has_clock: bool, now: float) -> EventRows:
    """Return one event as a store takes it.

    Without times nothing distinguishes two events of the same content: each counts as new unless it
    has an id.

    Raises
    ------
    DataError
        What a file's row would be rejected for.
    """
    import pandas as pd

    cells: dict[str, Any] = {USER: event.user_id, ITEM: event.item_id, EVENT: event.event_type}
    if event.value is not None:
        cells[VALUE] = event.value
    if has_clock:
        cells[TIME] = event.time
    if event.event_id or not has_clock:
        cells[EVENT_ID] = event.event_id or uuid.uuid4().hex
    columns = ColumnMap({name: name for name in cells})
    validator = EventValidator(scenario, columns, now=now, has_clock=has_clock)
    draft, faults = validator.check(pd.DataFrame({name: [cell] for name, cell in cells.items()}))
    if faults.faults:
        raise DataError(f"the event cannot be used: {faults.faults[0][0]}")
    return draft.rows(KeyMaker().keys(draft))
