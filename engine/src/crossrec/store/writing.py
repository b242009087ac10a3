"""Steps of the transaction that appends events: which are new, and whether they fit."""

from __future__ import annotations

import sqlite3

import numpy as np
from numpy.typing import NDArray

from crossrec.errors import DataError

#: Values of one ``IN (...)``; SQLite allows 32,766.
VALUES_A_QUERY = 10_000


def insert_keys(
    connection: sqlite3.Connection, table: str, keys: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Insert the keys that are new and return their rows, ascending; of equal keys the first."""
    unique, first = np.unique(keys, return_index=True)
    insert = f"INSERT INTO {table} (key) VALUES (?)"
    connection.execute("SAVEPOINT keys")
    try:
        connection.executemany(insert, zip(unique.tolist()))
    except sqlite3.IntegrityError:
        connection.execute("ROLLBACK TO keys")
        known = _known_keys(connection, table, unique)
        unique, first = unique[~known], first[~known]
        connection.executemany(insert, zip(unique.tolist()))
    connection.execute("RELEASE keys")
    return np.sort(first)


def _known_keys(
    connection: sqlite3.Connection, table: str, keys: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which of the sorted keys the table holds."""
    known = np.zeros(len(keys), dtype=bool)
    for start in range(0, len(keys), VALUES_A_QUERY):
        asked = keys[start : start + VALUES_A_QUERY]
        select = f"SELECT key FROM {table} WHERE key IN ({','.join('?' * len(asked))})"
        found = [key for (key,) in connection.execute(select, asked.tolist())]
        known[start : start + len(asked)] = np.isin(asked, np.array(found, dtype=np.int64))
    return known


def claim_clock(connection: sqlite3.Connection, scenario: str, *, has_clock: bool) -> int:
    """Note whether the scenario's events have a clock, refuse a mixture; return the last id."""
    select = "SELECT has_clock, last_event FROM scenarios WHERE name = ?"
    known, last = connection.execute(select, [scenario]).fetchone()
    if known is None:
        update = "UPDATE scenarios SET has_clock = ? WHERE name = ?"
        connection.execute(update, [int(has_clock), scenario])
    elif bool(known) and not has_clock:
        raise DataError(
            f"scenario {scenario!r} holds events with times, and these have none: name their time "
            "column (--map time=COLUMN), or use another workspace"
        )
    elif has_clock and not bool(known):
        raise DataError(
            f"scenario {scenario!r} holds events without times, and these have some: leave the "
            "times out (--no-clock), or use another workspace"
        )
    return int(last)
