"""What all encoders of texts share: each distinct text once, and what the cache has not at all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.store.vector_cache import VectorCache
from numpy.typing import NDArray

log = logging.getLogger("crossrec")

#: Texts between two writes to the cache: what a killed run loses at most.
_CHUNK = 512


@dataclass(frozen=True)
class Encoded:
    """What one call of `encode` did.

    Attributes
    ----------
    texts : int
        Distinct texts that were requested.
    hits, misses : int
        How many of them the cache had, and how many went through the model.
    seconds : float
    """

    texts: int
    hits: int
    misses: int
    seconds: float


def encode_catalog(
    catalog: Catalog,
    run: RunOptions,
    key: Callable[[], str],
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
) -> tuple[NDArray[np.float32], Encoded]:
    """Encode the texts of a catalog.

    Parameters
    ----------
    key : callable
        Names everything but the text that decides about a vector; "" for an encoder that is as fast
        as the cache. It is not called where there is no text, so that no model is needed then.
    encode : callable
        Texts → float32 (n, dim), rows of length 1.

    Returns
    -------
    vectors : float32 array, shape (n_items, dim)
        Zero rows for items without text.
    encoded : Encoded
    """
    started = time.perf_counter()
    places: dict[str, list[int]] = {}
    for at, text in enumerate(catalog.texts):
        if text.strip():
            places.setdefault(text, []).append(at)
    if not places:
        none = np.zeros((len(catalog), 0), dtype=np.float32)
        return none, Encoded(0, 0, 0, time.perf_counter() - started)
    texts, name = list(places), key()
    cache = VectorCache(run.cache, name) if run.cache is not None and name else None
    distinct, hits = _distinct(texts, run, cache, encode)
    rows = np.repeat(np.arange(len(texts)), [len(places[text]) for text in texts])
    vectors = np.zeros((len(catalog), distinct.shape[1]), dtype=np.float32)
    vectors[np.concatenate([places[text] for text in texts])] = distinct[rows]
    done = Encoded(len(texts), hits, len(texts) - hits, time.perf_counter() - started)
    log.info("encoded %d texts, %d from the cache, in %.1f s", len(texts), hits, done.seconds)
    return vectors, done


def _distinct(
    texts: list[str],
    run: RunOptions,
    cache: VectorCache | None,
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
) -> tuple[NDArray[np.float32], int]:
    """Return one vector for each of the distinct `texts`, and how many the cache had."""
    known = cache.get(texts) if cache else {}
    missing = [at for at in range(len(texts)) if at not in known]
    fresh: dict[int, NDArray[np.float32]] = {}
    for part in by_length(texts, missing):
        chosen = [texts[at] for at in part]
        encoded = encode(chosen)
        if cache:
            cache.put(chosen, encoded)
        fresh |= zip(part, encoded, strict=True)
        run.progress("encoding texts", len(fresh), len(missing))
    rows = {**known, **fresh}
    return np.stack([rows[at] for at in range(len(texts))]), len(known)


def by_length(texts: Sequence[str], chosen: list[int]) -> Iterator[list[int]]:
    """Give `chosen` in chunks of like length, so that batches hold little padding."""
    order = sorted(chosen, key=lambda at: (-len(texts[at]), at))
    for start in range(0, len(order), _CHUNK):
        yield order[start : start + _CHUNK]
