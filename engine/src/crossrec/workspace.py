"""The folder that holds everything of one installation: store, artifacts, rejected rows, caches."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import WorkspaceError
from crossrec.jsonio import read_manifest

if TYPE_CHECKING:
    from crossrec.data.dataset import Dataset
    from crossrec.scenario import Scenario
    from crossrec.store.base import Store
    from crossrec.store.decisions import DecisionLog

MARKER = "workspace.json"
FORMAT = 1
_DATABASE = "crossrec.db"
_DECISIONS = "decisions.db"
_FOLDERS = ("artifacts", "rejected", "cache")
_LOCK, _HOLDER = ".lock", ".writer"
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


log = logging.getLogger("crossrec")


class Workspace:
    """A folder made by `create` and found again by `open`.

    It holds ``workspace.json`` (the marker), ``crossrec.db``, ``decisions.db``,
    ``artifacts/<scenario>/``, ``rejected/`` and ``cache/``. Any number of processes may
    read it while one writes.
    """

    def __init__(self, path: Path, *, wait: float | None = None) -> None:
        from filelock import FileLock

        self.path = path
        #: Seconds to wait for another writer; None waits without end, 0 refuses at once.
        self.wait = wait
        self._store: Store | None = None
        self._decisions: DecisionLog | None = None
        # One object for all of a folder, so that nested use by one thread is fine and threads wait.
        self._lock = FileLock(path.resolve() / _LOCK, is_singleton=True)

    @classmethod
    def open(cls, path: str | Path) -> Workspace:
        """Open an existing workspace.

        Raises
        ------
        WorkspaceError
            If there is none, or if a newer crossrec made it.
        """
        folder = Path(path)
        if not folder.exists():
            raise WorkspaceError(
                f"there is no workspace at {folder}: `crossrec ingest` makes one, or name another "
                "with -w or CROSSREC_WORKSPACE"
            )
        if not (folder / MARKER).is_file():
            raise WorkspaceError(
                f"{folder} is not a crossrec workspace ({MARKER} is missing): name another with "
                "-w or CROSSREC_WORKSPACE"
            )
        _check_marker(folder)
        return cls(folder)

    @classmethod
    def create(cls, path: str | Path) -> Workspace:
        """Open the workspace at `path`, made there if the folder is absent or empty.

        Raises
        ------
        WorkspaceError
            If the folder holds other things, cannot be written, or a newer crossrec made it.
        """
        folder = Path(path)
        if (folder / MARKER).is_file():
            return cls.open(folder)
        if folder.exists() and not folder.is_dir():
            raise WorkspaceError(f"{folder} is a file, so no workspace can be made there")
        if folder.is_dir() and not all(_is_part(path.name) for path in folder.iterdir()):
            raise WorkspaceError(
                f"{folder} is not a crossrec workspace and not empty: name an empty or new folder"
            )
        with _write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            workspace = cls(folder)
            workspace._make()
        return workspace

    def _make(self) -> None:
        """Write the parts; the marker comes last, so that half a workspace is none."""
        from crossrec.store.sqlite import SqliteStore

        for name in _FOLDERS:
            (self.path / name).mkdir(exist_ok=True)
        SqliteStore.create(self.path / _DATABASE).close()
        (self.path / MARKER).write_text(json.dumps({"format": FORMAT}) + "\n", encoding="utf-8")

    def __repr__(self) -> str:
        return f"Workspace({str(self.path)!r})"

    def store(self) -> Store:
        """Return the store, the same on every call."""
        if self._store is None:
            from crossrec.store.sqlite import SqliteStore

            self._store = SqliteStore(self.path / _DATABASE)
        return self._store

    def close(self) -> None:
        """Release the store's connections; the next use opens new ones."""
        if self._store is not None:
            self._store.close()
        if self._decisions is not None:
            self._decisions.close()

    def decision_log(self) -> DecisionLog:
        """Return the decision log, the same on every call; its file is made at the first use."""
        if self._decisions is None:
            from crossrec.store.decisions import SqliteDecisionLog

            self._decisions = SqliteDecisionLog(self.path / _DECISIONS)
        return self._decisions

    def artifact_path(self, scenario: str) -> Path:
        """Return the folder of the scenario's artifact, which need not exist yet."""
        return self.path / "artifacts" / scenario

    @property
    def rejected(self) -> Path:
        """Folder of the rows that ingestion rejected."""
        return self.path / "rejected"

    @property
    def cache(self) -> Path:
        """Folder of what can be computed again, such as encoded vectors."""
        return self.path / "cache"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the workspace's writer lock; one thread of one process has it at a time.

        Nested use by the same thread is fine. Waits for another holder as long as `wait` says.

        Raises
        ------
        WorkspaceError
            If another process or thread still holds it then, or the folder is read-only.
        """
        with _write_errors(self.path):
            if not os.access(self.path, os.W_OK):
                raise PermissionError(errno.EACCES, "not writable")
            self._acquire()
        try:
            yield
        finally:
            self._lock.release()

    def _acquire(self) -> None:
        """Take the lock, at once or after a message."""
        from filelock import Timeout

        holder = self.path / _HOLDER
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            who = _read_holder(holder)
            if self.wait == 0:
                raise WorkspaceError(
                    f"workspace {self.path} is in use by another process (pid {who}): wait until "
                    "it is done, or use another workspace"
                ) from None
            log.warning("waiting for workspace %s, which process %s is using", self.path, who)
            try:
                self._lock.acquire(timeout=-1 if self.wait is None else self.wait)
            except Timeout:
                raise WorkspaceError(
                    f"workspace {self.path} is still in use by another process (pid {who}) after "
                    f"{self.wait:g} s: try again later, or use another workspace"
                ) from None
        if self._lock.lock_counter == 1:
            holder.write_text(f"{os.getpid()}\n", encoding="ascii")

    def dataset(self, scenario: Scenario) -> Dataset:
        """Return everything stored of `scenario`, as one consistent state.

        Items and users are in the order of their first ingestion. Items that occur in events
        only are part of the vocabulary and have `known` = False in the catalog.
        """
        from crossrec.data.catalog import Catalog
        from crossrec.data.dataset import Dataset

        store = self.store()
        with store.snapshot():
            users, _ = store.users(scenario.name)
            items, records = store.items(scenario.name)
            events = store.events(scenario)
            has_clock = bool(store.counts(scenario.name).has_clock)
        catalog = Catalog.from_records(items, records, scenario.items)
        return Dataset.build(users, catalog, events, has_clock=has_clock)


def _is_part(name: str) -> bool:
    """Whether this may be left from an interrupted `create`, which can then be completed."""
    return name in (*_FOLDERS, _LOCK, _HOLDER) or name.startswith(_DATABASE)


def _check_marker(folder: Path) -> None:
    """Refuse a marker that is unreadable or of another format."""
    read_manifest(
        folder / MARKER,
        version=FORMAT,
        remedy=f'it should read {{"format": {FORMAT}}}',
        error=WorkspaceError,
    )


def _read_holder(path: Path) -> str:
    """Return the process that took the lock last."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip() or "unknown"
    except OSError:
        return "unknown"


@contextmanager
def _write_errors(folder: Path) -> Iterator[None]:
    """Turn the system's refusal to write into one line with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in _READ_ONLY:
            raise WorkspaceError(
                f"workspace {folder} is read-only: make it writable, or use another workspace"
            ) from None
        raise WorkspaceError(f"workspace {folder} cannot be written: {error.strerror}") from None
