"""Named backbones: found by the engine, loaded, stored, copied in and out.

Some belong to other sources than `backbone`: bodies that were pretrained. They are stored in the
engine's own format, and are checked and copied here all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossrec.artifacts import read_pretrained, write_pretrained
from crossrec.components.state import State
from crossrec.errors import UsageError
from crossrec.pipeline.pretrained import find_pretrained, source_of
from crossrec.pipeline.with_backbone import BACKBONE

from crossrec_backbone.pretrained.model import Backbone, check_name, load_backbone, save_backbone


@dataclass(frozen=True, eq=False)
class Body:
    """What another source learnt on several scenarios; only that source can read its state.

    Attributes
    ----------
    card : mapping of JSON values
        ``source`` names the source.
    """

    card: Mapping[str, Any]
    state: State


def open_named(name: str, folders: Mapping[str, Path]) -> Backbone | None:
    """Load the backbone called `name`; "" means none.

    Raises
    ------
    UsageError
        If there is no such backbone, or it belongs to another source.
    ArtifactError
        If it is damaged or of another format.
    """
    if not name:
        return None
    folder = find_pretrained(name, folders)
    source = source_of(folder)
    if source != BACKBONE:
        raise UsageError(
            f"{name} is pretrained for the source {source!r}, not for {BACKBONE!r}: name it in "
            f"the setting `pretrained` of {source!r}; `crossrec transfer` takes it as --body"
        )
    return load_backbone(folder)


def keep(name: str, backbone: Backbone | Body, folder: Path) -> Path:
    """Store a backbone in the workspace under `name`; an older one of that name is replaced."""
    target = folder / check_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    _save(target, backbone)
    return target


def load(folder: Path) -> Backbone | Body:
    """Read the backbone in `folder`, of whichever source, and check every file.

    Raises
    ------
    ArtifactError
        If there is none, or it is damaged or of another format.
    """
    if source_of(folder) == BACKBONE:
        return load_backbone(folder)
    return Body(*read_pretrained(folder))


def export(source: Path, target: Path) -> Path:
    """Copy a backbone out to the new folder `target`, checked.

    Raises
    ------
    UsageError
        If `target` exists already.
    """
    if target.exists():
        raise UsageError(f"{target} exists: name a new folder")
    backbone = load(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    _save(target, backbone)
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
    backbone = load(source)
    if (folder / check_name(name)).exists() and not replace:
        raise UsageError(f"there is a backbone {name!r} already: use another name or --replace")
    return keep(name, backbone, folder)


def _save(folder: Path, backbone: Backbone | Body) -> None:
    if isinstance(backbone, Backbone):
        save_backbone(folder, backbone)
    else:
        write_pretrained(folder, backbone.card, backbone.state)
