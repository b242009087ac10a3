"""Files as they are kept: plain, compressed, or the only table of a zip archive."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from crossrec.errors import DataError

Packing = Literal["", "gzip", "bzip2", "xz", "zip"]

_MAGIC: tuple[tuple[bytes, Packing], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # an empty one
)
_SUFFIXES = (".gz", ".bz2", ".xz", ".zip")
_BROKEN = (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def packing_of(path: Path) -> Packing:
    """Return how a file is compressed, by its first bytes; an Excel workbook is not."""
    with path.open("rb") as file:
        head = file.read(8)
    found: Packing = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    if found == "zip" and "[Content_Types].xml" in _members(path):
        return ""
    return found


def inner_name(path: Path) -> str:
    """Return the name of the table itself: without ``.gz``, or that of the file in a zip."""
    if packing_of(path) == "zip":
        return PurePosixPath(_only_member(path)).name
    return path.stem if path.suffix.lower() in _SUFFIXES else path.name


@contextmanager
def binary(path: Path) -> Iterator[IO[bytes]]:
    """Open for reading, unpacked.

    Raises
    ------
    DataError
        If the file cannot be read or unpacked, or is an archive of several.
    """
    packing: Packing = ""
    try:
        packing = packing_of(path)
        with _opened(path, packing) as file:
            yield file
    except _BROKEN:
        what = packing or "zip"
        raise DataError(f"{path} is a damaged {what} file: fetch or pack it again") from None
    except NotImplementedError:
        raise DataError(f"{path} is packed in an unusual way: unpack it first") from None
    except RuntimeError as error:
        if "password" not in str(error):
            raise
        raise DataError(f"{path} is locked with a password: unpack it first") from None
    except OSError as error:
        if packing == "bzip2" and error.errno is None:
            raise DataError(f"{path} is a damaged bzip2 file: fetch or pack it again") from None
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


@contextmanager
def _opened(path: Path, packing: Packing) -> Iterator[IO[bytes]]:
    if packing == "zip":
        member = _only_member(path)
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            yield file
        return
    openers: dict[str, Any] = {"": open, "gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    with openers[packing](path, "rb") as file:
        yield file


def _members(path: Path) -> list[str]:
    """Return the files of an archive; what an operating system adds is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise DataError(f"{path} is a damaged zip file: fetch or pack it again") from None
    hidden = ("__MACOSX/", ".")
    return [
        name
        for name in names
        if not name.endswith("/")
        and not name.startswith("__MACOSX/")
        and not PurePosixPath(name).name.startswith(hidden)
    ]


def _only_member(path: Path) -> str:
    names = _members(path)
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    holds = f"holds {len(names)} files ({shown})" if names else "holds no file"
    raise DataError(f"{path} is a zip archive and {holds}: unpack it and name the one to read")
