"""Where named backbones live: in the workspace, and in installed distributions.

A distribution declares an entry point in the group ``crossrec.backbones``. Its value,
``"package:attribute"``, leads to a folder, or to a function without arguments that returns one;
every folder in there that holds a backbone is one, named like the folder. The name of the entry
point is that of the backbone with which scenarios without events begin. The workspace's own come
first; a distribution that is broken is named with its error and never stops the others.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from crossrec.backbone.model import (
    MANIFEST,
    Backbone,
    check_name,
    load_backbone,
    read_manifest,
    save_backbone,
)
from crossrec.errors import UsageError

GROUP = "crossrec.backbones"
#: Folder of a workspace in which its backbones lie.
FOLDER = "backbones"
WORKSPACE = "workspace"


@dataclass(frozen=True)
class Entry:
    """One backbone that can be named.

    Attributes
    ----------
    name : str
    path : Path
    origin : str
        "workspace", or the distribution that brought it.
    default : bool
        Whether its distribution means it for scenarios that have no events yet.
    hidden : bool
        Whether another one comes first under this name.
    """

    name: str
    path: Path
    origin: str
    default: bool = False
    hidden: bool = False

    @property
    def reference(self) -> str:
        """What names this one and no other: the name, with its origin where that is needed."""
        return f"{self.origin}:{self.name}" if self.hidden else self.name


@dataclass(frozen=True)
class Broken:
    """A distribution whose backbones cannot be found, and why."""

    origin: str
    error: str


@dataclass(frozen=True)
class Survey:
    """All that was found: backbones, those of the workspace first, and what is broken."""

    found: tuple[Entry, ...]
    broken: tuple[Broken, ...]

    @property
    def default(self) -> Entry | None:
        """The backbone for scenarios without events; None where not exactly one is meant so."""
        meant = [entry for entry in self.found if entry.default]
        return meant[0] if len(meant) == 1 else None


def survey(folder: Path | None) -> Survey:
    """Look for backbones in the workspace's folder of them, and in installed distributions."""
    installed: list[Entry] = []
    broken: list[Broken] = []
    for point in _points(broken):
        origin = point.dist.name if point.dist else point.name
        try:
            inside = list(_in_folder(_folder_of(point), origin))
        except (Exception, SystemExit) as error:
            broken.append(Broken(origin, f"{type(error).__name__}: {error}"))
            continue
        installed += [replace(entry, default=entry.name == point.name) for entry in inside]
    found: list[Entry] = []
    for entry in (*_in_folder(folder, WORKSPACE), *installed):
        taken = any(other.name == entry.name for other in found)
        found.append(replace(entry, hidden=taken))
    return Survey(tuple(found), tuple(broken))


def find(name: str, folder: Path | None) -> Path:
    """Return where the backbone called `name` lies; a path to its folder is taken as it is.

    ``"distribution:name"`` names the one of that distribution.

    Raises
    ------
    UsageError
        If there is none.
    """
    seen = survey(folder)
    for entry in seen.found:
        if name in (entry.reference, f"{entry.origin}:{entry.name}"):
            return entry.path
    path = Path(name)
    if (path / MANIFEST).is_file():
        return path
    known = ", ".join(entry.reference for entry in seen.found) or "none"
    broken = "".join(f"; {one.origin} is broken: {one.error}" for one in seen.broken)
    raise UsageError(
        f"there is no backbone {name!r} (known: {known}{broken}): `crossrec pretrain` makes one, "
        "`crossrec backbones import` takes one in, `pip install crossrec-backbones` brings some"
    )


def open_named(name: str, folder: Path | None) -> Backbone | None:
    """Load the backbone called `name`; "" means none.

    Raises
    ------
    UsageError
        If there is no such backbone.
    ArtifactError
        If it is damaged or of a newer format.
    """
    return load_backbone(find(name, folder)) if name else None


def keep(name: str, backbone: Backbone, folder: Path) -> Path:
    """Store a backbone in the workspace under `name`; an older one of that name is replaced."""
    target = folder / check_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    save_backbone(target, backbone)
    return target


def export(name: str, folder: Path | None, target: Path) -> Path:
    """Copy a backbone out to the new folder `target`, checked.

    Raises
    ------
    UsageError
        If `target` exists already.
    """
    if target.exists():
        raise UsageError(f"{target} exists: name a new folder")
    backbone = load_backbone(find(name, folder))
    target.parent.mkdir(parents=True, exist_ok=True)
    save_backbone(target, backbone)
    return target


def take_in(source: Path, name: str, folder: Path, *, replace: bool = False) -> Path:
    """Copy a backbone from the folder `source` into the workspace, checked.

    Raises
    ------
    UsageError
        If there is one of that name and `replace` is False.
    ArtifactError
        If `source` is no backbone, damaged or of a newer format.
    """
    backbone = load_backbone(source)
    if (folder / check_name(name)).exists() and not replace:
        raise UsageError(f"there is a backbone {name!r} already: use another name or --replace")
    return keep(name, backbone, folder)


def remove(name: str, folder: Path) -> None:
    """Delete a backbone of the workspace."""
    path = folder / check_name(name)
    read_manifest(path)
    shutil.rmtree(path)


def _in_folder(folder: Path | None, origin: str) -> Iterator[Entry]:
    """Yield the backbones in a folder, by name."""
    if folder is None or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(".") and (path / MANIFEST).is_file():
            yield Entry(path.name, path, origin)


def _folder_of(point: metadata.EntryPoint) -> Path:
    """Return the folder that an entry point leads to.

    Raises
    ------
    Exception
        Whatever a foreign module raises, or a CrossrecError where it leads to no folder.
    """
    told = point.load()
    told = told() if callable(told) else told
    if not isinstance(told, str | Path) or not Path(told).is_dir():
        raise UsageError(f"{point.value} leads to no folder of backbones")
    return Path(told)


def _points(broken: list[Broken]) -> list[metadata.EntryPoint]:
    """Return the entry points by distribution; distributions with unreadable ones go to `broken`.

    One damaged list makes the standard library raise for all, so then they are read one by one.
    """
    points: list[metadata.EntryPoint] = []
    try:
        points = list(metadata.entry_points(group=GROUP))
    except Exception:
        for distribution in metadata.distributions():
            try:
                points += distribution.entry_points.select(group=GROUP)
            except Exception as error:
                name = str(distribution.metadata["Name"])
                if "crossrec" in name.lower():
                    broken.append(Broken(name, f"its entry points cannot be read: {error}"))
    return sorted(points, key=lambda one: (one.dist.name.lower() if one.dist else "", one.name))
