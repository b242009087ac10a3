"""Static vectors out of a transformer, kept beside the cache of vectors."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.store.vector_cache import CacheEntry
from numpy.typing import NDArray

from crossrec_text.errors import ModelError
from crossrec_text.model_files import find_model, local_model
from crossrec_text.packaged.settings import StaticConfig
from crossrec_text.settings import TransformerConfig

#: The files of a folder of static vectors, and the tensor within, as Model2Vec names them.
WEIGHTS, TOKENIZER, TENSOR = "model.safetensors", "tokenizer.json", "embeddings"
#: Part of the name of a kept folder: another number wherever distilling gives other vectors.
_RECIPE = 1
#: What the names of kept folders have first, and those of unfinished ones.
_PREFIX = "static-"
#: Tokens that pass through the model at once.
_BATCH = 1024
#: Smooth inverse frequency: a token of probability p counts a / (a + p).
_SMOOTHING = 1e-4


def kept_folder(config: StaticConfig, run: RunOptions) -> Path | None:
    """Return the folder of the vectors that `config` asks for; None where there is none yet."""
    folder = Path(config.model).expanduser()
    if is_static(folder):
        return folder
    model = local_model(config.model)
    if model is None or run.cache is None:
        return None
    kept = _kept(config, model.identity, run.cache)
    return kept if is_static(kept) else None


def is_static(folder: Path) -> bool:
    """Whether a folder holds vectors of tokens and no transformer."""
    if not (folder / TOKENIZER).is_file() or not (folder / WEIGHTS).is_file():
        return False
    from safetensors import safe_open

    with safe_open(folder / WEIGHTS, framework="numpy") as file:
        return TENSOR in file.keys()  # noqa: SIM118 - it is no mapping


@contextmanager
def distilled(config: StaticConfig, run: RunOptions) -> Iterator[Path]:
    """Give a folder of freshly distilled vectors; it stays where the run has a cache.

    Raises
    ------
    ModelError
        If the model, or what it needs, is neither installed nor reachable.
    ConfigError
        If the model is of a kind that is not supported.
    """
    files = find_model(config.model)
    if not (files.folder / TOKENIZER).is_file():
        raise ModelError(f"static: {config.model} has no {TOKENIZER}, which a model needs for it")
    parent = run.cache
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}unfinished-", dir=parent))
    try:
        _write(made, files.folder, token_vectors(config, run))
        if parent is None:
            yield made
            return
        kept = _kept(config, files.identity, parent)
        if not is_static(kept):  # another process may have been faster
            shutil.rmtree(kept, ignore_errors=True)
            made.replace(kept)
        yield kept
    finally:
        shutil.rmtree(made, ignore_errors=True)


def kept_models(cache: Path) -> list[CacheEntry]:
    """Return what was distilled into a cache: vectors of tokens by the name of their folder."""
    from safetensors import safe_open

    found = []
    for folder in sorted(cache.glob(f"{_PREFIX}*")):
        if is_static(folder):
            with safe_open(folder / WEIGHTS, framework="numpy") as file:
                rows, _ = file.get_slice(TENSOR).get_shape()
            found.append(CacheEntry(folder.name, rows, (folder / WEIGHTS).stat().st_size))
    return found


def forget_models(cache: Path) -> int:
    """Delete what was distilled into a cache, unfinished parts too; return how many vectors."""
    count = sum(entry.vectors for entry in kept_models(cache))
    for folder in cache.glob(f"{_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)
    return count


def token_vectors(config: StaticConfig, run: RunOptions) -> NDArray[np.float32]:
    """Return a weighted vector for each token of the model's vocabulary, float32 (n, dim).

    Tokens are taken as ordered by frequency, as the vocabularies of WordPiece are: the rank stands
    for the probability (Zipf's law).
    """
    from crossrec_text.sentence_model import SentenceModel

    model = SentenceModel(
        find_model(config.model), TransformerConfig(model=config.model), run.device, run.threads
    )
    run.progress("distilling static vectors", 0, 1)
    vectors = model.encode_vocabulary(_BATCH)
    used = np.flatnonzero((vectors != 0).any(axis=1))
    rows = np.zeros((len(vectors), min(config.embedding_size, vectors.shape[1])), dtype=np.float32)
    ranks = np.arange(2, len(vectors) + 2, dtype=np.float64)
    probability = (1 / ranks) / (1 / ranks).sum()
    weights = _SMOOTHING / (_SMOOTHING + probability)
    rows[used] = principal(vectors[used], config.embedding_size) * weights[used, None]
    return rows


def principal(vectors: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Return the first `size` principal components of rows, float64 (n, ≤ size)."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    variance, basis = np.linalg.eigh(centred.T @ centred / max(len(centred), 1))
    return np.asarray(centred @ basis[:, np.argsort(-variance)[:size]])


def _kept(config: StaticConfig, identity: str, cache: Path) -> Path:
    key = f"{identity} {config.embedding_size} {_RECIPE}"
    return cache / f"{_PREFIX}{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _write(folder: Path, model: Path, rows: NDArray[np.float32]) -> None:
    from safetensors.numpy import save_file

    save_file({TENSOR: np.ascontiguousarray(rows)}, folder / WEIGHTS)
    shutil.copyfile(model / TOKENIZER, folder / TOKENIZER)
