"""Connections to one SQLite file: one that writes, and one that reads for each live thread."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import WorkspaceError
from crossrec.store.schema import check_format, create_base, create_beside_others

if TYPE_CHECKING:
    from sqlite_utils import Database

_BUSY_SECONDS = 30.0
_CACHE_KIB = 128 * 1024
# Pages of 4 KiB in the log before they move into the file: after every few batches, not after each.
_CHECKPOINT_PAGES = 40_000
# Kept so that they are never closed: see `_dispose`.
_INHERITED: list[sqlite3.Connection] = []


class _Handle:
    """Closes a connection when nobody holds the handle, as when the thread that reads has ended."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._finalizer = weakref.finalize(self, _dispose, connection, os.getpid())

    def close(self) -> None:
        """Close the connection, or leave it to the process that opened it."""
        self._finalizer()


def _dispose(connection: sqlite3.Connection, process: int) -> None:
    """Close a connection; one of the process that this one was forked from is kept as it is.

    SQLite allows no use of a connection across a fork, not even to close it.
    """
    if process == os.getpid():
        connection.close()
    else:
        _INHERITED.append(connection)


class Connections:
    """Opens connections on first use; a reader never creates the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._open: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._kept: _Handle | None = None  # the writer's
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
            from sqlite_utils import Database  # it imports pandas, so a reader does without it

            with self.translated():
                handle = self._connect(f"{self.path.absolute().as_uri()}?mode=rwc")
                connection = handle.connection
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
                connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
                db = Database(connection)
                check_format(connection, str(self.path))
                create_beside_others(partial(create_base, db))
            self._writer, self._kept = db, handle
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
        handle: _Handle | None = getattr(self._local, "reader", None)
        if handle is None:
            with self.translated():
                handle = self._connect_reader()
                check_format(handle.connection, str(self.path))
            self._local.reader = handle
        return handle.connection

    def _connect_reader(self) -> _Handle:
        """Open read-only; in a folder that nobody can write to, the file cannot change either."""
        uri = self.path.absolute().as_uri()
        handle = self._connect(f"{uri}?mode=ro")
        try:
            handle.connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            if not self.path.exists():
                raise
            handle = self._connect(f"{uri}?immutable=1")
        return handle

    def _connect(self, uri: str) -> _Handle:
        handle = _Handle(
            sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
            )
        )
        with self._guard:
            self._open.add(handle)
        return handle

    def _forget(self) -> None:
        """Leave the connections of the process that this one was forked from to it."""
        for handle in self._open:
            handle.close()
        self._open, self._writer, self._kept = weakref.WeakSet(), None, None
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
        with self._guard:
            for handle in sorted(self._open, key=lambda one: one is self._kept):
                handle.close()
            self._open.clear()
        self._local = threading.local()
        self._writer = self._kept = None


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
