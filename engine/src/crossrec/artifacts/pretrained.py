"""What was pretrained on several scenarios: a folder of a card, a state and a manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crossrec.artifacts.checked import FolderFormat, new_folder, write_file
from crossrec.artifacts.states import read_state, write_state
from crossrec.components.state import State
from crossrec.errors import ArtifactError
from crossrec.jsonio import encode

#: The file that makes a folder one of something pretrained.
CARD = "card.json"
PRETRAINED = FolderFormat(
    "crossrec-pretrained", "pretrained.json", 1, "pretrain it again, or get a new copy of it"
)


def write_pretrained(folder: Path, card: Mapping[str, Any], state: State) -> None:
    """Write `folder` in one step; what was there is replaced.

    Parameters
    ----------
    card : mapping of JSON values
        ``source`` names the candidate generator that it belongs to, ``sources`` is the list of what
        it was trained on.

    Raises
    ------
    ArtifactError
        If the folder holds something else, or cannot be written.
    """
    if folder.exists() and not (folder / CARD).is_file():
        raise ArtifactError(f"{folder} exists and holds something else: name another folder")
    with new_folder(folder) as unfinished:
        files = write_state(unfinished, state)
        files[CARD] = write_file(unfinished / CARD, encode(dict(card), "the card"))
        PRETRAINED.write_manifest(unfinished, files, {})


def read_pretrained(folder: Path) -> tuple[dict[str, Any], State]:
    """Return card and state, every file checked; the arrays are read-only memory maps.

    Raises
    ------
    ArtifactError
        If there is none in `folder`, or it is damaged or of another format.
    """
    try:
        _, files = PRETRAINED.read_manifest(folder)
        PRETRAINED.check(folder, files)
        return dict(json.loads((folder / CARD).read_bytes())), read_state(folder)
    except FileNotFoundError as error:
        missing = Path(error.filename or PRETRAINED.manifest).name
        raise ArtifactError(
            f"{folder} is not whole: {missing} is missing; {PRETRAINED.remedy}"
        ) from None
    except (ValueError, TypeError) as error:
        raise PRETRAINED.damaged(folder, str(error)) from None
