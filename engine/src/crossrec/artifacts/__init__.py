"""One folder format for everything that is fitted: JSON and safetensors, never pickle."""

from __future__ import annotations

from crossrec.artifacts.folder import Artifact, open_artifact, publish
from crossrec.artifacts.manifest import FORMAT, FileInfo, Manifest
from crossrec.artifacts.tensors import map_tensors, write_tensors

__all__ = [
    "FORMAT",
    "Artifact",
    "FileInfo",
    "Manifest",
    "map_tensors",
    "open_artifact",
    "publish",
    "write_tensors",
]
