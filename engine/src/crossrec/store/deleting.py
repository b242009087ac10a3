"""Deleting from a SQLite store, so that no byte of what is gone stays in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from crossrec.errors import UsageError
from crossrec.store.base import Deleted
from crossrec.store.linking import forget_users
from crossrec.store.listing import where_events
from crossrec.store.tables import Tables, count_change, tables_of
from crossrec.store.writing import VALUES_A_QUERY

# Users and items that were known by events alone go with the last of them.
_UNSUPPORTED = (
    'DELETE FROM {table} WHERE "data" IS NULL AND "id" NOT IN (SELECT "{column}" FROM {events})'
)


class Deleting(Tables):
    """What takes content out of a store."""

    def delete_items(self, scenario: str, ids: Collection[str]) -> Deleted:
        """Delete items with their events; unknown ids are left out."""
        return self._delete_named(scenario, "item", ids)

    def delete_users(self, scenario: str, ids: Collection[str]) -> Deleted:
        """Delete users with all their events; unknown ids are left out."""
        return self._delete_named(scenario, "user", ids)

    def delete_user(self, scenario: str, user_id: str) -> Deleted:
        """Delete one user with all events; nothing for an unknown one."""
        return self.delete_users(scenario, [user_id])

    def _delete_named(self, scenario: str, kind: str, ids: Collection[str]) -> Deleted:
        """Delete rows of the items or of the users, and the events that name them."""
        if not self._exists(scenario) or not ids:
            return Deleted()
        table, chosen = tables_of(scenario)[f"{kind}s"], '(SELECT "id" FROM temp."chosen")'
        with self._erasing(scenario) as connection:
            _choose(connection, table, list(ids))
            if kind == "user":
                forget_users(connection, scenario, list(ids))
            events = _delete_events(connection, scenario, f'WHERE "{kind}" IN {chosen}', [])
            rows = connection.execute(f'DELETE FROM {table} WHERE "id" IN {chosen}').rowcount
            named = Deleted(items=rows) if kind == "item" else Deleted(users=rows)
            return _unsupported(connection, scenario, named._replace(events=events))

    def delete_events(
        self,
        scenario: str,
        *,
        user_id: str | None = None,
        item_id: str | None = None,
        event_type: str | None = None,
        number: int | None = None,
    ) -> Deleted:
        """Delete the events that meet all conditions; at least one must be given."""
        where, values = where_events(scenario, user_id, item_id, event_type, number)
        if not values:
            raise UsageError("all events would be deleted: name a user, an item, a type or one")
        if not self._exists(scenario):
            return Deleted()
        with self._erasing(scenario) as connection:
            events = _delete_events(connection, scenario, where, values)
            return _unsupported(connection, scenario, Deleted(events=events))

    def deleted_items(
        self, scenario: str, since: int, known: Iterable[str], others: Iterable[str] = ()
    ) -> set[str]:
        """Return which items are gone, if any were deleted after the `since`-th writing.

        See `Store.deleted_items`. Costs one look-up by key where none was deleted.
        """
        if not self._exists(scenario) or not self._deletions(scenario) > since:
            return set()
        rows = self._read(f'SELECT "name", "data" IS NULL FROM {tables_of(scenario)["items"]}')
        described = {name for name, bare in rows if not bare}
        return (set(known) - described) | (set(others) - {name for name, _ in rows})

    def _deletions(self, scenario: str) -> int:
        """Return which writing of items deleted some last; 0 for none."""
        if "deleted" not in {row[1] for row in self._read("PRAGMA table_info(changes)")}:
            return 0
        rows = self._read("SELECT deleted FROM changes WHERE scenario = ?", [scenario])
        return int(rows[0][0]) if rows else 0

    @contextmanager
    def _erasing(self, scenario: str) -> Iterator[sqlite3.Connection]:
        """Delete everything within, or nothing; then rewrite the file without it."""
        self._prepare(scenario)
        with self._erasing_rows() as connection:
            yield connection
            self._ids.clear()


def _choose(connection: sqlite3.Connection, table: str, names: Sequence[str]) -> None:
    """Put the integers of names into the temporary table `chosen`."""
    connection.execute('CREATE TEMP TABLE IF NOT EXISTS "chosen" ("id" INTEGER PRIMARY KEY)')
    connection.execute('DELETE FROM temp."chosen"')
    for start in range(0, len(names), VALUES_A_QUERY):
        part = names[start : start + VALUES_A_QUERY]
        marks = ",".join("?" * len(part))
        select = f'SELECT "id" FROM {table} WHERE "name" IN ({marks})'
        connection.execute(f'INSERT OR IGNORE INTO temp."chosen" {select}', part)


def _delete_events(
    connection: sqlite3.Connection, scenario: str, where: str, values: Sequence[Any]
) -> int:
    """Delete events with their keys, so that the same ones may be ingested again."""
    tables = tables_of(scenario)
    of_event = f'SELECT "id" FROM {tables["events"]} {where}'
    connection.execute(f'DELETE FROM {tables["keys"]} WHERE "event" IN ({of_event})', values)
    return connection.execute(f"DELETE FROM {tables['events']} {where}", values).rowcount


def _unsupported(connection: sqlite3.Connection, scenario: str, deleted: Deleted) -> Deleted:
    """Delete what no event speaks of any more, and count the writing of items where there is one.

    Returns
    -------
    Deleted
        What was named, and what went with it.
    """
    tables = tables_of(scenario)
    gone = {
        kind: connection.execute(
            _UNSUPPORTED.format(table=tables[f"{kind}s"], column=kind, events=tables["events"])
        ).rowcount
        for kind in ("user", "item")
    }
    items = deleted.items + gone["item"]
    if items:
        change = count_change(connection, scenario)
        update = "UPDATE changes SET deleted = ? WHERE scenario = ?"
        connection.execute(update, [change, scenario])
    return Deleted(items, deleted.users + gone["user"], deleted.events)
