"""What an importer or a demo generator returns: tables, validated like files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Frames:
    """Items, events and users as pandas tables with crossrec's column names.

    Attributes
    ----------
    items : DataFrame or None
        ``item_id`` and any fields of the scenario's item schema. Lists are allowed as values.
    events : DataFrame or None
        ``user_id``, ``item_id`` and optionally ``event_type``, ``time``, ``value``, ``event_id``,
        ``session_id``, oldest first within a user.
    users : DataFrame or None
        ``user_id`` and any attributes.
    has_clock : bool
        Whether ``time`` is a real time (seconds since 1970 or parsable). False for sets that know
        only an order: then ``time`` is left out and the position in the table counts, the same for
        all events of one ``session_id`` (a basket).
    note : str
        One line on what was read, shown after ingestion.
    """

    items: pd.DataFrame | None = None
    events: pd.DataFrame | None = None
    users: pd.DataFrame | None = None
    has_clock: bool = False
    note: str = ""


#: An importer takes the data set's folder (or file) and returns its tables.
Importer = Callable[[Path], Frames]
