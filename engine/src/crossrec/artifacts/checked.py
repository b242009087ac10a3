"""Folders whose manifest has the checksum of every other file; written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from crossrec.errors import ArtifactError
from crossrec.jsonio import encode, read_manifest

#: Prefix of folders that are still being written.
UNFINISHED = ".publishing-"


@dataclass(frozen=True)
class FileInfo:
    """Checksum and size in bytes of one file."""

    sha256: str
    size: int


@dataclass(frozen=True)
class FolderFormat:
    """One kind of checked folder.

    Attributes
    ----------
    family : str
        Name of the format in its manifest, e.g. ``"crossrec-artifact"``.
    manifest : str
        Name of the manifest, e.g. ``"artifact.json"``.
    version : int
        Version of the format that is written, and the only one that is read.
    remedy : str
        What to do about a damaged or older folder, for messages: "fit again".
    """

    family: str
    manifest: str
    version: int
    remedy: str

    def write_manifest(
        self, folder: Path, files: Mapping[str, FileInfo], values: Mapping[str, Any]
    ) -> FileInfo:
        """Write the manifest of `folder`, after all its other files.

        Parameters
        ----------
        files : mapping of str to FileInfo
            By name within the folder, with ``/`` between its parts.
        values : mapping of str to JSON value
            Other entries of the manifest; not ``family``, ``format`` or ``files``.

        Raises
        ------
        ArtifactError
            If a value cannot be written as JSON.
        """
        content = {
            "family": self.family,
            "format": self.version,
            **values,
            "files": {name: vars(info) for name, info in files.items()},
        }
        return write_file(folder / self.manifest, encode(content, "the manifest"))

    def read_manifest(self, folder: Path) -> tuple[dict[str, Any], dict[str, FileInfo]]:
        """Return the values and the files of the manifest of `folder`; no file is looked at yet.

        Raises
        ------
        FileNotFoundError
            If there is no manifest.
        ArtifactError
            If it is damaged, of another program or of another format, or names files outside.
        """
        path = folder / self.manifest
        content = read_manifest(path, version=self.version, remedy=self.remedy, family=self.family)
        try:
            files = {name: FileInfo(**info) for name, info in content.pop("files").items()}
        except (KeyError, TypeError, AttributeError):
            raise self.damaged(path, "its list of files is missing") from None
        if not all(_lies_within(name) for name in files):
            raise ArtifactError(f"{path} names files outside its folder: do not trust it")
        del content["family"], content["format"]
        return content, files

    def check(self, folder: Path, files: Mapping[str, FileInfo], *, verify: bool = True) -> None:
        """Compare all files with the manifest.

        Parameters
        ----------
        verify : bool
            Whether to compare the checksums of all files; else those of JSON only, which is small
            and parsed anyway. Sizes are always compared.

        Raises
        ------
        FileNotFoundError
            If one is missing.
        ArtifactError
            If one differs.
        """
        for name, info in files.items():
            path = folder / name
            size = path.stat().st_size
            if size != info.size:
                raise self.damaged(path, f"it has {size} bytes instead of {info.size}")
            if verify or path.suffix == ".json":
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                if digest != info.sha256:
                    raise self.damaged(path, "its checksum differs")

    def damaged(self, path: Path, why: str) -> ArtifactError:
        """Return the error for a damaged file."""
        return ArtifactError(f"{path} is damaged: {why}; {self.remedy}")


def write_file(path: Path, content: bytes) -> FileInfo:
    """Write and sync a file that fits into memory."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return FileInfo(hashlib.sha256(content).hexdigest(), len(content))


def sync_folder(folder: Path) -> None:
    """Make renames within `folder` durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def new_folder(place: Path) -> Iterator[Path]:
    """Write the folder `place` in one step.

    The yielded folder is next to it and becomes `place` at the end, replacing one that is there
    already; if anything raises, nothing has changed.

    Raises
    ------
    ArtifactError
        If it cannot be written.
    """
    unfinished = place.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    with writing(place.parent):
        unfinished.mkdir(parents=True)
        try:
            yield unfinished
            sync_folder(unfinished)
            if place.exists():
                shutil.rmtree(place)
            unfinished.rename(place)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn the system's refusal to write into an `ArtifactError` that names `folder`."""
    try:
        yield
    except OSError as error:
        raise ArtifactError(f"cannot write {folder}: {error.strerror or error}") from error


def _lies_within(name: str) -> bool:
    """Whether a file's name in a manifest leads to a place within its folder."""
    parts = PurePosixPath(name).parts
    return bool(parts) and "\\" not in name and ".." not in parts and parts[0] != "/"
