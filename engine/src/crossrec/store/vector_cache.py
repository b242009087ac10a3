"""Vectors of texts and files that were encoded once, kept by the hash of what went into them."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from crossrec.errors import WorkspaceError
from crossrec.store.schema import create_beside_others

log = logging.getLogger("crossrec")

Answer = TypeVar("Answer")

FILE = "vectors.db"
#: Keys of one SELECT; below the limit of variables of every SQLite.
_LOOKUP = 500
_WAIT_SECONDS = 60.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS models (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS vectors (
    model INTEGER NOT NULL, hash BLOB NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (model, hash)
);
"""


@dataclass(frozen=True)
class CacheEntry:
    """What is kept of one model with one set of settings; `size` in bytes."""

    model: str
    vectors: int
    size: int


class VectorCache:
    """A SQLite file of float32 vectors, shared by processes and safe against a killed one.

    Vectors are written in transactions, so that the file holds whole vectors only. Whatever is
    wrong with it costs time, not answers: a damaged file is made anew, one that can't be written is
    left out, with a warning in either case.

    Parameters
    ----------
    folder : Path
        The file is ``folder / "vectors.db"``.
    model : str
        Everything but the text that decides about a vector: the model's content, the settings.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self.path = folder / FILE
        self.model = model

    def get(self, texts: Sequence[str]) -> dict[int, NDArray[np.float32]]:
        """Return the known vectors by position in `texts`, which are distinct."""
        return self._guarded(lambda connection: self._get(connection, texts), {})

    def count(self, texts: Sequence[str]) -> int:
        """Return how many of these texts are known; their vectors are not read."""
        if not self.path.is_file():
            return 0
        return self._guarded(lambda connection: self._count(connection, texts), 0)

    def put(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep the vectors of `texts` in one transaction."""
        self._guarded(lambda connection: self._put(connection, texts, vectors), None)

    def _get(
        self, connection: sqlite3.Connection, texts: Sequence[str]
    ) -> dict[int, NDArray[np.float32]]:
        model = self._model(connection)
        places = {text_hash(text): at for at, text in enumerate(texts)}
        hashes = list(places)
        found = {}
        for start in range(0, len(hashes), _LOOKUP):
            part = hashes[start : start + _LOOKUP]
            marks = ",".join("?" * len(part))
            query = f"SELECT hash, vector FROM vectors WHERE model = ? AND hash IN ({marks})"
            for key, blob in connection.execute(query, (model, *part)):
                found[places[key]] = np.frombuffer(blob, dtype="<f4").astype(np.float32)
        return found

    def _count(self, connection: sqlite3.Connection, texts: Sequence[str]) -> int:
        model = self._model(connection)
        hashes = [text_hash(text) for text in texts]
        found = 0
        for start in range(0, len(hashes), _LOOKUP):
            part = hashes[start : start + _LOOKUP]
            marks = ",".join("?" * len(part))
            query = f"SELECT COUNT(*) FROM vectors WHERE model = ? AND hash IN ({marks})"
            found += int(connection.execute(query, (model, *part)).fetchone()[0])
        return found

    def _put(
        self, connection: sqlite3.Connection, texts: Sequence[str], vectors: NDArray[np.float32]
    ) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT OR IGNORE INTO models (key) VALUES (?)", (self.model,))
        model = self._model(connection)
        rows = (
            (model, text_hash(text), vector.astype("<f4").tobytes())
            for text, vector in zip(texts, vectors, strict=True)
        )
        connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")

    def _model(self, connection: sqlite3.Connection) -> int:
        query = "SELECT id FROM models WHERE key = ?"
        row = connection.execute(query, (self.model,)).fetchone()
        return -1 if row is None else int(row[0])

    def _guarded(self, work: Callable[[sqlite3.Connection], Answer], otherwise: Answer) -> Answer:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with connected(self.path) as connection:
                return work(connection)
        except (sqlite3.OperationalError, OSError) as error:
            log.warning("the vector cache %s is left out: %s", self.path, error)
        except sqlite3.DatabaseError as error:
            log.warning("the vector cache %s is damaged and made anew: %s", self.path, error)
            _remove(self.path)
        return otherwise


def text_hash(text: str) -> bytes:
    """Return the key of a text: 32 bytes, SHA-256 of its UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the cache file at `path`, made if absent; close it whatever happens."""
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    try:
        # No wait helps where another process opens or closes the file at this moment.
        create_beside_others(partial(_prepare, connection))
        yield connection
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_SCHEMA)


def entries(folder: Path) -> list[CacheEntry]:
    """Return what is kept in the cache under `folder`, by model; nothing where there is no file.

    Raises
    ------
    WorkspaceError
        If the file can't be read.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    query = """
        SELECT key, COUNT(hash), COALESCE(SUM(LENGTH(vector)), 0)
        FROM models LEFT JOIN vectors ON model = id GROUP BY id ORDER BY key
    """
    try:
        with connected(path) as connection:
            return [CacheEntry(*row) for row in connection.execute(query)]
    except sqlite3.Error as error:
        raise WorkspaceError(
            f"the vector cache {path} can't be read ({error}): run `crossrec vectors --clear`"
        ) from None


def clear(folder: Path) -> int:
    """Forget all vectors under `folder`; return how many there were, 0 for a damaged file."""
    path = folder / FILE
    if not path.is_file():
        return 0
    try:
        with connected(path) as connection:
            count = int(connection.execute("SELECT COUNT(*) FROM vectors").fetchone()[0])
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM vectors")
            connection.execute("DELETE FROM models")
            connection.execute("COMMIT")
            connection.execute("VACUUM")
        return count
    except sqlite3.OperationalError as error:
        raise WorkspaceError(f"the vector cache {path} can't be written: {error}") from None
    except sqlite3.DatabaseError:
        _remove(path)
        return 0


def _remove(path: Path) -> None:
    """Delete the file with its write-ahead log."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
