"""Steps of the transaction that appends events: which are new, and whether they fit."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.errors import DataError

#: Values of one ``IN (...)``; SQLite allows 32,766.
VALUES_A_QUERY = 10_000
#: Values of one INSERT. Several rows a statement take a third less time than one row.
_VALUES_AN_INSERT = 900


def insert_rows(
    connection: sqlite3.Connection, table: str, columns: Mapping[str, NDArray[Any]]
) -> None:
    """Insert rows given as columns of equal length, in their order.

    Parameters
    ----------
    table : str
        Quoted name.
    columns : mapping of str to array, shape (n,)
        NaN is stored as NULL.
    """
    width = len(columns)
    n = len(next(iter(columns.values())))
    flat: list[Any] = [None] * (n * width)
    for place, column in enumerate(columns.values()):
        flat[place::width] = column.tolist()
    names = ", ".join(f'"{name}"' for name in columns)
    row = f"({', '.join('?' * width)})"
    many = _VALUES_AN_INSERT // width
    whole = n - n % many
    for rows, start, stop in ((many, 0, whole), (1, whole, n)):
        insert = f"INSERT INTO {table} ({names}) VALUES {', '.join([row] * rows)}"
        step = rows * width
        cells = (flat[at : at + step] for at in range(start * width, stop * width, step))
        connection.executemany(insert, cells)


def insert_keys(
    connection: sqlite3.Connection, table: str, keys: NDArray[np.int64], last: int
) -> NDArray[np.int64]:
    """Insert the keys that are new and return their rows, ascending; of equal keys the first.

    The events of these rows are numbered from `last` + 1, and each key is kept with its number.
    """
    unique, first = np.unique(keys, return_index=True)
    connection.execute("SAVEPOINT keys")
    try:
        insert_rows(connection, table, {"key": unique, "event": _numbers(first, last)})
    except sqlite3.IntegrityError:
        connection.execute("ROLLBACK TO keys")
        known = _known_keys(connection, table, unique)
        unique, first = unique[~known], first[~known]
        insert_rows(connection, table, {"key": unique, "event": _numbers(first, last)})
    connection.execute("RELEASE keys")
    return np.sort(first)


def _numbers(rows: NDArray[np.int64], last: int) -> NDArray[np.int64]:
    """Return the numbers of distinct rows when they are counted in ascending order."""
    numbers = np.empty(len(rows), dtype=np.int64)
    numbers[np.argsort(rows)] = np.arange(last + 1, last + 1 + len(rows))
    return numbers


def _known_keys(
    connection: sqlite3.Connection, table: str, keys: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which of the sorted keys the table holds."""
    known = np.zeros(len(keys), dtype=bool)
    for start in range(0, len(keys), VALUES_A_QUERY):
        part = keys[start : start + VALUES_A_QUERY]
        select = f"SELECT key FROM {table} WHERE key IN ({','.join('?' * len(part))})"
        found = [key for (key,) in connection.execute(select, part.tolist())]
        known[start : start + len(part)] = np.isin(part, np.array(found, dtype=np.int64))
    return known


def claim_clock(connection: sqlite3.Connection, scenario: str, *, has_clock: bool) -> int:
    """Record whether the scenario's events have a clock, refuse a mixture; return the last id."""
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
