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
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crossrec.artifacts.checked import (
    UNFINISHED,
    FileInfo,
    new_folder,
    sync_folder,
    write_file,
    writing,
)
from crossrec.artifacts.ids import load_vocabulary, pack_vocabulary
from crossrec.artifacts.manifest import ARTIFACT, Manifest, library_versions, utc_now
from crossrec.artifacts.tensors import map_tensors, write_tensors
from crossrec.components.state import State
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ArtifactError, NotFittedError
from crossrec.jsonio import encode
from crossrec.version import __version__

CURRENT = "current"
_POINTER = re.compile(rb"([0-9]{8}T[0-9]{12}-[0-9a-f]{8}) ([0-9a-f]{64})\n")
_VERSION = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")
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
    users: Vocabulary,
    items: Vocabulary,
    states: Mapping[str, State],
    values: Mapping[str, Any] | None = None,
) -> Path:
    """Write a new version and make it the current one; the version before is kept.

    Parameters
    ----------
    folder : Path
        Holds all versions of one scenario's artifact; made where it does not exist.
    kind : str
        What is stored, e.g. ``"pipeline"``.
    states : mapping of str to State
        One for each component. Names may hold any characters.
    values : mapping, optional
        JSON values for the manifest: scenario, configuration, report.

    Returns
    -------
    Path
        The new version's folder.

    Raises
    ------
    ArtifactError
        If something cannot be stored, or the folder cannot be written to. What was current stays.
    """
    created = utc_now()
    version = folder / _version_name(created)
    with new_folder(version) as unfinished:
        files, components = _write_parts(unfinished, users, items, states)
        manifest = Manifest(
            kind, __version__, created, components, files, library_versions(), values or {}
        )
        info = manifest.write(unfinished)
    before = _version_before(folder)
    with writing(folder):
        _point_at(folder, version.name, info.sha256)
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
                    f"{folder / pointer[0]} is damaged: {name} is missing; {ARTIFACT.remedy}"
                ) from None
            raise
        except OSError as error:
            raise ArtifactError(f"cannot read {folder}: {error.strerror or error}") from error
    raise ArtifactError(f"{folder} changes faster than it can be read; try again")


def drop_older(folder: Path) -> int:
    """Remove every version but the current one; return how many that were.

    Raises
    ------
    ArtifactError
        If one of them cannot be removed.
    """
    current = _version_before(folder)
    count = 0
    with writing(folder):
        for entry in folder.iterdir() if folder.is_dir() else ():
            left_over = entry.name.startswith((UNFINISHED, f".{CURRENT}-"))
            if entry.name != current and (left_over or _VERSION.fullmatch(entry.name)):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
                count += not left_over
    return count


def _write_parts(
    folder: Path, users: Vocabulary, items: Vocabulary, states: Mapping[str, State]
) -> tuple[dict[str, FileInfo], dict[str, str]]:
    """Write vocabularies and states; return the files and the stem of each component."""
    files: dict[str, FileInfo] = {}
    for name, vocabulary in (("users", users), ("items", items)):
        file = f"{name}.safetensors"
        files[file] = write_tensors(folder / file, pack_vocabulary(vocabulary))
    components: dict[str, str] = {}
    for i, (name, state) in enumerate(states.items()):
        stem = f"component-{i:03d}-{re.sub('[^A-Za-z0-9]+', '-', name).strip('-')[:40]}"
        components[name] = stem
        try:
            info = write_tensors(folder / f"{stem}.safetensors", state.arrays)
            values = encode(dict(state.values), "its values")
        except ArtifactError as error:
            raise ArtifactError(f"component {name!r} cannot be stored: {error}") from None
        files[f"{stem}.safetensors"] = info
        files[f"{stem}.json"] = write_file(folder / f"{stem}.json", values)
    return files, components


def _open_version(path: Path, sha256: str, *, verify: bool) -> Artifact:
    """Open one version whose manifest must have the digest `sha256`."""
    manifest = Manifest.read(path)
    text = (path / ARTIFACT.manifest).read_bytes()
    if hashlib.sha256(text).hexdigest() != sha256:
        raise ARTIFACT.damaged(path / ARTIFACT.manifest, "its checksum differs")
    ARTIFACT.check(path, manifest.files, verify=verify)
    states = {}
    for name, stem in manifest.components.items():
        values = json.loads((path / f"{stem}.json").read_bytes())
        states[name] = State(map_tensors(path / f"{stem}.safetensors"), values)
    users = load_vocabulary(path / "users.safetensors")
    items = load_vocabulary(path / "items.safetensors")
    return Artifact(path, manifest, states, users, items)


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
    """Return the error for an empty place, or for a folder that belongs to something else."""
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
            f"{folder} is not an artifact of crossrec: it has {foreign[0]!r} but no {CURRENT!r}"
        )
    return NotFittedError(f"nothing has been fitted in {folder} yet: run `crossrec fit`")


def _version_name(created: str) -> str:
    """Return a folder name that sorts by time of publication."""
    moment = datetime.fromisoformat(created).strftime("%Y%m%dT%H%M%S%f")
    return f"{moment}-{secrets.token_hex(4)}"


def _point_at(folder: Path, version: str, sha256: str) -> None:
    """Make `version` the current one."""
    sync_folder(folder)
    fresh = folder / f".{CURRENT}-{secrets.token_hex(8)}"
    write_file(fresh, f"{version} {sha256}\n".encode())
    fresh.replace(folder / CURRENT)
    sync_folder(folder)


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
        elif entry.name.startswith((UNFINISHED, f".{CURRENT}-")):
            with contextlib.suppress(OSError):
                if time.time() - entry.stat().st_mtime <= _STALE:
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()
