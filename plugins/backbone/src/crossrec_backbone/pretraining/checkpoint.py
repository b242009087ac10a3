"""What a long run has computed so far, file by file; a killed run leaves whole files or none."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from crossrec.artifacts import map_tensors, write_tensors
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.errors import ArtifactError
from numpy.typing import NDArray

from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.ranking.trees import TreeRanker

#: The name of a state's JSON values among its arrays.
_VALUES = "values.json"
#: Examples, queries of the task, and how many of them had their target among the candidates.
Known = tuple[Groups, int, int]


class Checkpoint:
    """A folder of arrays (safetensors) and JSON values; with None nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ArtifactError(f"cannot write {folder}: {error.strerror}") from error

    def groups(self, key: str) -> Known | None:
        """Return the examples under `key`; None where there are none."""
        arrays = self._arrays(key)
        if arrays is None:
            return None
        queries, hits = (int(value) for value in arrays["counts"])
        return Groups(arrays["index"], arrays["columns"], arrays["place"]), queries, hits

    def keep_groups(self, key: str, groups: Groups, queries: int, hits: int) -> Known:
        """Store examples and return them."""
        counts = np.array([queries, hits], dtype=np.int64)
        self._keep_arrays(key, {**groups.arrays(), "counts": counts})
        return groups, queries, hits

    def model(self, key: str) -> TreeRanker | None:
        """Return the model under `key`; None where there is none."""
        path = self._path(f"{key}.json")
        if path is None or not path.is_file():
            return None
        return TreeRanker.restored(json.loads(path.read_text(encoding="utf-8")))

    def keep_model(self, key: str, ranker: TreeRanker) -> TreeRanker:
        """Store a model and return it."""
        text = json.dumps(ranker.values())
        self._write(f"{key}.json", lambda path: path.write_text(text, encoding="utf-8"))
        return ranker

    def state(self, key: str) -> State | None:
        """Return the arrays and values under `key`; None where there are none."""
        arrays = self._arrays(key)
        if arrays is None:
            return None
        return State(arrays, json.loads(arrays.pop(_VALUES).tobytes()))

    def keep_state(self, key: str, state: State) -> State:
        """Store arrays and values, in one file, and return them."""
        values = np.frombuffer(json.dumps(dict(state.values)).encode(), dtype=np.uint8)
        self._keep_arrays(key, {**state.arrays, _VALUES: values})
        return state

    def _arrays(self, key: str) -> dict[str, NDArray[Any]] | None:
        path = self._path(f"{key}.safetensors")
        if path is None or not path.is_file():
            return None
        return {name: np.array(array) for name, array in map_tensors(path).items()}

    def _keep_arrays(self, key: str, arrays: dict[str, NDArray[Any]]) -> None:
        self._write(f"{key}.safetensors", lambda path: write_tensors(path, arrays))

    def _write(self, name: str, write: Callable[[Path], object]) -> None:
        """Write a file under another name, and put it in its place in one step."""
        path = self._path(name)
        if path is not None:
            unfinished = path.with_name(f".{name}-{secrets.token_hex(4)}")
            write(unfinished)
            unfinished.replace(path)

    def _path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / name


def digest_of(dataset: Dataset, settings: Sequence[Any]) -> str:
    """Return a digest of settings, in JSON values, and of all that is read of a dataset."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    catalog = dataset.catalog
    for field in (catalog.items.ids, catalog.titles, catalog.texts, catalog.creators):
        digest.update("\0".join(field).encode("utf-8", "surrogatepass"))
    digest.update(repr(catalog.categories).encode("utf-8", "surrogatepass"))
    for array in (dataset.sequences.indptr, dataset.sequences.values):
        digest.update(array.tobytes())
    for name, vectors in sorted(dataset.vectors.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(vectors).tobytes())
    return digest.hexdigest()[:24]
