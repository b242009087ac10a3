"""The folder that holds everything of one installation: store, artifacts, rejected rows, caches."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossrec.errors import UsageError, WorkspaceError
from crossrec.jsonio import read_manifest

if TYPE_CHECKING:
    from crossrec.data.dataset import Dataset
    from crossrec.executors import Executor
    from crossrec.plugins.registry import Registry
    from crossrec.scenario import Scenario
    from crossrec.store.base import Store
    from crossrec.store.decisions import DecisionLog
    from crossrec.workspace_settings import WorkspaceSettings

MARKER = "workspace.json"
FORMAT = 1
_DATABASE, _SETTINGS = "crossrec.db", "crossrec.toml"
_FOLDERS = ("artifacts", "rejected", "cache")
_LOCK, _HOLDER = ".lock", ".writer"
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


log = logging.getLogger("crossrec")


class Workspace:
    """A folder made by `create` and found again by `open`.

    It holds ``workspace.json`` (the marker), ``crossrec.db``, ``artifacts/<scenario>/``,
    ``rejected/``, ``cache/`` and, where somebody said or wrote something, ``mappings.json`` and
    ``crossrec.toml``. Any number of processes may read it while one writes.

    Parameters
    ----------
    registry : Registry, optional
        Where the store and the executor that ``crossrec.toml`` names are looked up; that of this
        process by default.
    """

    def __init__(
        self, path: Path, *, wait: float | None = None, registry: Registry | None = None
    ) -> None:
        from filelock import FileLock

        self.path = path
        self._registry = registry
        #: Seconds to wait for another writer; None waits without end, 0 refuses at once.
        self.wait = wait
        self._store: Store | None = None
        # One object for all of a folder, so that nested use by one thread is fine and threads wait.
        self._lock = FileLock(path.resolve() / _LOCK, is_singleton=True)

    @classmethod
    def open(cls, path: str | Path, registry: Registry | None = None) -> Workspace:
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
        return cls(folder, registry=registry)

    @classmethod
    def create(cls, path: str | Path, registry: Registry | None = None) -> Workspace:
        """Open the workspace at `path`, made there if the folder is absent or empty.

        Raises
        ------
        WorkspaceError
            If the folder holds other things, cannot be written, or a newer crossrec made it.
        ConfigError
            If its ``crossrec.toml`` cannot be used.
        """
        folder = Path(path)
        if (folder / MARKER).is_file():
            return cls.open(folder, registry)
        if folder.exists() and not folder.is_dir():
            raise WorkspaceError(f"{folder} is a file, so no workspace can be made there")
        if folder.is_dir() and not all(_is_part(path.name) for path in folder.iterdir()):
            raise WorkspaceError(
                f"{folder} is not a crossrec workspace and not empty: name an empty or new folder"
            )
        with _write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            workspace = cls(folder, registry=registry)
            workspace._make()
        return workspace

    def _make(self) -> None:
        """Write the parts; the marker comes last, so that half a workspace is none."""
        for name in _FOLDERS:
            (self.path / name).mkdir(exist_ok=True)
        self.store().set_up()
        self.close()
        (self.path / MARKER).write_text(json.dumps({"format": FORMAT}) + "\n", encoding="utf-8")

    def __repr__(self) -> str:
        return f"Workspace({str(self.path)!r})"

    @cached_property
    def settings(self) -> WorkspaceSettings:
        """What ``crossrec.toml`` says, read once.

        Raises
        ------
        ConfigError
            Names the file, the key and what is wrong with it.
        """
        from crossrec.workspace_settings import read_settings

        return read_settings(self.path)

    def store(self) -> Store:
        """Return the store that ``crossrec.toml`` names, the same on every call.

        Raises
        ------
        UsageError
            If no such store is installed, or its settings do not fit.
        """
        if self._store is None:
            chosen = self.settings.store
            self._store = self._built("stores", chosen.name, chosen.settings, self._data)
        return self._store

    def decision_log(self) -> DecisionLog:
        """Return where decisions and feedback live: with the store."""
        return self.store().decision_log()

    def executor(self) -> Executor:
        """Return the executor that ``crossrec.toml`` names.

        Raises
        ------
        UsageError
            If no such executor is installed, or its settings do not fit.
        """
        chosen = self.settings.executor
        executor: Executor = self._built("executors", chosen.name, chosen.settings)
        return executor

    @property
    def _data(self) -> Path:
        """Where a store keeps its data."""
        return self.path / _DATABASE

    def _built(self, kind: str, name: str, settings: dict[str, Any], *arguments: Any) -> Any:
        """Build what the settings name; an error names the file."""
        from crossrec.plugins.registry import load_registry

        registry = self._registry or load_registry()
        try:
            return registry.get(kind, name).build(dict(settings), *arguments)
        except UsageError as error:
            where = self.path / _SETTINGS
            raise type(error)(f"{where}: [{kind.removesuffix('s')}]: {error}") from None

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

    def dataset(self, scenario: Scenario, *, reviews: bool = False) -> Dataset:
        """Return everything stored of `scenario`, as one consistent state.

        Items and users are in the order of their first ingestion. Items that occur in events
        only are part of the vocabulary and have `known` = False in the catalog.

        Parameters
        ----------
        reviews : bool
            Whether to read what events rate and say too, where the scenario has ratings.
        """
        from crossrec.data.catalog import Catalog
        from crossrec.data.dataset import Dataset
        from crossrec.data.profiles import profile_columns

        store = self.store()
        with store.snapshot():
            users, fields = store.users(scenario.name)
            items, records = store.items(scenario.name)
            events = store.events(scenario, reviews=True) if reviews else store.events(scenario)
            has_clock = bool(store.counts(scenario.name).has_clock)
        catalog = Catalog.from_records(items, records, scenario.items)
        dataset = Dataset.build(users, catalog, events, has_clock=has_clock)
        profiles = profile_columns(users, fields)
        return replace(dataset, profiles=profiles, event_types=scenario.events)


def _is_part(name: str) -> bool:
    """Whether this may be left from an interrupted `create`, which can then be completed."""
    return name in (*_FOLDERS, _LOCK, _HOLDER, _SETTINGS) or name.startswith(_DATABASE)


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
