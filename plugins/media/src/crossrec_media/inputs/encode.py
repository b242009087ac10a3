"""Each distinct content is encoded once, and kept by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import FloatArray
from crossrec.store.vector_cache import VectorCache

from crossrec_media.errors import Refused
from crossrec_media.inputs.locate import locate
from crossrec_media.inputs.refusals import Refusals
from crossrec_media.settings import FilesConfig

Decoded = TypeVar("Decoded")


@dataclass(frozen=True)
class FileKind(Generic[Decoded]):
    """How files of one kind become vectors.

    Attributes
    ----------
    name : str
    suffixes : tuple of str
    key : str
        Everything but the content that decides about a vector.
    decode : callable
        Bytes of a file → what `vectors` takes; raises `Refused`.
    vectors : callable
        Decoded files → float32 (n, dim).
    batch : int
        Files that are decoded and encoded at once: what a killed run loses at most.
    """

    name: str
    suffixes: tuple[str, ...]
    key: str
    decode: Callable[[bytes], Decoded]
    vectors: Callable[[Sequence[Decoded]], FloatArray]
    batch: int


def encode_files(
    catalog: Catalog, config: FilesConfig, kind: FileKind[Decoded], run: RunOptions
) -> tuple[FloatArray, Refusals]:
    """Return float32 (n_items, dim), rows of length 1; zero rows for items without a good file."""
    refusals = Refusals(kind.name)
    contents: dict[str, Path] = {}
    rows: dict[int, str] = {}
    for at, path in locate(catalog, config, kind.suffixes, run, refusals).items():
        try:
            rows[at] = _content(path, int(config.largest * 1e6))
        except Refused as refused:
            refusals.add(str(refused), path.name)
        else:
            contents.setdefault(rows[at], path)
    known = _vectors_of(contents, kind, run, refusals)
    refusals.read = sum(key in known for key in rows.values())
    refusals.warn()
    width = len(next(iter(known.values()))) if known else 0
    vectors = np.zeros((len(catalog), width), dtype=np.float32)
    for at, key in rows.items():
        if key in known:
            vectors[at] = known[key]
    return unit_rows(vectors), refusals


def _vectors_of(
    contents: Mapping[str, Path], kind: FileKind[Decoded], run: RunOptions, refusals: Refusals
) -> dict[str, FloatArray]:
    """Return the vector of each content that can be decoded."""
    keys = list(contents)
    cache = None if run.cache is None else VectorCache(run.cache, kind.key)
    cached = cache.get(keys) if cache else {}
    known = {keys[at]: vector for at, vector in cached.items()}
    missing = [key for key in keys if key not in known]
    for start in range(0, len(missing), kind.batch):
        run.progress(f"encoding {kind.name} files", start, len(missing))
        good: dict[str, Decoded] = {}
        for key in missing[start : start + kind.batch]:
            try:
                good[key] = kind.decode(contents[key].read_bytes())
            except Refused as refused:
                refusals.add(str(refused), contents[key].name)
        if good:
            fresh = np.asarray(kind.vectors(list(good.values())), dtype=np.float32)
            known |= dict(zip(good, fresh, strict=True))
            if cache:
                cache.put(list(good), fresh)
    return known


def _content(path: Path, largest: int) -> str:
    """Return the hash of a file of allowed size."""
    size = path.stat().st_size
    if size > largest:
        raise Refused(f"larger than {largest / 1e6:g} MB")
    if not size:
        raise Refused("empty")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unit_rows(vectors: FloatArray) -> FloatArray:
    """Return rows of length 1; zero rows, and those that are not finite, become zero."""
    finite = np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, 0.0)
    lengths = np.linalg.norm(finite.astype(np.float64), axis=1, keepdims=True)
    unit = np.divide(finite, lengths, out=np.zeros_like(finite, np.float64), where=lengths > 1e-12)
    return np.asarray(unit, dtype=np.float32)
