"""What a store must do: keep the items, users and events of every scenario."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crossrec.data.events import Events
from crossrec.data.user_events import UserEvents
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import Scenario
from crossrec.store.people import People
from crossrec.store.rows import EventRows

if TYPE_CHECKING:
    from crossrec.store.decisions import DecisionLog

#: Fields of items or users by id.
Records = Mapping[str, Mapping[str, Any]]

#: Field of an item that is no longer offered.
WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Counts:
    """How much a store holds of one scenario.

    Attributes
    ----------
    items : int
        All items, those that occur in events only included.
    known_items : int
        Items with a row in the item table.
    withdrawn : int
        Items that are no longer offered.
    has_clock : bool or None
        Whether event times are seconds; None before the first event.
    """

    users: int = 0
    items: int = 0
    known_items: int = 0
    events: int = 0
    has_clock: bool | None = None
    withdrawn: int = 0


class StoredItem(NamedTuple):
    """One item as it is stored; `known` is False where only events name it."""

    item_id: str
    fields: Mapping[str, Any]
    known: bool
    withdrawn: bool


class StoredUser(NamedTuple):
    """One user as it is stored, with the number of events."""

    user_id: str
    fields: Mapping[str, Any]
    events: int


class StoredEvent(NamedTuple):
    """One event as it is stored.

    Attributes
    ----------
    number : int
        Its place in the order of ingestion, which no other event ever has.
    time : float
        Seconds since 1970, or its number where there is no clock.
    """

    number: int
    user_id: str
    item_id: str
    event_type: str
    time: float
    value: float | None


@dataclass(frozen=True, eq=False)
class NumberedEvents:
    """Events with their place among all that were ever stored of a scenario.

    Attributes
    ----------
    events : Events, n rows
        In the order of ingestion.
    numbers : int64 array, shape (n,)
        1 for the first event that was stored; ascending, with gaps. A later number may well have
        an earlier time.
    """

    events: Events
    numbers: NDArray[np.int64]

    def until(self, number: int) -> Events:
        """Return the events that were there when the `number`-th had been stored."""
        return self.events.take(self.numbers <= number)


class Deleted(NamedTuple):
    """How much was deleted, with what was known by the deleted events alone."""

    items: int = 0
    users: int = 0
    events: int = 0


@runtime_checkable
class Store(People, Protocol):
    """Items, users and events of every scenario, each scenario in a namespace of its own.

    Every `add_*` call is one transaction: after a crash it is there as a whole or not at all.
    `add_events` may be called by several threads and processes at once.
    """

    def set_up(self) -> None:
        """Make what the store needs to be read from, where it is missing."""

    def decision_log(self) -> DecisionLog:
        """Return where decisions and feedback live, the same on every call."""

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

    def known_items(self, scenario: str, *, offered: bool = False) -> set[str]:
        """Return the ids of all items that have a row in the item table.

        Parameters
        ----------
        offered : bool
            Whether to leave out those that are no longer offered.
        """

    def items(self, scenario: str) -> tuple[Vocabulary, dict[str, dict[str, Any]]]:
        """Return all items in the order of first ingestion, and the fields of the known ones."""

    def item_changes(self, scenario: str) -> int:
        """Return a number that grows with every writing of items; read at each request."""

    def items_changed(self, scenario: str, since: int) -> dict[str, dict[str, Any]]:
        """Return the items that were written after the `since`-th writing, in order of ingestion.

        Their fields, and `WITHDRAWN`, which says whether they are no longer offered.
        """

    def withdraw_items(self, scenario: str, kept: Collection[str]) -> int:
        """Mark every item that is not in `kept` as no longer offered; return how many."""

    def together(self, scenario: str) -> AbstractContextManager[None]:
        """Make all writing within one transaction, as if it were one `add_*` call."""

    def list_items(
        self, scenario: str, *, limit: int, offset: int = 0, withdrawn: bool | None = None
    ) -> list[StoredItem]:
        """Return a page of the items in the order of ingestion.

        Parameters
        ----------
        withdrawn : bool, optional
            Only those that are no longer offered, or only the others.
        """

    def item(self, scenario: str, item_id: str) -> StoredItem | None:
        """Return one item; None for an unknown one."""

    def list_users(self, scenario: str, *, limit: int, offset: int = 0) -> list[StoredUser]:
        """Return a page of the users in the order of ingestion."""

    def user(self, scenario: str, user_id: str) -> StoredUser | None:
        """Return one user; None for an unknown one."""

    def list_events(
        self,
        scenario: str,
        *,
        limit: int,
        offset: int = 0,
        user_id: str | None = None,
        item_id: str | None = None,
        event_type: str | None = None,
        number: int | None = None,
    ) -> list[StoredEvent]:
        """Return a page of the events that meet all conditions, the newest first."""

    def count_events(
        self,
        scenario: str,
        *,
        user_id: str | None = None,
        item_id: str | None = None,
        event_type: str | None = None,
        number: int | None = None,
    ) -> int:
        """Return how many events meet all conditions."""

    def delete_items(self, scenario: str, ids: Collection[str]) -> Deleted:
        """Delete items with their events; unknown ids are left out.

        What is deleted can be read from no file of the store afterwards, here and below. Users and
        items that were known by the deleted events alone go with them, and the same events may be
        ingested again.
        """

    def delete_users(self, scenario: str, ids: Collection[str]) -> Deleted:
        """Delete users with all their events; unknown ids are left out."""

    def delete_user(self, scenario: str, user_id: str) -> Deleted:
        """Delete one user with all events; nothing for an unknown one."""

    def delete_events(
        self,
        scenario: str,
        *,
        user_id: str | None = None,
        item_id: str | None = None,
        event_type: str | None = None,
        number: int | None = None,
    ) -> Deleted:
        """Delete the events that meet all conditions.

        Raises
        ------
        UsageError
            If there is no condition.
        """

    def deleted_items(
        self, scenario: str, since: int, known: Iterable[str], others: Iterable[str] = ()
    ) -> set[str]:
        """Return which items are gone, if any were deleted after the `since`-th writing.

        Parameters
        ----------
        known : iterable of str
            Items that had a row in the item table: an event that names one brings none back. Not
            read where no item was deleted.
        others : iterable of str
            Items of events alone.
        """

    def users(self, scenario: str) -> tuple[Vocabulary, dict[str, dict[str, Any]]]:
        """Return all users in the order of first ingestion, and the fields of the known ones."""

    def events(self, scenario: Scenario, *, reviews: bool = False) -> Events:
        """Return all events in the order of ingestion, as indexes into `users` and `items`.

        Parameters
        ----------
        reviews : bool
            Whether to read ratings and texts too, where the scenario has ratings.

        Raises
        ------
        DataError
            If an event's type is unknown to the scenario.
        """

    def last_event(self, scenario: str) -> int:
        """Return the number of the last event that was stored; 0 before the first."""

    def events_since(self, scenario: Scenario, since: int) -> NumberedEvents:
        """Return all events, old and new, of the users who have one after the `since`-th.

        As indexes into `users` and `items`. An event that was ingested again is no new one.
        """

    def events_of(self, scenario: Scenario, user_id: str) -> NumberedEvents:
        """Return all events of one user; none for an unknown user."""

    def user_events(self, scenario: Scenario, user_id: str, limit: int = 2000) -> UserEvents:
        """Return the last `limit` events of a user, oldest first; none for an unknown user."""

    def acting_events(
        self, scenario: Scenario, user_id: str, types: Collection[str], until: float
    ) -> UserEvents:
        """Return the latest event of each item and each of some types, up to a time, oldest first.

        Without a limit: what was bought or refused long ago is still so.
        """

    def user_fields(self, scenario: str, user_id: str) -> dict[str, Any]:
        """Return the row of the users table; empty for an unknown user."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Let all reads within see one state, whatever another process writes meanwhile."""

    def close(self) -> None:
        """Release the connections."""
