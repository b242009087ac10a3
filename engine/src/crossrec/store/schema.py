"""The tables of one scenario in a SQLite store, and the version of their layout."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from crossrec.errors import WorkspaceError

if TYPE_CHECKING:
    from sqlite_utils import Database

#: Layout of the tables, kept in ``PRAGMA user_version``. Raise it when a table changes.
FORMAT = 3
_TRIES = 20


def check_format(connection: sqlite3.Connection, name: str) -> None:
    """Refuse a store that a newer crossrec wrote.

    Raises
    ------
    WorkspaceError
    """
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > FORMAT:
        raise WorkspaceError(
            f"{name} has store format {found}, this crossrec reads up to {FORMAT}: upgrade crossrec"
        )


def create_beside_others(create: Callable[[], None]) -> None:
    """Create tables, once more where another process was doing the same.

    SQLite refuses a statement at once, however long it may wait for a lock, where another
    connection has written since the statement began to read; and a column may be there by then.
    """
    for _ in range(_TRIES - 1):
        try:
            return create()
        except sqlite3.OperationalError as error:
            if not any(word in str(error) for word in ("locked", "busy", "duplicate column")):
                raise
            time.sleep(random.uniform(0.01, 0.1))
    return create()


def create_base(db: Database) -> None:
    """Create what every store has, and stamp the format.

    `changes` counts how often items were written, and keeps which of these writings deleted some
    last; a store from before it is one without changes.
    """
    columns = {"name": str, "has_clock": int, "last_event": int}
    db.table("scenarios").create(columns, pk="name", if_not_exists=True)
    db.table("changes").create({"scenario": str, "items": int}, pk="scenario", if_not_exists=True)
    _add_columns(db, "changes", "deleted")
    _create_people(db)
    db.execute(f"PRAGMA user_version = {FORMAT}")


def _create_people(db: Database) -> None:
    """Create the links between users and their consents, which are of format 3; see `linking`."""
    links = {"scenario": str, "user": str, "other": str, "other_user": str, "time": float}
    key = ("scenario", "user", "other")
    db.table("links").create(links, pk=key, not_null=set(links), if_not_exists=True)
    consents = {"target": str, "user": str, "source": str, "granted": float, "revoked": float}
    key = ("target", "user", "source")
    present = set(consents) - {"revoked"}
    db.table("consents").create(consents, pk=key, not_null=present, if_not_exists=True)


def create_scenario(db: Database, scenario: str) -> None:
    """Create the tables of one scenario where they are missing.

    Users, items and types get small integers in the order of their first ingestion. Events lie
    sorted by (user, time, id), where `id` is their place in the order of ingestion: a history is
    one range of the table, and no second index has to be kept. The keys that make events unique
    are in a table of their own, so that a batch can be written to both in sorted order; that
    is twice as fast as an index over random keys. `event` is the number of the key's event, NULL
    for the events of a store of format 1.
    """
    for kind in ("users", "items"):
        table = db.table(f"{scenario}_{kind}")
        table.create(
            {"id": int, "name": str, "data": str}, pk="id", not_null={"name"}, if_not_exists=True
        )
        table.create_index(["name"], unique=True, if_not_exists=True)
    _add_item_columns(db, scenario)
    types = db.table(f"{scenario}_types")
    types.create({"id": int, "name": str}, pk="id", if_not_exists=True)
    types.create_index(["name"], unique=True, if_not_exists=True)
    keys = db.table(f"{scenario}_keys")
    keys.create({"key": int, "event": int}, pk="key", if_not_exists=True)
    if "event" not in keys.columns_dict:
        keys.add_column("event", int)
    db.execute(
        f"CREATE TABLE IF NOT EXISTS {quoted(f'{scenario}_events')} ("
        '"user" INTEGER NOT NULL, "time" REAL NOT NULL, "id" INTEGER NOT NULL, '
        '"item" INTEGER NOT NULL, "type" INTEGER NOT NULL, "value" REAL, "text" TEXT, '
        'PRIMARY KEY ("user", "time", "id")) WITHOUT ROWID'
    )
    events = db.table(f"{scenario}_events")
    if "text" not in events.columns_dict:  # as a store has it from before events had texts
        events.add_column("text", str)
    row = {"name": scenario, "has_clock": None, "last_event": 0}
    db.table("scenarios").insert(row, ignore=True)


def _add_item_columns(db: Database, scenario: str) -> None:
    """Add what an item's row needs besides its fields, also to a store of format 1.

    `changed` is the number of the writing that touched the row last, so that what is new can be
    read by it; `withdrawn` is 1 where the item is no longer offered.
    """
    _add_columns(db, f"{scenario}_items", "changed", "withdrawn")
    db.table(f"{scenario}_items").create_index(["changed"], if_not_exists=True)


def _add_columns(db: Database, name: str, *columns: str) -> None:
    """Add columns of numbers that are 0 in the rows there are, where they are missing."""
    table = db.table(name)
    for column in columns:
        if column not in table.columns_dict:
            table.add_column(column, int, not_null_default=0)


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
