"""What reading, writing and deleting in a SQLite store share: connections and tables."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from crossrec.store.connections import Connections
from crossrec.store.schema import create_beside_others, create_scenario, quoted

log = logging.getLogger("crossrec")

_COUNT_CHANGE = (
    "INSERT INTO changes (scenario, items) VALUES (?, 1) "
    "ON CONFLICT (scenario) DO UPDATE SET items = items + 1"
)


class Tables:
    """The tables of every scenario in one file, and what is remembered of them."""

    def __init__(self, path: Path) -> None:
        self._connections = Connections(path)
        self._prepared: set[str] = set()
        self._ids: dict[str, dict[str, int]] = {}
        # The connection that read them, and SQLite's number of what others had committed then.
        self._ids_as_of: tuple[sqlite3.Connection | None, int] = (None, 0)
        self._found: set[str] = set()  # scenarios that have tables; none ever loses them
        self._marked: set[str] = set()  # those whose items have the columns of format 2

    def close(self) -> None:
        """Release the connections; the next use opens new ones."""
        self._connections.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads within see one state, whatever another process writes meanwhile."""
        connection = self._connections.reader()
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    @contextmanager
    def together(self, scenario: str) -> Iterator[None]:
        """Make all writing within one transaction; see `Store.together`."""
        self._prepare(scenario)
        with self._writing():
            yield

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Write everything within, or nothing; integers that may be stale are forgotten."""
        with self._connections.exclusive():
            try:
                with self._connections.transaction() as connection:
                    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
                    if self._ids_as_of != (connection, version):  # another process may delete some
                        self._ids.clear()
                        self._ids_as_of = (connection, version)
                    yield connection
            except BaseException:
                self._ids.clear()  # what was rolled back must not be remembered
                raise

    @contextmanager
    def _erasing_rows(self) -> Iterator[sqlite3.Connection]:
        """Delete everything within, or nothing; then rewrite the file without it."""
        self._connections.writer().conn.execute("PRAGMA secure_delete = ON")
        with self._writing() as connection:
            before = connection.total_changes
            yield connection
            changed = connection.total_changes > before
        if changed:
            self._rewrite(connection)

    def _rewrite(self, connection: sqlite3.Connection) -> None:
        """Leave neither free pages nor a log: both hold what was there before."""
        # No other thread may be writing through the same connection meanwhile.
        with self._connections.exclusive(), self._connections.translated():
            connection.execute("VACUUM")
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            log.warning(
                "%s is being read: what was deleted is gone from it after the next writing",
                self._connections.path,
            )

    def _prepare(self, scenario: str) -> None:
        """Create the scenario's tables where they are missing."""
        with self._connections.exclusive():
            if scenario not in self._prepared:
                db = self._connections.writer()
                with self._connections.translated():
                    create_beside_others(partial(create_scenario, db, scenario))
                self._prepared.add(scenario)

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._connections.translated():
            return self._connections.reader().execute(sql, values).fetchall()

    def _exists(self, scenario: str) -> bool:
        if scenario in self._found:
            return True
        found = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        if not self._read(found, [f"{scenario}_events"]):
            return False
        self._found.add(scenario)
        return True

    def _marks_items(self, scenario: str) -> bool:
        """Whether items have the columns of format 2, which an older store gets when written to."""
        if scenario not in self._marked and self._exists(scenario):
            rows = self._read(f"PRAGMA table_info({quoted(f'{scenario}_items')})")
            if "changed" in {row[1] for row in rows}:
                self._marked.add(scenario)
        return scenario in self._marked


def tables_of(scenario: str) -> dict[str, str]:
    """Return the quoted names of a scenario's tables by what they hold."""
    kinds = ("users", "items", "events", "types", "keys")
    return {kind: quoted(f"{scenario}_{kind}") for kind in kinds}


def count_change(connection: sqlite3.Connection, scenario: str) -> int:
    """Number this writing of items."""
    connection.execute(_COUNT_CHANGE, [scenario])
    select = "SELECT items FROM changes WHERE scenario = ?"
    return int(connection.execute(select, [scenario]).fetchone()[0])
