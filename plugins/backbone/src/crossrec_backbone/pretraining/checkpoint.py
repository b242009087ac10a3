"""What pretraining has computed so far, file by file; a killed run finds whole files or none."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import numpy as np
from crossrec.artifacts import map_tensors, write_tensors
from crossrec.errors import ArtifactError

from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.ranking.trees import TreeRanker

#: Examples, queries asked, and how many of them had their target among the candidates.
Known = tuple[Groups, int, int]


class Checkpoint:
    """A folder of examples (safetensors) and models (JSON); with None nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ArtifactError(f"cannot write {folder}: {error.strerror}") from error

    def groups(self, key: str) -> Known | None:
        """Return the examples under `key`; None where there are none."""
        path = self._path(f"{key}.safetensors")
        if path is None or not path.is_file():
            return None
        arrays = {name: np.array(array) for name, array in map_tensors(path).items()}
        asked, hits = (int(value) for value in arrays["counts"])
        return Groups(arrays["index"], arrays["columns"], arrays["place"]), asked, hits

    def keep_groups(self, key: str, groups: Groups, asked: int, hits: int) -> Known:
        """Store examples and return them."""
        path = self._path(f"{key}.safetensors")
        if path is not None:
            counts = np.array([asked, hits], dtype=np.int64)
            fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
            write_tensors(fresh, {**groups.arrays(), "counts": counts})
            fresh.replace(path)
        return groups, asked, hits

    def model(self, key: str) -> TreeRanker | None:
        """Return the model under `key`; None where there is none."""
        path = self._path(f"{key}.json")
        if path is None or not path.is_file():
            return None
        return TreeRanker.restored(json.loads(path.read_text(encoding="utf-8")))

    def keep_model(self, key: str, ranker: TreeRanker) -> TreeRanker:
        """Store a model and return it."""
        path = self._path(f"{key}.json")
        if path is not None:
            fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
            fresh.write_text(json.dumps(ranker.values()), encoding="utf-8")
            fresh.replace(path)
        return ranker

    def _path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / name
