"""The store in one SQLite file: WAL, one transaction a batch, small integers for ids."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import WorkspaceError
from crossrec.store.base import WITHDRAWN, Counts, Records
from crossrec.store.connections import explain
from crossrec.store.decisions import SqliteDecisionLog
from crossrec.store.deleting import Deleting
from crossrec.store.linking import Linking
from crossrec.store.listing import Listing
from crossrec.store.reading import Reading
from crossrec.store.rows import Coded, EventRows
from crossrec.store.schema import quoted
from crossrec.store.tables import count_change
from crossrec.store.writing import VALUES_A_QUERY, claim_clock, insert_keys, insert_rows

_UPSERT_USERS = (
    "INSERT INTO {table} (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE "
    "SET data = json_patch(coalesce(data, '{{}}'), excluded.data)"
)
# What is written again is offered again.
_UPSERT_ITEMS = (
    "INSERT INTO {table} (name, data, changed, withdrawn) VALUES (?, ?, {change}, 0) "
    "ON CONFLICT (name) DO UPDATE SET data = json_patch(coalesce(data, '{{}}'), excluded.data), "
    "changed = excluded.changed, withdrawn = 0"
)
_SELECT_CHANGED = (
    'SELECT "name", coalesce("data", \'{{}}\'), "withdrawn" FROM {table} '
    'WHERE "changed" > ? ORDER BY +"id"'  # by the index of changes, not through the whole table
)


class SqliteStore(Reading, Listing, Deleting, Linking):
    """Implements `crossrec.store.base.Store` in the file at `path`.

    Reading is safe from several threads and while one process writes. Events may be appended by
    several threads and processes at once; all other writing takes the workspace's lock.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._decisions = SqliteDecisionLog(path.with_name(f"{path.stem}-decisions.db"))

    @classmethod
    def create(cls, path: Path) -> SqliteStore:
        """Create the file where it is missing, and return its store."""
        store = cls(path)
        store.set_up()
        return store

    def set_up(self) -> None:
        """Create the file where it is missing."""
        self._connections.writer()

    def decision_log(self) -> SqliteDecisionLog:
        """Return the decision log in a file beside this one."""
        return self._decisions

    def close(self) -> None:
        """Release the connections; the next use opens new ones."""
        self._decisions.close()
        super().close()

    def add_items(self, scenario: str, records: Records) -> int:
        """Insert or update items; new fields win, old ones stay. Return how many were new."""
        return self._add_records(scenario, "items", records)

    def add_users(self, scenario: str, records: Records) -> int:
        """Insert or update users; new fields win, old ones stay. Return how many were new."""
        return self._add_records(scenario, "users", records)

    def _add_records(self, scenario: str, kind: str, records: Records) -> int:
        if not records:
            return 0
        self._prepare(scenario)
        table = quoted(f"{scenario}_{kind}")
        known = f"SELECT count(data) FROM {table}"
        rows = [(id_, json.dumps(fields, ensure_ascii=False)) for id_, fields in records.items()]
        with self._writing() as connection:
            before: int = connection.execute(known).fetchone()[0]
            if kind == "items":
                change = count_change(connection, scenario)
                upsert = _UPSERT_ITEMS.format(table=table, change=change)
            else:
                upsert = _UPSERT_USERS.format(table=table)
            connection.executemany(upsert, rows)
            after: int = connection.execute(known).fetchone()[0]
        return after - before

    def add_events(self, scenario: str, rows: EventRows) -> int:
        """Append the events whose key is new, in their order. Return how many that were.

        Raises
        ------
        DataError
            If the scenario holds events with a clock and these have none, or the reverse.
        """
        if not len(rows):
            return 0
        self._prepare(scenario)
        with self._writing() as connection:
            last = claim_clock(connection, scenario, has_clock=rows.times is not None)
            fresh = insert_keys(connection, quoted(f"{scenario}_keys"), rows.keys, last)
            self._insert_events(connection, scenario, rows.take(fresh), last)
            update = "UPDATE scenarios SET last_event = ? WHERE name = ?"
            connection.execute(update, [last + len(fresh), scenario])
        return len(fresh)

    def _insert_events(
        self, connection: sqlite3.Connection, scenario: str, rows: EventRows, last: int
    ) -> None:
        """Write the rows in the order of the table; they are numbered from `last` + 1."""
        ids = np.arange(last + 1, last + 1 + len(rows))
        users = self._resolve(connection, f"{scenario}_users", rows.users)
        items = self._resolve(connection, f"{scenario}_items", rows.items)
        types = self._resolve(connection, f"{scenario}_types", rows.types)
        places = ids.astype(np.float64) if rows.positions is None else rows.positions
        times = places if rows.times is None else rows.times
        order = np.lexsort((times, users))  # stable, so equal times keep their order
        columns: dict[str, NDArray[Any]] = {
            "user": users, "time": times, "id": ids, "item": items, "type": types,
            "value": rows.values,
        }  # fmt: skip
        if rows.texts is not None:
            written = [text or None for text in rows.texts.strings()]
            columns["text"] = np.array(written, dtype=object)
        insert_rows(
            connection,
            quoted(f"{scenario}_events"),
            {name: column[order] for name, column in columns.items()},
        )

    def _resolve(
        self, connection: sqlite3.Connection, table: str, column: Coded
    ) -> NDArray[np.int64]:
        """Return the integer of each row's name, giving new names the next ones.

        Few names are looked up each time: another process may have deleted some meanwhile.
        """
        ids = self._ids.setdefault(table, {})
        fresh = [name for name in column.values if name not in ids]
        if fresh:
            insert = f"INSERT OR IGNORE INTO {quoted(table)} (name) VALUES (?)"
            connection.executemany(insert, ((name,) for name in fresh))
            for start in range(0, len(fresh), VALUES_A_QUERY):
                names = fresh[start : start + VALUES_A_QUERY]
                marks = ",".join("?" * len(names))
                select = f"SELECT name, id FROM {quoted(table)} WHERE name IN ({marks})"
                ids.update(connection.execute(select, names))
        numbers = np.array([ids[name] for name in column.values], dtype=np.int64)
        return numbers[column.codes]

    def scenarios(self) -> list[str]:
        """Return the names of the scenarios that have any data."""
        rows = self._read("SELECT name FROM scenarios ORDER BY name")
        return [name for (name,) in rows]

    def counts(self, scenario: str) -> Counts:
        """Return how much there is of `scenario`."""
        if not self._exists(scenario):
            return Counts()
        users, items, events = (
            quoted(f"{scenario}_{kind}") for kind in ("users", "items", "events")
        )
        withdrawn = "sum(withdrawn)" if self._marks_items(scenario) else "0"
        row = self._read(
            f"SELECT (SELECT count(*) FROM {users}), (SELECT count(*) FROM {items}), "
            f"(SELECT count(data) FROM {items}), (SELECT count(*) FROM {events}), "
            "(SELECT has_clock FROM scenarios WHERE name = ?), "
            f"(SELECT {withdrawn} FROM {items})",
            [scenario],
        )[0]
        n_users, n_items, known, n_events, clock, gone = row
        has_clock = None if clock is None else bool(clock)
        return Counts(n_users, n_items, known, n_events, has_clock, gone or 0)

    def known_items(self, scenario: str, *, offered: bool = False) -> set[str]:
        """Return the ids of all items that have a row in the item table.

        Parameters
        ----------
        offered : bool
            Whether to leave out those that are no longer offered.
        """
        if not self._exists(scenario):
            return set()
        where = "data IS NOT NULL"
        if offered and self._marks_items(scenario):
            where += " AND withdrawn = 0"
        table = quoted(f"{scenario}_items")
        return {name for (name,) in self._read(f"SELECT name FROM {table} WHERE {where}")}

    def items(self, scenario: str) -> tuple[Vocabulary, dict[str, dict[str, Any]]]:
        """Return all items in the order of first ingestion, and the fields of the known ones.

        Those that are no longer offered have the field `WITHDRAWN`.
        """
        vocabulary, records = self._records(scenario, "items")
        if self._marks_items(scenario):
            select = f"SELECT name FROM {quoted(f'{scenario}_items')} WHERE withdrawn = 1"
            for (name,) in self._read(select):
                records.setdefault(name, {})[WITHDRAWN] = True
        return vocabulary, records

    def item_changes(self, scenario: str) -> int:
        """Return how often items were written; 0 in a store that never counted."""
        select = "SELECT items FROM changes WHERE scenario = ?"
        try:
            row = self._connections.reader().execute(select, [scenario]).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return 0
            raise WorkspaceError(explain(self._connections.path, error)) from error
        return 0 if row is None else int(row[0])

    def items_changed(self, scenario: str, since: int) -> dict[str, dict[str, Any]]:
        """Return the items that were written after the `since`-th writing, in order of ingestion.

        Their fields, and `WITHDRAWN`, which says whether they are no longer offered.
        """
        if not self._marks_items(scenario):
            return {}
        select = _SELECT_CHANGED.format(table=quoted(f"{scenario}_items"))
        rows = self._read(select, [since])
        return {
            name: {**json.loads(data), WITHDRAWN: bool(withdrawn)} for name, data, withdrawn in rows
        }

    def withdraw_items(self, scenario: str, kept: Collection[str]) -> int:
        """Mark every item that is not in `kept` as no longer offered; return how many.

        Items of events alone are among them: they are not in a full feed either.
        """
        if not self._exists(scenario):
            return 0
        self._prepare(scenario)
        table = quoted(f"{scenario}_items")
        with self._writing() as connection:
            select = f"SELECT id, name FROM {table} WHERE withdrawn = 0"
            gone = [(id_,) for id_, name in connection.execute(select) if name not in kept]
            if gone:
                change = count_change(connection, scenario)
                update = f"UPDATE {table} SET withdrawn = 1, changed = {change} WHERE id = ?"
                connection.executemany(update, gone)
        return len(gone)

    def users(self, scenario: str) -> tuple[Vocabulary, dict[str, dict[str, Any]]]:
        """Return all users in the order of first ingestion, and the fields of the known ones."""
        return self._records(scenario, "users")

    def _records(self, scenario: str, kind: str) -> tuple[Vocabulary, dict[str, dict[str, Any]]]:
        if not self._exists(scenario):
            return Vocabulary(), {}
        rows = self._read(f'SELECT name, data FROM {quoted(f"{scenario}_{kind}")} ORDER BY "id"')
        records = {name: json.loads(data) for name, data in rows if data is not None}
        return Vocabulary(name for name, _ in rows), records
