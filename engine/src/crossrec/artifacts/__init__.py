"""One folder format for everything that is fitted: JSON and safetensors, never pickle.

Folders are written whole or not at all, and every file is verified by its checksum.
"""

from __future__ import annotations

from crossrec.artifacts.checked import FileInfo, FolderFormat, new_folder, write_file
from crossrec.artifacts.folder import Artifact, drop_older, open_artifact, publish
from crossrec.artifacts.manifest import FORMAT, Manifest
from crossrec.artifacts.pretrained import CARD, read_pretrained, write_pretrained
from crossrec.artifacts.states import checked_state, read_state, write_state
from crossrec.artifacts.tensors import map_tensors, write_tensors

__all__ = [
    "CARD",
    "FORMAT",
    "Artifact",
    "FileInfo",
    "FolderFormat",
    "Manifest",
    "drop_older",
    "checked_state",
    "map_tensors",
    "new_folder",
    "open_artifact",
    "publish",
    "read_pretrained",
    "read_state",
    "write_file",
    "write_pretrained",
    "write_state",
    "write_tensors",
]
