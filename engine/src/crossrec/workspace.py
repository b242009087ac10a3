"""The folder that holds everything of one installation: store, artifacts, rejected rows, caches."""

from __future__ import annotations

import errno
import json
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
    from crossrec.store.base import HistoryEvent, Store

MARKER = "workspace.json"
FORMAT = 1
_DATABASE = "crossrec.db"
_FOLDERS = ("artifacts", "rejected", "cache")
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class Workspace:
    """A folder made by `create` and found again by `open`.

    It holds ``workspace.json`` (the marker), ``crossrec.db``, ``artifacts/<scenario>/``,
    ``rejected/`` and ``cache/``. Any number of processes may read it while one writes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store: Store | None = None
        self._depth = 0

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
        """Hold the workspace's writer lock; nested use by the same object is fine.

        Raises
        ------
        WorkspaceError
            If another process holds it, or the folder is read-only.
        """
        if self._depth == 0:
            handle = _lock(self.path)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                os.close(handle)

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

    def history(self, scenario: Scenario, user_id: str, limit: int = 200) -> list[HistoryEvent]:
        """Return the user's last `limit` events as (item_id, time, weight), oldest first."""
        return self.store().history(scenario, user_id, limit)


def _is_part(name: str) -> bool:
    """Whether this may be left from an interrupted `create`, which can then be completed."""
    return name in (*_FOLDERS, ".lock") or name.startswith(_DATABASE)


def _check_marker(folder: Path) -> None:
    """Refuse a marker that is unreadable or of another format."""
    read_manifest(
        folder / MARKER,
        version=FORMAT,
        remedy=f'it should read {{"format": {FORMAT}}}',
        error=WorkspaceError,
    )


def _lock(folder: Path) -> int:
    """Take the writer lock and return its handle; closing it or the end of the process frees it."""
    import fcntl

    with _write_errors(folder):
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, "not writable")
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise WorkspaceError(
            f"workspace {folder} is in use by another process (pid {holder}): wait until it is "
            "done, or use another workspace"
        ) from None
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode("ascii"))
    return handle


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
