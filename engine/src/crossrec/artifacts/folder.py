"""Publishing an artifact in one step, and opening it.

A folder of artifacts holds one sub-folder for each version and the file ``current``, one line with
the name of the serving version and the sha256 of its ``artifact.json``, which in turn has the
sha256 of every other file. So any changed byte is found, and a publish that dies at any moment
leaves the old version serving: the new one is written under a temporary name, renamed when
complete, and only then named in ``current``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crossrec.artifacts.ids import load_vocabulary, pack_vocabulary
from crossrec.artifacts.manifest import (
    FileInfo,
    Manifest,
    encode_json,
    library_versions,
    utc_now,
)
from crossrec.artifacts.tensors import map_tensors, write_tensors
from crossrec.components.state import State
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ArtifactError, NotFittedError
from crossrec.version import __version__

CURRENT = "current"
MANIFEST = "artifact.json"
_POINTER = re.compile(rb"([0-9]{8}T[0-9]{12}-[0-9a-f]{8}) ([0-9a-f]{64})\n")
_VERSION = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")
_UNFINISHED = ".publishing-"
#: Seconds after which an unfinished version counts as left over from a publish that died.
_STALE = 3600.0
_ATTEMPTS = 5


@dataclass(frozen=True, eq=False)
class Artifact:
    """One opened version.

    Attributes
    ----------
    path : Path
        The version's folder.
    states : mapping of str to State
        Arrays are read-only memory maps: pages are read when they are used.
    """

    path: Path
    manifest: Manifest
    states: Mapping[str, State]
    users: Vocabulary
    items: Vocabulary


def publish(
    folder: Path,
    *,
    kind: str,
    manifest_fields: Mapping[str, Any],
    users: Vocabulary,
    items: Vocabulary,
    states: Mapping[str, State],
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write a new version and make it the current one; the version before is kept.

    Parameters
    ----------
    folder : Path
        Holds all versions of one scenario's artifact; made where it does not exist.
    kind : str
        What was fitted, e.g. ``"scenario"``.
    manifest_fields, extra : mapping
        JSON values: ``scenario``, ``config``, ``metrics``; whatever else is worth keeping.
    states : mapping of str to State
        One for each component. Names may hold any characters.

    Returns
    -------
    Path
        The new version's folder.

    Raises
    ------
    ArtifactError
        If something cannot be stored, or the folder cannot be written to. What was current stays.
    """
    unfinished = folder / f"{_UNFINISHED}{secrets.token_hex(8)}"
    try:
        unfinished.mkdir(parents=True)
        try:
            files, components = _write_parts(unfinished, users, items, states)
            created = utc_now()
            manifest = Manifest(
                kind=kind,
                crossrec=__version__,
                created=created,
                components=components,
                files=files,
                libraries=library_versions(),
                fields=manifest_fields,
                extra=extra or {},
            )
            info = _write_bytes(unfinished / MANIFEST, manifest.to_json())
            _sync_folder(unfinished)
            version = folder / _version_name(created)
            unfinished.rename(version)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        before = _version_before(folder)
        _point_at(folder, version.name, info.sha256)
    except OSError as error:
        raise ArtifactError(f"cannot write {folder}: {error.strerror or error}") from error
    _prune(folder, before)
    return version


def open_artifact(folder: Path, *, verify: bool = True) -> Artifact:
    """Open the current version in `folder`.

    Parameters
    ----------
    verify : bool
        Whether to compare every file with its checksum. Without it only the manifest's checksum
        and the files' sizes are compared, and the arrays are not read at all.

    Raises
    ------
    NotFittedError
        If nothing has been published there.
    ArtifactError
        If it is damaged, foreign or of a newer format.
    """
    for attempt in range(_ATTEMPTS):
        pointer = _pointer(folder)
        if pointer is None:
            raise _nothing_in(folder)
        try:
            return _open_version(folder / pointer[0], pointer[1], verify=verify)
        except (FileNotFoundError, ArtifactError) as error:
            # Two publishes since the pointer was read may have removed the version: look again.
            if _pointer(folder) != pointer and attempt + 1 < _ATTEMPTS:
                continue
            if isinstance(error, FileNotFoundError):
                name = Path(str(error.filename)).name
                raise ArtifactError(
                    f"{folder / pointer[0]} is damaged: {name} is missing; fit again"
                ) from None
            raise
        except OSError as error:
            raise ArtifactError(f"cannot read {folder}: {error.strerror or error}") from error
    raise ArtifactError(f"{folder} changes faster than it can be read; try again")


