"""Answers that were given once, kept by the hash of what went into them."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from crossrec.store.schema import create_beside_others

log = logging.getLogger("crossrec")

Result = TypeVar("Result")
FILE = "language.db"
_SCHEMA = "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, answer TEXT NOT NULL)"


class AnswerCache:
    """A SQLite file of answers, shared by processes. What is wrong with it costs time, no answers.

    It holds hashes in place of prompts, and no answer about a person.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    @staticmethod
    def key(model: str, prompt: str, most: int, seed: int) -> bytes:
        """Return the hash of everything that decides about an answer."""
        return hashlib.sha256(json.dumps([model, prompt, most, seed]).encode()).digest()

    def get(self, key: bytes) -> str | None:
        """Return the answer of a key; None where there is none."""

        def read(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

        return self._guarded(read, None) if self.path.is_file() else None

    def put(self, key: bytes, answer: str) -> None:
        """Keep an answer."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, answer))
            connection.commit()

        self._guarded(write, None)

    def _guarded(self, work: Callable[[sqlite3.Connection], Result], otherwise: Result) -> Result:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=30.0)) as connection:
                create_beside_others(lambda: _create(connection))
                return work(connection)
        except (sqlite3.OperationalError, OSError) as error:
            log.warning("the cache of answers %s is left out: %s", self.path, error)
        except sqlite3.DatabaseError as error:
            log.warning("the cache of answers %s is damaged and made anew: %s", self.path, error)
            self.path.unlink(missing_ok=True)
        return otherwise


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(_SCHEMA)
