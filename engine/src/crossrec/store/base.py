"""What a store must do: keep the items, users and events of every scenario."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import Scenario
from crossrec.store.rows import EventRows

#: Fields of items or users by id.
Records = Mapping[str, Mapping[str, Any]]


class HistoryEvent(NamedTuple):
    """One event of a user.

    `time` is in seconds since 1970, or a position where the scenario has no clock.
    """

    item_id: str
    time: float
    weight: float


@dataclass(frozen=True)
class Counts:
    """How much a store holds of one scenario.

    Attributes
    ----------
    items : int
        All items, those that occur in events only included.
    known_items : int
        Items with a row in the item table.
    has_clock : bool or None
        Whether event times are seconds; None before the first event.
    """

    users: int = 0
    items: int = 0
    known_items: int = 0
    events: int = 0
    has_clock: bool | None = None


@runtime_checkable
class Store(Protocol):
    """Items, users and events of every scenario, each scenario in a namespace of its own.

    Every `add_*` call is one transaction: after a crash it is there as a whole or not at all.
    """

    def add_items(self, scenario: str, records: Records) -> int:
        """Insert or update items; new fields win, old ones stay. Return how many were new."""

    def add_users(self, scenario: str, records: Records) -> int:
        """Insert or update users; new fields win, old ones stay. Return how many were new."""

    def add_events(self, scenario: str, rows: EventRows) -> int:
        """Append the events whose key is new, in their order. Return how many that were.

        Raises
        ------
        DataError
            If the scenario holds events with a clock and these have none, or the reverse.
        """

    def scenarios(self) -> list[str]:
        """Return the names of the scenarios that have any data."""

    def counts(self, scenario: str) -> Counts:
        """Return how much there is of `scenario`."""

    def known_items(self, scenario: str) -> set[str]:
        """Return the ids of all items that have a row in the item table."""

    def items(self, scenario: str) -> tuple[Vocabulary, dict[str, dict[str, Any]]]:
        """Return all items in the order of first ingestion, and the fields of the known ones."""

    def item_changes(self, scenario: str) -> int:
        """Return a number that grows with every writing of items; read at each request."""

    def items_after(self, scenario: str, item_id: str) -> dict[str, dict[str, Any]]:
        """Return the fields of the known items first ingested after `item_id`, in that order."""

    def users(self, scenario: str) -> tuple[Vocabulary, dict[str, dict[str, Any]]]:
        """Return all users in the order of first ingestion, and the fields of the known ones."""

    def events(self, scenario: Scenario) -> Events:
        """Return all events in the order of ingestion, as indexes into `users` and `items`.

        Raises
        ------
        DataError
            If an event's type is unknown to the scenario.
        """

    def history(self, scenario: Scenario, user_id: str, limit: int = 200) -> list[HistoryEvent]:
        """Return the last `limit` events of a user, oldest first; none for an unknown user."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Let all reads within see one state, whatever another process writes meanwhile."""

    def close(self) -> None:
        """Release the connections."""
