"""What an artifact says of itself: `artifact.json`."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np

from crossrec.errors import ArtifactError

#: Version of the folder format that this crossrec writes, and the newest that it reads.
FORMAT = 1
_FAMILY = "crossrec-artifact"
_LIBRARIES = ("numpy", "scipy", "pandas", "torch", "transformers", "scikit-learn", "implicit")


@dataclass(frozen=True)
class FileInfo:
    """Checksum and size in bytes of one file of an artifact."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The content of ``artifact.json``.

    Attributes
    ----------
    kind : str
        What was fitted, e.g. ``"scenario"``.
    created : str
        Time of publication, ISO 8601 in UTC.
    components : mapping of str to str
        Name of each component and the stem of its two files.
    files : mapping of str to FileInfo
        Every file of the folder but ``artifact.json`` itself.
    fields : mapping
        What the fit path wrote down: ``scenario``, ``config``, ``metrics`` and more.
    """

    kind: str
    crossrec: str
    created: str
    components: Mapping[str, str]
    files: Mapping[str, FileInfo]
    libraries: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def scenario(self) -> str:
        """Name of the scenario that was fitted; empty where there is none."""
        return str(self.fields.get("scenario", ""))

    @property
    def config(self) -> Mapping[str, Any]:
        """The configuration of the fit."""
        return dict(self.fields.get("config") or {})

    @property
    def metrics(self) -> Mapping[str, Any]:
        """What was measured at the fit."""
        return dict(self.fields.get("metrics") or {})

    def to_json(self) -> bytes:
        """Return the bytes of ``artifact.json``; not-a-number and infinities become null."""
        content = {
            "family": _FAMILY,
            "format": self.format,
            "kind": self.kind,
            "crossrec": self.crossrec,
            "created": self.created,
            "fields": _finite(self.fields),
            "extra": _finite(self.extra),
            "libraries": dict(self.libraries),
            "components": dict(self.components),
            "files": {name: vars(info) for name, info in self.files.items()},
        }
        return encode_json(content, "the manifest")

    @classmethod
    def from_json(cls, text: bytes, where: str) -> Manifest:
        """Read ``artifact.json``.

        Raises
        ------
        ArtifactError
            If it is damaged, of another program or of a newer format.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise ArtifactError(f"{where} is damaged: it is no JSON; fit again") from None
        if not isinstance(content, dict) or content.get("family") != _FAMILY:
            raise ArtifactError(f"{where} was not written by crossrec")
        written = content.get("format")
        if not isinstance(written, int) or written < 1:
            raise ArtifactError(f"{where} is damaged: it has no format version; fit again")
        if written > FORMAT:
            raise ArtifactError(
                f"{where} was written by a newer crossrec (format {written}, this one reads "
                f"{FORMAT}): upgrade crossrec"
            )
        try:
            files = {name: FileInfo(**info) for name, info in content.pop("files").items()}
            del content["family"]
            manifest = cls(files=files, **content)
        except (KeyError, TypeError, AttributeError):
            raise ArtifactError(f"{where} is damaged: entries are missing; fit again") from None
        if any(name in ("", ".", "..") or "/" in name or "\\" in name for name in files):
            raise ArtifactError(f"{where} names files outside its folder")
        return manifest


def encode_json(value: Any, what: str) -> bytes:
    """Return `value` as strict JSON; numpy scalars count as numbers.

    Raises
    ------
    ArtifactError
        If it holds anything that is not JSON.
    """
    try:
        text = json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1, default=_scalar)
    except (TypeError, ValueError) as error:
        raise ArtifactError(f"{what} cannot be written as JSON: {error}") from None
    return text.encode() + b"\n"


def utc_now() -> str:
    """Return the time of day in UTC, ISO 8601, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def library_versions() -> dict[str, str]:
    """Return the versions of Python, of the numeric libraries and of all crossrec packages."""
    plugins = {e.dist.name for e in metadata.entry_points(group="crossrec") if e.dist is not None}
    versions = {"python": platform.python_version()}
    for name in sorted({*_LIBRARIES, *plugins, "crossrec"}):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _scalar(value: Any) -> Any:
    """Return a numpy scalar as a Python number."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _finite(value: Any) -> Any:
    """Return `value` with null for what JSON has no number for."""
    if isinstance(value, Mapping):
        return {str(name): _finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value
