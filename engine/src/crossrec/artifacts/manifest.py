"""The manifest of an artifact: `artifact.json`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crossrec.artifacts.checked import FileInfo, FolderFormat
from crossrec.jsonio import plain
from crossrec.plugins.found import find_plugins
from crossrec.plugins.requirements import installed_version

#: Version of the folder format that this crossrec writes and reads.
FORMAT = 2
ARTIFACT = FolderFormat(
    "crossrec-artifact", "artifact.json", FORMAT, "fit again with `crossrec fit`"
)
_LIBRARIES = ("numpy", "scipy", "pandas", "torch", "transformers", "scikit-learn", "implicit")


@dataclass(frozen=True)
class Manifest:
    """The content of ``artifact.json``.

    Attributes
    ----------
    kind : str
        What was stored, e.g. ``"pipeline"``.
    crossrec : str
        Version that wrote it.
    created : str
        Time of publication, ISO 8601 in UTC.
    components : mapping of str to str
        Name of each component and the stem of its two files.
    files : mapping of str to FileInfo
        Every file of the folder but ``artifact.json`` itself.
    libraries : mapping of str to str
        Versions of what it was made with.
    values : mapping of JSON values
        What the writer wanted to keep: scenario, configuration, report and more.
    """

    kind: str
    crossrec: str
    created: str
    components: Mapping[str, str]
    files: Mapping[str, FileInfo]
    libraries: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> FileInfo:
        """Write ``artifact.json``; not-a-number and infinities become null."""
        content = {
            "kind": self.kind,
            "crossrec": self.crossrec,
            "created": self.created,
            "values": plain(self.values),
            "libraries": dict(self.libraries),
            "components": dict(self.components),
        }
        return ARTIFACT.write_manifest(folder, self.files, content)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read ``artifact.json``.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ArtifactError
            If it is damaged, of another program or of another format.
        """
        content, files = ARTIFACT.read_manifest(folder)
        try:
            return cls(files=files, **content)
        except TypeError:
            path = folder / ARTIFACT.manifest
            raise ARTIFACT.damaged(path, "entries are missing") from None


def utc_now() -> str:
    """Return the time of day in UTC, ISO 8601, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def library_versions() -> dict[str, str]:
    """Return the versions of Python, of the numeric libraries and of all crossrec packages."""
    versions = {plugin.distribution: plugin.version for plugin in find_plugins()}
    versions |= {name: installed_version(name) or "" for name in _LIBRARIES}
    known = {name: version for name, version in sorted(versions.items()) if version}
    return {"python": platform.python_version(), **known}
