"""What was recommended to whom, and what came of it: the decision log in a SQLite file of its own.

It lies beside the store and never inside it: decisions are written while a fit or an ingestion
holds the workspace's writer lock. SQLite's own lock orders the processes that append.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from crossrec.store.connections import translated_errors

_BUSY_SECONDS = 30.0
#: Kept so that they are never closed: they belong to the process that this one was forked from.
_INHERITED: list[sqlite3.Connection | None] = []
#: Fields of `Decision` in the order of the table.
_COLUMNS = (
    "request_id", "time", "scenario", "surface", "user_id", "arm", "artifact", "policies", "path",
    "milliseconds",
)  # fmt: skip
_SCHEMA = """
CREATE TABLE IF NOT EXISTS decisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL UNIQUE, time REAL NOT NULL,
    scenario TEXT NOT NULL, surface TEXT NOT NULL, user TEXT, arm TEXT NOT NULL,
    artifact TEXT NOT NULL, policies TEXT NOT NULL, path TEXT NOT NULL, milliseconds REAL NOT NULL);
CREATE INDEX IF NOT EXISTS decisions_of_user ON decisions (scenario, user, time);
CREATE INDEX IF NOT EXISTS decisions_by_time ON decisions (scenario, time);
CREATE INDEX IF NOT EXISTS decisions_by_age ON decisions (time);
CREATE TABLE IF NOT EXISTS shown (
    request TEXT NOT NULL, position INTEGER NOT NULL, item TEXT NOT NULL, score REAL NOT NULL,
    propensity REAL NOT NULL, source TEXT NOT NULL, PRIMARY KEY (request, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL, item TEXT NOT NULL,
    type TEXT NOT NULL, value REAL, time REAL NOT NULL, UNIQUE (request, item, type, time));
"""


_IMPRESSION = "d.number, d.surface, d.time, s.item, s.position, s.propensity"


class ShownItem(NamedTuple):
    """One item of a decision, at its position from 0."""

    item_id: str
    score: float
    propensity: float
    source: str


@dataclass(frozen=True)
class Decision:
    """One answered request. No titles, no free text.

    Attributes
    ----------
    request_id : str
    time : float
        Seconds since 1970.
    arm : str
        Experiment arm; "" where there is no experiment.
    artifact : str
        Version of the artifact that answered.
    policies : str
        Hash of the configuration of the surface's policies.
    path : str
        Which history was used.
    milliseconds : float
        What the answer took.
    items : tuple of ShownItem
        The first N, best first.
    """

    request_id: str
    time: float
    scenario: str
    surface: str
    user_id: str | None
    artifact: str
    policies: str
    path: str
    milliseconds: float
    items: tuple[ShownItem, ...]
    arm: str = ""


class Feedback(NamedTuple):
    """What somebody did with an item that was shown to them."""

    request_id: str
    item_id: str
    event_type: str
    value: float | None
    time: float


class Impression(NamedTuple):
    """One item of one decision. `decision` numbers decisions in the order of their writing."""

    decision: int
    surface: str
    time: float
    item_id: str
    position: int
    propensity: float


class AnsweredImpression(NamedTuple):
    """Feedback on one impression. `number` counts feedback in the order of its writing."""

    number: int
    event_type: str
    value: float | None
    time: float
    shown: Impression


class ImpressionCount(NamedTuple):
    """How often an item was shown to a user, and when last."""

    times: int
    last: float


class DecisionLog(Protocol):
    """Where decisions and feedback live."""

    def write(self, decisions: Sequence[Decision]) -> None:
        """Append decisions; one whose request is known already is left out."""

    def decision(self, request_id: str) -> Decision | None:
        """Return one decision; None for an unknown or expired request."""

    def latest(self, scenario: str, limit: int, *, user_id: str | None = None) -> list[Decision]:
        """Return the latest decisions of a scenario, the newest first."""

    def impressions(self, scenario: str, user_id: str) -> dict[str, ImpressionCount]:
        """Return what was shown to a user, by item id."""

    def add_feedback(self, feedback: Sequence[Feedback]) -> int:
        """Append feedback; the same again is left out. Return how many were new."""

    def feedback_on(self, request_id: str) -> list[Feedback]:
        """Return the feedback on one request, in the order of its times."""

    def impressions_since(self, scenario: str, decision: int) -> list[Impression]:
        """Return what was shown by the decisions after the one with this number, oldest first."""

    def feedback_since(self, scenario: str, number: int) -> list[AnsweredImpression]:
        """Return the feedback on shown items after the one with this number, oldest first."""

    def forget(self, user_id: str) -> int:
        """Delete the decisions about a user with their feedback; return how many decisions."""

    def prune(self, before: float) -> int:
        """Delete decisions from before a time with their feedback; return how many."""

    def close(self) -> None:
        """Release the connections."""


class SqliteDecisionLog:
    """Implements `DecisionLog` in the file at `path`. Safe for threads and processes.

    One connection, opened at first use and guarded by a lock: appends come in batches, and reads
    are short. Reading alone makes no file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = os.getpid()

    def write(self, decisions: Sequence[Decision]) -> None:
        """Append decisions; one whose request is known already is left out."""
        if not decisions:
            return
        heads = [
            (d.request_id, d.time, d.scenario, d.surface, d.user_id, d.arm, d.artifact,
             d.policies, d.path, d.milliseconds)
            for d in decisions
        ]  # fmt: skip
        rows = [
            (d.request_id, at, one.item_id, one.score, one.propensity, one.source)
            for d in decisions
            for at, one in enumerate(d.items)
        ]
        with self._transaction() as connection:
            insert = (
                "INSERT OR IGNORE INTO decisions (request, time, scenario, surface, user, arm, "
                "artifact, policies, path, milliseconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            )
            connection.executemany(insert, heads)
            connection.executemany("INSERT OR IGNORE INTO shown VALUES (?, ?, ?, ?, ?, ?)", rows)

    def decision(self, request_id: str) -> Decision | None:
        """Return one decision; None for an unknown or expired request."""
        found = self._decisions("request = ?", [request_id], 1)
        return found[0] if found else None

    def latest(self, scenario: str, limit: int, *, user_id: str | None = None) -> list[Decision]:
        """Return the latest decisions of a scenario, the newest first."""
        if user_id is None:
            return self._decisions("scenario = ?", [scenario], limit)
        return self._decisions("scenario = ? AND user = ?", [scenario, user_id], limit)

    def _decisions(self, where: str, values: list[str], limit: int) -> list[Decision]:
        select = (
            "SELECT request, time, scenario, surface, user, arm, artifact, policies, path, "
            f"milliseconds FROM decisions WHERE {where} ORDER BY time DESC LIMIT ?"
        )
        items = (
            "SELECT item, score, propensity, source FROM shown WHERE request = ? ORDER BY position"
        )
        if self._is_missing():
            return []
        with self._reading() as connection:
            heads = connection.execute(select, [*values, limit]).fetchall()
            return [
                Decision(
                    **dict(zip(_COLUMNS, head, strict=True)),
                    items=tuple(ShownItem(*row) for row in connection.execute(items, [head[0]])),
                )
                for head in heads
            ]

    def impressions(self, scenario: str, user_id: str) -> dict[str, ImpressionCount]:
        """Return what was shown to a user, by item id."""
        select = (
            "SELECT s.item, count(*), max(d.time) FROM decisions d JOIN shown s USING (request) "
            "WHERE d.scenario = ? AND d.user = ? GROUP BY s.item"
        )
        if self._is_missing():
            return {}
        with self._reading() as connection:
            rows = connection.execute(select, [scenario, user_id])
            return {item: ImpressionCount(times, last) for item, times, last in rows}

    def add_feedback(self, feedback: Sequence[Feedback]) -> int:
        """Append feedback; the same again is left out. Return how many were new."""
        if not feedback:
            return 0
        insert = (
            "INSERT OR IGNORE INTO feedback (request, item, type, value, time) "
            "VALUES (?, ?, ?, ?, ?)"
        )
        with self._transaction() as connection:
            before = connection.total_changes
            connection.executemany(insert, feedback)
            return connection.total_changes - before

    def feedback_on(self, request_id: str) -> list[Feedback]:
        """Return the feedback on one request, in the order of its times."""
        select = (
            "SELECT request, item, type, value, time FROM feedback WHERE request = ? "
            "ORDER BY time, id"
        )
        if self._is_missing():
            return []
        with self._reading() as connection:
            return [Feedback(*row) for row in connection.execute(select, [request_id])]

    def impressions_since(self, scenario: str, decision: int) -> list[Impression]:
        """Return what was shown by the decisions after the one with this number, oldest first."""
        select = (
            f"SELECT {_IMPRESSION} FROM decisions d JOIN shown s USING (request) "
            "WHERE d.scenario = ? AND d.number > ? ORDER BY d.number, s.position"
        )
        if self._is_missing():
            return []
        with self._reading() as connection:
            return [Impression(*row) for row in connection.execute(select, [scenario, decision])]

    def feedback_since(self, scenario: str, number: int) -> list[AnsweredImpression]:
        """Return the feedback on shown items after the one with this number, oldest first."""
        select = (
            f"SELECT f.id, f.type, f.value, f.time, {_IMPRESSION} FROM feedback f "
            "JOIN decisions d USING (request) "
            "JOIN shown s ON s.request = f.request AND s.item = f.item "
            "WHERE d.scenario = ? AND f.id > ? ORDER BY f.id"
        )
        if self._is_missing():
            return []
        with self._reading() as connection:
            return [
                AnsweredImpression(id_, type_, value, time, Impression(*shown))
                for id_, type_, value, time, *shown in connection.execute(
                    select, [scenario, number]
                )
            ]

    def forget(self, user_id: str) -> int:
        """Delete the decisions about a user with their feedback; return how many decisions."""
        if self._is_missing():
            return 0
        count = self._delete("user = ?", user_id)
        with self._reading() as connection:
            connection.execute("VACUUM")  # else the deleted rows stay in free pages
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    def prune(self, before: float) -> int:
        """Delete decisions from before a time with their feedback; return how many."""
        return 0 if self._is_missing() else self._delete("time < ?", before)

    def _delete(self, where: str, value: object) -> int:
        chosen = f"SELECT request FROM decisions WHERE {where}"
        with self._transaction() as connection:
            for table in ("shown", "feedback"):
                connection.execute(f"DELETE FROM {table} WHERE request IN ({chosen})", [value])
            return connection.execute(f"DELETE FROM decisions WHERE {where}", [value]).rowcount

    def close(self) -> None:
        """Release the connection; the next use opens a new one."""
        with self._own_lock():
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _is_missing(self) -> bool:
        """Whether nothing was ever written."""
        return self._connection is None and not self.path.exists()

    def _own_lock(self) -> threading.RLock:
        """Return the lock of this process.

        After a fork the connection is the parent's: SQLite allows no use of it, not even to close
        it. The lock may have been held by a thread that only the parent has.
        """
        if self._process != os.getpid():
            _INHERITED.append(self._connection)
            self._connection, self._lock = None, threading.RLock()
            self._process = os.getpid()
        return self._lock

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._own_lock(), translated_errors(self.path):
            yield self._opened()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Write everything within, or nothing of it."""
        with self._own_lock(), translated_errors(self.path):
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(_SCHEMA)
            self._connection = connection
        return self._connection
