"""Looking into a SQLite store: one page of items, users or events at a time, and one of them."""

from __future__ import annotations

import json
from typing import Any

from crossrec.store.base import StoredEvent, StoredItem, StoredUser
from crossrec.store.tables import Tables, tables_of

_EVENTS = (
    'SELECT e."id", u."name", i."name", t."name", e."time", e."value" FROM ('
    'SELECT "id", "user", "item", "type", "time", "value" FROM {events} {where} '
    'ORDER BY "time" DESC, "id" DESC LIMIT ? OFFSET ?) e '
    'JOIN {users} u ON u."id" = e."user" JOIN {items} i ON i."id" = e."item" '
    'JOIN {types} t ON t."id" = e."type" ORDER BY e."time" DESC, e."id" DESC'
)
_USERS = (
    'SELECT "name", "data", (SELECT count(*) FROM {events} WHERE "user" = u."id") '
    "FROM {users} u {where} LIMIT ? OFFSET ?"
)
#: Column of the events → the condition that it is the one of a name.
_OF_NAME = {
    "user": '"user" = (SELECT "id" FROM {users} WHERE "name" = ?)',
    "item": '"item" = (SELECT "id" FROM {items} WHERE "name" = ?)',
    "type": '"type" = (SELECT "id" FROM {types} WHERE "name" = ?)',
}


class Listing(Tables):
    """What shows the content of a store."""

    def list_items(
        self, scenario: str, *, limit: int, offset: int = 0, withdrawn: bool | None = None
    ) -> list[StoredItem]:
        """Return a page of the items in the order of ingestion; see `Store.list_items`."""
        where, values = "", []
        if withdrawn is not None:
            where, values = "WHERE withdrawn = ?", [int(withdrawn)]
        return self._items(scenario, f'{where} ORDER BY "id"', [*values, limit, offset])

    def item(self, scenario: str, item_id: str) -> StoredItem | None:
        """Return one item; None for an unknown one."""
        found = self._items(scenario, 'WHERE "name" = ?', [_whole(item_id), 1, 0])
        return found[0] if found else None

    def _items(self, scenario: str, where: str, values: list[Any]) -> list[StoredItem]:
        if not self._exists(scenario):
            return []
        marks = self._marks_items(scenario)
        if not marks:  # in a store of format 1 nothing is withdrawn
            where = where.replace("withdrawn", "0")
        select = (
            f'SELECT "name", "data", {"withdrawn" if marks else "0"} '
            f"FROM {tables_of(scenario)['items']} {where} LIMIT ? OFFSET ?"
        )
        return [
            StoredItem(name, json.loads(data or "{}"), data is not None, bool(gone))
            for name, data, gone in self._read(select, values)
        ]

    def list_users(self, scenario: str, *, limit: int, offset: int = 0) -> list[StoredUser]:
        """Return a page of the users in the order of ingestion."""
        return self._users(scenario, 'ORDER BY "id"', [limit, offset])

    def user(self, scenario: str, user_id: str) -> StoredUser | None:
        """Return one user; None for an unknown one."""
        found = self._users(scenario, 'WHERE "name" = ?', [_whole(user_id), 1, 0])
        return found[0] if found else None

    def _users(self, scenario: str, where: str, values: list[Any]) -> list[StoredUser]:
        if not self._exists(scenario):
            return []
        rows = self._read(_USERS.format(where=where, **tables_of(scenario)), values)
        return [StoredUser(name, json.loads(data or "{}"), events) for name, data, events in rows]

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
        if not self._exists(scenario):
            return []
        where, values = where_events(scenario, user_id, item_id, event_type, number)
        select = _EVENTS.format(where=where, **tables_of(scenario))
        return [StoredEvent(*row) for row in self._read(select, [*values, limit, offset])]

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
        if not self._exists(scenario):
            return 0
        where, values = where_events(scenario, user_id, item_id, event_type, number)
        select = f"SELECT count(*) FROM {tables_of(scenario)['events']} {where}"
        return int(self._read(select, values)[0][0])


def _whole(name: str) -> str | None:
    """Return a name; None for one with half a character, which was never ingested."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return None
    return name


def where_events(
    scenario: str,
    user_id: str | None,
    item_id: str | None,
    event_type: str | None,
    number: int | None,
) -> tuple[str, list[Any]]:
    """Return the WHERE clause of the events that meet all conditions, and its values."""
    tables = tables_of(scenario)
    terms: list[str] = []
    values: list[Any] = []
    for name, wanted in (("user", user_id), ("item", item_id), ("type", event_type)):
        if wanted is not None:
            terms.append(_OF_NAME[name].format(**tables))
            values.append(wanted)
    if number is not None:
        terms.append('"id" = ?')
        values.append(number)
    return (f"WHERE {' AND '.join(terms)}" if terms else ""), values
