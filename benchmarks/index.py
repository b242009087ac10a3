"""Single queries over dense vectors: the exact scan of codes beside an approximate index (usearch).

Command: ``python benchmarks/index.py [--items 20000 ...]``; needs ``pip install "usearch<2.23"``
(later ones load a library after which LightGBM fails). Both find the 300 nearest items of a decayed
history, in turn, one thread each, by processor time. The index holds one byte a number and proposes
twice as many items as are wanted, which are scored exactly; its expansion is the smallest of some
that reaches a recall of .98. Writes ``results/index.json``.

The vectors are generated: kinds of 50 items that share words, each word a random direction in
axes whose spread falls such that, half whitened as relations are, the leading sixth of the axes
holds as much of the squared lengths as with all-MiniLM-L6-v2, 62 %; the result has the share.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Any

import numpy as np
from common import write_result
from crossrec.components.query import QueryBatch
from crossrec.components.threads import one_blas_thread
from crossrec.numeric.projection import Projection
from crossrec.numeric.ragged import FloatArray, IntArray, Ragged
from crossrec_backbone.ranking.indexes import DenseIndex, PostingLists
from crossrec_backbone.ranking.search import TextIndex
from crossrec_backbone.relations.config import HistoryConfig

SIZES = (20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
WIDTH, WORDS = 384, 50_000
#: Standard deviations of the axes fall with this power of their number.
FALL = 0.85
K, QUERIES, HISTORY = 300, 100, 5
LEAST_RECALL = 0.98
CONNECTIVITY, EXPANSION_ADD = 16, 64
EXPANSIONS = (600, 1_200, 2_400, 4_800, 9_600, 19_200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=SIZES)
    sizes = [measured(n) for n in parser.parse_args().items]
    pays = [one["items"] for one in sizes if one["index_ms"] < one["scan_ms"]]
    write_result(
        "index",
        {
            "what": f"the {K} nearest of a history of {HISTORY}, {WIDTH} axes, ms of one core",
            "least_recall": LEAST_RECALL,
            "faster_from": min(pays, default=None),
            "sizes": {f"{one.pop('items'):,} items": one for one in sizes},
        },
    )


def measured(n_items: int) -> dict[str, Any]:
    """Measure both ways at one size."""
    rng = np.random.default_rng(0)
    kind, rows = relation(rng, n_items)
    started = time.process_time()
    text = text_index(rows)
    laid_out = time.process_time() - started
    packed, built = packed_index(rows)
    queries = [batch(rng, kind) for _ in range(QUERIES)]
    vectors = [profile(text, query) for query in queries]
    with one_blas_thread():
        exact, scan_ms = timed(lambda at: scanned(text, queries[at]))
        for expansion in EXPANSIONS:
            index = opened(packed, expansion)
            ask = partial(searched, index, rows)
            found, index_ms = timed(lambda at, ask=ask: ask(vectors[at], queries[at]))
            recall = float(np.mean([np.isin(a, b).mean() for a, b in zip(exact, found)]))
            if recall >= LEAST_RECALL:
                break
    one = {
        "items": n_items,
        "leading_share": round(leading_share(rows), 3),
        "scan_ms": round(scan_ms, 2),
        "index_ms": round(index_ms, 2),
        "recall": round(recall, 4),
        "expansion": expansion,
        "scan_build_s": round(laid_out, 1),
        "index_build_s": round(built, 1),
        "index_mib": round(len(packed) / 2**20),
    }
    print(one, flush=True)
    return one


def relation(rng: np.random.Generator, n_items: int) -> tuple[IntArray, FloatArray]:
    """Return the kind of each item, and the rows of its relation."""
    kind = rng.integers(0, max(n_items // 50, 2), n_items)
    own = rng.integers(0, WORDS, (int(kind.max()) + 1, 4))
    spread = np.arange(1, WIDTH + 1) ** -FALL
    directions = (rng.normal(size=(WORDS, WIDTH)) * spread).astype(np.float32)
    vectors = np.zeros((n_items, WIDTH), dtype=np.float32)
    for column in own.T:
        vectors += directions[column[kind]]
    for _ in range(6):
        vectors += directions[rng.zipf(1.3, n_items) % WORDS]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # The axes are learnt from some, as all in double precision would fill the memory.
    sample = vectors[rng.choice(n_items, min(n_items, 50_000), replace=False)]
    return kind, Projection.fit(sample, 0.5).rows(vectors)


def leading_share(rows: FloatArray) -> float:
    """Return the share of the squared lengths along the leading sixth of the axes."""
    some = rows[:10_000]
    return float(np.square(some[:, WIDTH * 5 // 6 :]).sum() / np.square(some).sum())


def text_index(rows: FloatArray) -> TextIndex:
    """Return the catalogue with the relation alone, laid out as the sources do it."""
    return TextIndex(
        np.ones(len(rows), dtype=bool),
        {"text_dense": (1.0, 0.0)},
        {"text_dense": DenseIndex.build(rows)},
        PostingLists.build({}, len(rows), 1),
    )


def packed_index(rows: FloatArray) -> tuple[bytearray, float]:
    """Return an index of usearch over the rows, and the processor seconds that it takes."""
    index = opened(None, EXPANSION_ADD)
    started = time.process_time()
    index.add(np.arange(len(rows)), rows)
    return index.save(), time.process_time() - started


def opened(packed: bytearray | None, expansion: int) -> Any:
    """Return an index, which is empty or read where it lies.

    Each expansion has an index of its own: usearch 2.21 writes past its memory where it is changed
    after rows were added.
    """
    from usearch.index import Index

    index = Index(
        ndim=WIDTH,
        metric="ip",
        dtype="i8",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=expansion,
        enable_key_lookups=False,
    )
    if packed is not None:
        index.view(packed)
    return index


def batch(rng: np.random.Generator, kind: IntArray) -> QueryBatch:
    """Return a query with a history of two kinds, which it excludes."""
    kinds = rng.choice(kind, 2)
    near = np.flatnonzero(np.isin(kind, kinds))
    history = rng.choice(near, HISTORY, replace=len(near) < HISTORY)
    return QueryBatch.from_histories(Ragged.from_rows([history.tolist()]))


def profile(text: TextIndex, query: QueryBatch) -> FloatArray:
    """Return what the history of a query is compared by."""
    vector: FloatArray = text.scan(query, HistoryConfig()).profiles[0].vectors["text_dense"]
    return vector


def scanned(text: TextIndex, query: QueryBatch) -> IntArray:
    """Return the nearest by the scan of the sources."""
    found: IntArray = text.scan(query, HistoryConfig()).best(K, query.exclude).index[0]
    return found


def searched(index: Any, rows: FloatArray, vector: FloatArray, query: QueryBatch) -> IntArray:
    """Return the nearest by the index, scored exactly."""
    length = max(float(np.linalg.norm(vector)), 1e-9)
    found = index.search(vector / length, 2 * K, threads=1).keys.astype(np.int64)
    found = found[~np.isin(found, query.exclude.values)]
    scores = rows.take(found, axis=0) @ vector
    best: IntArray = found[np.argsort(-scores)[:K]]
    return best


def timed(answer: Any) -> tuple[list[IntArray], float]:
    """Return all answers, and the median of their processor time in ms, after a few to warm up."""
    for at in range(5):
        answer(at)
    found, took = [], []
    for at in range(QUERIES):
        started = time.process_time()
        found.append(answer(at))
        took.append(1e3 * (time.process_time() - started))
    return found, float(np.median(took))


if __name__ == "__main__":
    main()
