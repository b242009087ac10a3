"""Where named backbones live: in the workspace, and in installed distributions.

A distribution declares the entry-point group ``crossrec.backbones`` with a package as its value;
every folder in that package that holds a backbone is one, named like the folder. The workspace's
own come first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
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


@dataclass(frozen=True)
class Entry:
    """One backbone that can be named.

    Attributes
    ----------
    name : str
    path : Path
    origin : str
        "workspace", or the distribution that brought it.
    """

    name: str
    path: Path
    origin: str


def entries(folder: Path | None) -> list[Entry]:
    """Return all backbones, those of the workspace first; a name is listed once.

    Parameters
    ----------
    folder : Path, optional
        The workspace's folder of backbones.
    """
    found: dict[str, Entry] = {}
    for entry in (*_in_folder(folder, "workspace"), *_installed()):
        found.setdefault(entry.name, entry)
    return list(found.values())


def find(name: str, folder: Path | None) -> Path:
    """Return where the backbone called `name` lies; a path to its folder is taken as it is.

    Raises
    ------
    UsageError
        If there is none.
    """
    for entry in entries(folder):
        if entry.name == name:
            return entry.path
    path = Path(name)
    if (path / MANIFEST).is_file():
        return path
    known = ", ".join(entry.name for entry in entries(folder)) or "none"
    raise UsageError(
        f"there is no backbone {name!r} (known: {known}): `crossrec pretrain` makes one, "
        "`crossrec backbones import` takes one in"
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


def _installed() -> Iterator[Entry]:
    """Yield the backbones of installed distributions; a broken one never stops the others."""
    for point in metadata.entry_points(group=GROUP):
        try:
            spec = find_spec(point.value)
        except (ImportError, ValueError):
            continue
        for place in (spec.submodule_search_locations or ()) if spec else ():
            origin = point.dist.name if point.dist else point.name
            yield from _in_folder(Path(place), origin)
