"""Named backbones: found by the engine, loaded, stored, copied in and out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crossrec.errors import UsageError
from crossrec.pipeline.pretrained import no_such_backbone

from crossrec_backbone.pretrained.model import (
    MANIFEST,
    Backbone,
    check_name,
    load_backbone,
    save_backbone,
)


def find(name: str, folders: Mapping[str, Path]) -> Path:
    """Return the folder of the backbone called `name`; a path to its folder is taken as it is.

    Parameters
    ----------
    folders : mapping of name to Path
        All that there are; ``"distribution:name"`` names the one of that distribution.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name in folders:
        return folders[name]
    path = Path(name)
    if (path / MANIFEST).is_file():
        return path
    raise no_such_backbone(name, folders)


def open_named(name: str, folders: Mapping[str, Path]) -> Backbone | None:
    """Load the backbone called `name`; "" means none.

    Raises
    ------
    UsageError
        If there is no such backbone.
    ArtifactError
        If it is damaged or of another format.
    """
    return load_backbone(find(name, folders)) if name else None


def keep(name: str, backbone: Backbone, folder: Path) -> Path:
    """Store a backbone in the workspace under `name`; an older one of that name is replaced."""
    target = folder / check_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    save_backbone(target, backbone)
    return target


def export(source: Path, target: Path) -> Path:
    """Copy a backbone out to the new folder `target`, checked.

    Raises
    ------
    UsageError
        If `target` exists already.
    """
    if target.exists():
        raise UsageError(f"{target} exists: name a new folder")
    backbone = load_backbone(source)
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
        If `source` is no backbone, damaged or of another format.
    """
    backbone = load_backbone(source)
    if (folder / check_name(name)).exists() and not replace:
        raise UsageError(f"there is a backbone {name!r} already: use another name or --replace")
    return keep(name, backbone, folder)
