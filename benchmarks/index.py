"""Single queries over dense vectors: the scan of codes beside the approximate index.

Command: ``python benchmarks/index.py [--items 20000 ...]``. Both answer with the 300 best of a
decayed history, as the source `content` asks them, in turn, on one thread and by processor time;
the scan's answer is exact. Writes ``results/index.json``.

The vectors are generated: kinds of 50 items that share words, each word a random direction in
axes whose spread falls such that, half whitened as relations are, the leading sixth of the axes
holds about as much of the squared lengths as with all-MiniLM-L6-v2, 62 %; the result has the share.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from common import write_result
from crossrec.components.query import QueryBatch
from crossrec.components.threads import one_blas_thread
from crossrec.numeric.ragged import FloatArray, IntArray, Ragged
from crossrec_backbone.relations import near_index
from crossrec_backbone.relations.config import HistoryConfig
from crossrec_backbone.relations.indexes import DenseIndex, NearRows, PostingLists
from crossrec_backbone.relations.near_index import NearIndex
from crossrec_backbone.relations.search import TextIndex
from crossrec_backbone.relations.text import Projection

SIZES = (20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
WIDTH, WORDS = 384, 50_000
#: Standard deviations of the axes fall with this power of their number.
FALL = 0.85
K, QUERIES, HISTORY = 300, 100, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=SIZES)
    sizes = [measured(n) for n in parser.parse_args().items]
    faster = [one["items"] for one in sizes if one["index_ms"] < one["scan_ms"]]
    write_result(
        "index",
        {
            "what": f"the {K} nearest of a history of {HISTORY}, {WIDTH} axes, ms of one core",
            "faster_from": min(faster, default=None),
            "used_from": near_index.LEAST_ITEMS,
            "sizes": {f"{one.pop('items'):,} items": one for one in sizes},
        },
    )


def measured(n_items: int) -> dict[str, Any]:
    """Measure both ways at one size."""
    rng = np.random.default_rng(0)
    kind, rows = relation(rng, n_items)
    queries = [batch(rng, kind) for _ in range(QUERIES)]
    started = time.process_time()
    near = NearIndex.build(rows)
    built = time.process_time() - started
    with one_blas_thread():
        exact, scan_ms = timed(text_index(DenseIndex.build(rows)), queries)
        found, index_ms = timed(text_index(NearRows.build(rows, near)), queries)
    shared = [np.isin(*both).mean() for both in zip(exact, found, strict=True)]
    one = {
        "items": n_items,
        "leading_share": round(leading_share(rows), 3),
        "scan_ms": round(scan_ms, 2),
        "index_ms": round(index_ms, 2),
        "recall": round(float(np.mean(shared)), 4),
        "index_build_s": round(built, 1),
        "index_mib": round(near.packed.nbytes / 2**20),
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


def text_index(laid_out: DenseIndex | NearRows) -> TextIndex:
    """Return a catalogue with this relation alone."""
    n_items = len(laid_out.rows)
    described = np.ones(n_items, dtype=bool)
    lexical = PostingLists.build({}, n_items, 1)
    return TextIndex(described, {"text_dense": (1.0, 0.0)}, {"text_dense": laid_out}, lexical)


def batch(rng: np.random.Generator, kind: IntArray) -> QueryBatch:
    """Return a query with a history of two kinds, which it excludes."""
    kinds = rng.choice(kind, 2)
    near = np.flatnonzero(np.isin(kind, kinds))
    history = rng.choice(near, HISTORY, replace=len(near) < HISTORY)
    return QueryBatch.from_histories(Ragged.from_rows([history.tolist()]))


def timed(text: TextIndex, queries: list[QueryBatch]) -> tuple[list[IntArray], float]:
    """Return all answers, and the median of their processor time in ms, after some to warm up."""

    def answer(query: QueryBatch) -> IntArray:
        found: IntArray = text.scan(query, HistoryConfig()).best(K, query.exclude).index[0]
        return found

    for query in queries[:5]:
        answer(query)
    found, took = [], []
    for query in queries:
        started = time.process_time()
        found.append(answer(query))
        took.append(1e3 * (time.process_time() - started))
    return found, float(np.median(took))


if __name__ == "__main__":
    main()
