"""The first rows of a table as they were understood, for a dry run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from crossrec.ingest.validation import EventDraft

#: Rows that are shown.
ROWS = 3


class Preview:
    """Collects the first good rows, and how many events there are of each type."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.types: Counter[str] = Counter()

    def add_events(self, draft: EventDraft) -> None:
        """Look at the good events of a chunk."""
        counts = np.bincount(draft.types.codes, minlength=len(draft.types.values)).tolist()
        self.types.update(
            {name: n for name, n in zip(draft.types.values, counts, strict=True) if n}
        )
        for row in range(min(len(draft.users), ROWS - len(self.rows))):
            cells: dict[str, Any] = {
                "user": draft.users.values[draft.users.codes[row]],
                "item": draft.items.values[draft.items.codes[row]],
                "event": draft.types.values[draft.types.codes[row]],
            }
            if draft.times is not None:
                cells["time"] = _moment(float(draft.times[row]))
            value = float(draft.values[row])
            if not math.isnan(value):
                cells["value"] = round(value, 6)
            self.rows.append(cells)

    def add_records(self, name: str, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Look at the good items or users of a chunk."""
        for id_, fields in records.items():
            if len(self.rows) == ROWS:
                return
            self.rows.append({name: id_, **fields})


def _moment(seconds: float) -> str:
    """Return a time as ISO writes it."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g}"
    return moment.isoformat().replace("+00:00", "Z")
