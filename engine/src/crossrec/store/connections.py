"""Connections to one SQLite file: one that writes, and one that reads for each thread."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import WorkspaceError
from crossrec.store.schema import check_format, create_base

if TYPE_CHECKING:
    from sqlite_utils import Database

_BUSY_SECONDS = 30.0
_CACHE_KIB = 128 * 1024
# Pages of 4 KiB in the log before they move into the file: after every few batches, not after each.
_CHECKPOINT_PAGES = 40_000
# Kept so that they are never closed: see `Connections._forget`.
_INHERITED: list[sqlite3.Connection] = []


class Connections:
    """Opens connections on first use; a reader never creates the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._writer: Database | None = None
        self._guard = threading.Lock()
        self._writing = threading.RLock()
        self._process = os.getpid()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let one thread of this process write; SQLite's own lock orders the processes."""
        if self._process != os.getpid():
            self._forget()
        with self._writing:
            yield

    def writer(self) -> Database:
        """Return the database open for writing, created where it is missing.

        Raises
        ------
        WorkspaceError
            If the file cannot be written, is not a database or is of a newer format.
        """
        if self._process != os.getpid():
            self._forget()
        if self._writer is None:
            from sqlite_utils import Database

            with self.translated():
                connection = self._connect(f"{self.path.absolute().as_uri()}?mode=rwc")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
                connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
                db = Database(connection)
                check_format(db, str(self.path))
                create_base(db)
            self._writer = db
        return self._writer

    def reader(self) -> sqlite3.Connection:
        """Return this thread's connection for reading.

        Raises
        ------
        WorkspaceError
            If the file is missing, is not a database or is of a newer format.
        """
        if self._process != os.getpid():
            self._forget()
        connection: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if connection is None:
            from sqlite_utils import Database

            with self.translated():
                connection = self._connect_reader()
                check_format(Database(connection), str(self.path))
            self._local.reader = connection
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        """Open read-only; in a folder that nobody can write to, the file cannot change either."""
        uri = self.path.absolute().as_uri()
        connection = self._connect(f"{uri}?mode=ro")
        try:
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            if not self.path.exists():
                raise
            connection = self._connect(f"{uri}?immutable=1")
        return connection

    def _connect(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
        )
        with self._guard:
            self._open.append(connection)
        return connection

    def _forget(self) -> None:
        """Leave the connections of the process that this one was forked from to it.

        SQLite allows no use of a connection across a fork, not even to close it.
        """
        _INHERITED.extend(self._open)
        self._open, self._writer = [], None
        self._local, self._guard = threading.local(), threading.Lock()
        self._writing = threading.RLock()
        self._process = os.getpid()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write everything within, or nothing of it; one within another is a part of that.

        One thread at a time.
        """
        with self.exclusive(), self.translated():
            connection: sqlite3.Connection = self.writer().conn
            within = connection.in_transaction
            if within:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk has rolled it back already
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def translated(self) -> AbstractContextManager[None]:
        """Turn what SQLite says about an unusable file into one line that says what to do."""
        return translated_errors(self.path)

    def close(self) -> None:
        """Close all connections; the next use opens new ones.

        The writer goes last: only a connection that may write takes the log into the file.
        """
        writer = None if self._writer is None else self._writer.conn
        with self._guard:
            for connection in sorted(self._open, key=lambda one: one is writer):
                connection.close()
            self._open.clear()
        self._local = threading.local()
        self._writer = None


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says about an unusable file into one line that says what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise WorkspaceError(explain(path, error)) from error


def explain(path: Path, error: sqlite3.DatabaseError) -> str:
    """Return one line for an error of SQLite."""
    message = str(error)
    if "readonly" in message or "read-only" in message:
        return f"{path} is read-only: make it writable, or copy the workspace elsewhere"
    if "unable to open" in message:
        return f"{path} cannot be opened: check that it exists and may be read and written"
    if "not a database" in message or "malformed" in message:
        return f"{path} is damaged or not a SQLite database: restore a copy, or ingest again"
    if "locked" in message or "busy" in message:
        return f"{path} is in use by another process: try again when that is done"
    if "full" in message:
        return f"the disk that holds {path} is full: free some space and run the same again"
    return f"{path}: {message}"