def _write_parts(
    folder: Path, users: Vocabulary, items: Vocabulary, states: Mapping[str, State]
) -> tuple[dict[str, FileInfo], dict[str, str]]:
    """Write vocabularies and states; return the files and the stem of each component."""
    files: dict[str, FileInfo] = {}
    for name, vocabulary in (("users", users), ("items", items)):
        file = f"{name}.safetensors"
        files[file] = FileInfo(*write_tensors(folder / file, pack_vocabulary(vocabulary)))
    components: dict[str, str] = {}
    for i, (name, state) in enumerate(states.items()):
        stem = f"component-{i:03d}-{re.sub('[^A-Za-z0-9]+', '-', name).strip('-')[:40]}"
        components[name] = stem
        try:
            digest = write_tensors(folder / f"{stem}.safetensors", state.arrays)
            values = encode_json(dict(state.values), "its values")
        except ArtifactError as error:
            raise ArtifactError(f"component {name!r} cannot be stored: {error}") from None
        files[f"{stem}.safetensors"] = FileInfo(*digest)
        files[f"{stem}.json"] = _write_bytes(folder / f"{stem}.json", values)
    return files, components


def _open_version(path: Path, sha256: str, *, verify: bool) -> Artifact:
    """Open one version whose manifest must have the digest `sha256`."""
    text = (path / MANIFEST).read_bytes()
    manifest = Manifest.from_json(text, str(path / MANIFEST))
    if hashlib.sha256(text).hexdigest() != sha256:
        raise ArtifactError(f"{path / MANIFEST} is damaged: its checksum differs; fit again")
    for name, info in manifest.files.items():
        _check(path / name, info, verify=verify)
    states = {}
    for name, stem in manifest.components.items():
        values = json.loads((path / f"{stem}.json").read_bytes())
        states[name] = State(map_tensors(path / f"{stem}.safetensors"), values)
    users = load_vocabulary(path / "users.safetensors")
    items = load_vocabulary(path / "items.safetensors")
    return Artifact(path, manifest, states, users, items)


def _check(path: Path, info: FileInfo, *, verify: bool) -> None:
    """Refuse a file that is not what the manifest says."""
    size = path.stat().st_size
    if size != info.size:
        raise ArtifactError(
            f"{path} is damaged: it has {size} bytes instead of {info.size}; fit again"
        )
    # JSON is small and parsed anyway, so it is always compared.
    if verify or path.suffix == ".json":
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != info.sha256:
            raise ArtifactError(f"{path} is damaged: its checksum differs; fit again")


def _pointer(folder: Path) -> tuple[str, str] | None:
    """Return version and manifest digest from ``current``; None where there is no such file."""
    try:
        text = (folder / CURRENT).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ArtifactError(f"cannot read {folder}: {error.strerror or error}") from error
    found = _POINTER.fullmatch(text)
    if found is None:
        raise ArtifactError(f"{folder / CURRENT} is damaged or was not written by crossrec")
    return found[1].decode(), found[2].decode()


def _nothing_in(folder: Path) -> ArtifactError | NotFittedError:
    """Tell an empty place from a folder that belongs to something else."""
    if not folder.exists():
        return NotFittedError(f"nothing has been fitted in {folder} yet: run `crossrec fit`")
    if not folder.is_dir():
        return ArtifactError(f"{folder} is a file, not a folder of artifacts")
    foreign = [
        entry.name
        for entry in folder.iterdir()
        if not (_VERSION.fullmatch(entry.name) or entry.name.startswith("."))
    ]
    if foreign:
        return ArtifactError(
            f"{folder} is no artifact of crossrec: it has no file {CURRENT!r} but {foreign[0]!r}"
        )
    return NotFittedError(f"nothing has been fitted in {folder} yet: run `crossrec fit`")


def _version_name(created: str) -> str:
    """Return a folder name that sorts by time of publication."""
    moment = datetime.fromisoformat(created).strftime("%Y%m%dT%H%M%S%f")
    return f"{moment}-{secrets.token_hex(4)}"


def _point_at(folder: Path, version: str, sha256: str) -> None:
    """Make `version` the current one."""
    _sync_folder(folder)
    fresh = folder / f".{CURRENT}-{secrets.token_hex(8)}"
    _write_bytes(fresh, f"{version} {sha256}\n".encode())
    fresh.replace(folder / CURRENT)
    _sync_folder(folder)


def _write_bytes(path: Path, content: bytes) -> FileInfo:
    """Write and sync a small file."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return FileInfo(hashlib.sha256(content).hexdigest(), len(content))


def _sync_folder(folder: Path) -> None:
    """Make renames within `folder` durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _version_before(folder: Path) -> str:
    """Return the version that is current; empty where there is none or the pointer is damaged."""
    try:
        pointer = _pointer(folder)
    except ArtifactError:
        return ""
    return pointer[0] if pointer else ""


def _prune(folder: Path, before: str) -> None:
    """Remove versions older than `before` and what dead publishes have left.

    Newer ones stay even where nothing points at them: another process may be about to do so.
    Failures are harmless, the next publish tries again.
    """
    for entry in folder.iterdir():
        if _VERSION.fullmatch(entry.name):
            if entry.name < before:
                shutil.rmtree(entry, ignore_errors=True)
        elif entry.name.startswith((_UNFINISHED, f".{CURRENT}-")):
            with contextlib.suppress(OSError):
                if time.time() - entry.stat().st_mtime <= _STALE:
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()
