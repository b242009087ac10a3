"""Reading events from a SQLite store: all of them, those of one user, those that are new."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.data.events import Events
from crossrec.data.reviews import Reviews, event_ratings, rating_scale
from crossrec.data.user_events import UserEvents
from crossrec.data.weights import event_weights
from crossrec.errors import DataError
from crossrec.scenario import Scenario
from crossrec.store.base import NumberedEvents
from crossrec.store.schema import quoted
from crossrec.store.tables import Tables, tables_of

# Infinity marks a missing value: numpy.fromiter takes no None, and stored values are finite.
_SELECT_EVENTS = (
    'SELECT "user", "time", "id", "item", "type", coalesce("value", 9e999) FROM {table}'
)
_SELECT_HISTORY = (
    'SELECT i."name", e."type", e."time", e."value" '
    'FROM {events} e JOIN {items} i ON i."id" = e."item" '
    'WHERE e."user" = (SELECT "id" FROM {users} WHERE "name" = ?) '
    'ORDER BY e."time" DESC, e."id" DESC LIMIT ?'
)
_SELECT_ACTING = (
    'SELECT i."name", e."type", e."time", e."value" FROM ('
    'SELECT "item", "type", "time", "id", "value", '
    'row_number() OVER (PARTITION BY "item", "type" ORDER BY "time" DESC, "id" DESC) '
    'AS "place" FROM {events} '
    'WHERE "user" = (SELECT "id" FROM {users} WHERE "name" = ?) AND "time" <= ? '
    'AND "type" IN ({wanted})) e JOIN {items} i ON i."id" = e."item" '
    'WHERE e."place" = 1 ORDER BY e."time", e."id"'
)
_SELECT_TEXTS = 'SELECT "id", "text" FROM {table} WHERE "text" IS NOT NULL ORDER BY "id"'
_ROW = np.dtype(
    [("user", "i8"), ("time", "f8"), ("id", "i8"), ("item", "i8"), ("type", "i8"), ("value", "f8")]
)


class Reading(Tables):
    """What reads events."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._types: dict[str, dict[int, int]] = {}

    def events(self, scenario: Scenario, *, reviews: bool = False) -> Events:
        """Return all events in the order of ingestion; see `Store.events`.

        Raises
        ------
        DataError
            If an event's type is unknown to the scenario.
        """
        return self._numbered_events(scenario, reviews=reviews).events

    def last_event(self, scenario: str) -> int:
        """Return the number of the last event that was stored; 0 before the first."""
        rows = self._read("SELECT last_event FROM scenarios WHERE name = ?", [scenario])
        return int(rows[0][0]) if rows else 0

    def events_since(self, scenario: Scenario, since: int) -> NumberedEvents:
        """Return all events, old and new, of the users who have one after the `since`-th.

        Reads the numbers of all events, since no index is kept of them: a second for ten million.
        """
        table = quoted(f"{scenario.name}_events")
        changed = f'"user" IN (SELECT "user" FROM {table} WHERE "id" > ?)'
        return self._numbered_events(scenario, f"WHERE {changed}", [since])

    def events_of(self, scenario: Scenario, user_id: str) -> NumberedEvents:
        """Return all events of one user; none for an unknown user."""
        users = quoted(f"{scenario.name}_users")
        own = f'"user" = (SELECT "id" FROM {users} WHERE "name" = ?)'
        return self._numbered_events(scenario, f"WHERE {own}", [user_id])

    def _numbered_events(
        self,
        scenario: Scenario,
        where: str = "",
        values: Sequence[Any] = (),
        *,
        reviews: bool = False,
    ) -> NumberedEvents:
        if not self._exists(scenario.name):
            return NumberedEvents(Events.empty(), np.zeros(0, dtype=np.int64))
        connection = self._connections.reader()
        with self.snapshot():
            users = self._positions(f"{scenario.name}_users")
            items = self._positions(f"{scenario.name}_items")
            types = self._type_indexes(scenario)
            select = _SELECT_EVENTS.format(table=quoted(f"{scenario.name}_events"))
            rows = np.fromiter(connection.execute(f"{select} {where}", values), dtype=_ROW)
            texts = self._texts(scenario.name) if reviews else []
        rows = rows[np.argsort(rows["id"])]
        table = np.full(max(types, default=0) + 1, -1, dtype=np.int64)
        table[list(types)] = list(types.values())
        amounts = np.where(np.isinf(rows["value"]), np.nan, rows["value"])
        kinds = table[rows["type"]]
        events = Events(
            users=users[rows["user"]],
            items=items[rows["item"]],
            types=kinds,
            times=np.ascontiguousarray(rows["time"]),
            weights=event_weights(kinds, amounts, scenario),
            reviews=_reviews(rows["id"], kinds, amounts, texts, scenario) if reviews else None,
        )
        return NumberedEvents(events, np.ascontiguousarray(rows["id"]))

    def _texts(self, scenario: str) -> list[tuple[int, str]]:
        """Return number and text of the events that have one; none in an older store."""
        table = quoted(f"{scenario}_events")
        if "text" not in {row[1] for row in self._read(f"PRAGMA table_info({table})")}:
            return []
        return self._read(_SELECT_TEXTS.format(table=table))

    def user_events(self, scenario: Scenario, user_id: str, limit: int = 2000) -> UserEvents:
        """Return the last `limit` events of a user, oldest first; none for an unknown user."""
        if not self._exists(scenario.name):
            return UserEvents.empty()
        select = _SELECT_HISTORY.format(**tables_of(scenario.name))
        return self._as_user_events(scenario, self._read(select, [user_id, limit])[::-1])

    def acting_events(
        self, scenario: Scenario, user_id: str, types: Collection[str], until: float
    ) -> UserEvents:
        """Return the latest event of each item and each of some types, up to a time, oldest first.

        Without a limit: what was bought or refused long ago is still so.
        """
        if not self._exists(scenario.name):
            return UserEvents.empty()
        indexes = self._type_indexes(scenario)
        wanted = [
            str(number) for number, index in indexes.items() if scenario.events[index].name in types
        ]
        select = _SELECT_ACTING.format(wanted=", ".join(wanted), **tables_of(scenario.name))
        return self._as_user_events(scenario, self._read(select, [user_id, until]))

    def user_fields(self, scenario: str, user_id: str) -> dict[str, Any]:
        """Return the row of the users table; empty for an unknown user."""
        if not self._exists(scenario):
            return {}
        table = quoted(f"{scenario}_users")
        rows = self._read(f"SELECT data FROM {table} WHERE name = ?", [user_id])
        return dict(json.loads(rows[0][0])) if rows and rows[0][0] is not None else {}

    def _as_user_events(self, scenario: Scenario, rows: list[Any]) -> UserEvents:
        """Return rows of (item, type, time, value) as columns."""
        if not rows:
            return UserEvents.empty()
        types = self._types.get(scenario.name, {})
        if any(row[1] not in types for row in rows):
            types = self._type_indexes(scenario)
        kinds = np.array([types[row[1]] for row in rows], dtype=np.int64)
        values = np.array([row[3] for row in rows], dtype=np.float64)
        return UserEvents(
            tuple(row[0] for row in rows),
            kinds,
            values,
            event_weights(kinds, values, scenario),
            np.array([row[2] for row in rows], dtype=np.float64),
        )

    def _positions(self, table: str) -> NDArray[np.int64]:
        """Return the vocabulary index of each integer id, -1 where there is none."""
        ids = np.array(self._read(f'SELECT "id" FROM {quoted(table)} ORDER BY "id"'), np.int64)
        positions = np.full(int(ids[-1, 0]) + 1 if len(ids) else 1, -1, dtype=np.int64)
        if len(ids):
            positions[ids[:, 0]] = np.arange(len(ids))
        return positions

    def _type_indexes(self, scenario: Scenario) -> dict[int, int]:
        """Return the index in `scenario.events` of each stored type."""
        cached = self._types.get(scenario.name)
        stored = self._read(f"SELECT id, name FROM {quoted(f'{scenario.name}_types')}")
        if cached is not None and len(cached) == len(stored):
            return cached
        indexes = {}
        for number, name in stored:
            event = scenario.event(name)
            if event is None:
                raise DataError(
                    f"the workspace holds events of type {name!r}, which scenario "
                    f"{scenario.name!r} no longer knows: declare it, or as an alias of another"
                )
            indexes[number] = scenario.events.index(event)
        self._types[scenario.name] = indexes
        return indexes


def _reviews(
    ids: NDArray[np.int64],
    types: NDArray[np.int64],
    values: NDArray[np.float64],
    texts: Sequence[tuple[int, str]],
    scenario: Scenario,
) -> Reviews | None:
    """Return the reviews of events with ascending ids; None where the scenario has no ratings."""
    scale = rating_scale(scenario)
    if scale is None:
        return None
    distinct: dict[str, int] = {}
    numbers = np.full(len(ids), -1, dtype=np.int64)
    rows = np.searchsorted(ids, np.array([id_ for id_, _ in texts], dtype=np.int64))
    numbers[rows] = [distinct.setdefault(text, len(distinct)) for _, text in texts]
    return Reviews(event_ratings(types, values, scenario), numbers, tuple(distinct), scale)
