"""The state of a component, looked at before it is stored, and in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from crossrec.artifacts.checked import FileInfo, write_file
from crossrec.artifacts.tensors import map_tensors, refuse_unstorable, write_tensors
from crossrec.components.state import State
from crossrec.errors import ArtifactError
from crossrec.jsonio import encode
from crossrec.plugins.state import one_line

_TENSORS, _VALUES = "state.safetensors", "values.json"


def checked_state(component: Any) -> State:
    """Return the state of a component, which can be published.

    Raises
    ------
    ArtifactError
        Says what is wrong with it.
    """
    try:
        state = component.state()
        if not isinstance(state, State):
            raise TypeError(f"state() returned {type(state).__name__}, not State")
        refuse_unstorable(state.arrays)
        encode(dict(state.values), "its values")
    except ArtifactError:
        raise
    except (Exception, SystemExit) as error:
        raise ArtifactError(one_line(error)) from error
    return state


def write_state(folder: Path, state: State) -> dict[str, FileInfo]:
    """Write a state into a folder and return its files, for the folder's manifest.

    Raises
    ------
    ArtifactError
        If it cannot be stored.
    """
    return {
        _TENSORS: write_tensors(folder / _TENSORS, state.arrays),
        _VALUES: write_file(folder / _VALUES, encode(dict(state.values), "its values")),
    }


def read_state(folder: Path) -> State:
    """Return the state in a folder whose files were checked; its arrays are read-only.

    Raises
    ------
    ValueError
        If its values are not JSON.
    ArtifactError
        If its arrays are damaged.
    """
    values = json.loads((folder / _VALUES).read_bytes())
    return State(map_tensors(folder / _TENSORS), values)
