"""Peak memory of the source `backbone` over 100,000 items and 1,000,000 events: fit, then serve.

The catalogue is generated: kinds of items with words, categories and creators of their own, and
users who keep to two kinds. Vectors are a random projection of the words (Johnson-Lindenstrauss).
The adapter is off, so the closed forms serve; all relations are built, the item-item weights are
solved, and the statistics are published as an artifact. A second process opens the artifact and
answers one query after the other. Writes benchmarks/results/memory_100k.json; the limit of each
process is 8 GiB.

    python benchmarks/memory_100k.py [ITEMS]

With another number of items the result is printed only.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import write_result
from numpy.typing import NDArray

LIMIT_GIB = 8.0
ITEMS = 100_000
EVENTS_AN_ITEM = 10
QUERIES = 100
WIDTH = 384
#: More held-out events than there can be: nothing is chosen by cross-validation.
SETTINGS = {"text": {"encoder": "projected"}, "adapter": {"floor": 10_000_000, "queries": 1}}


def main() -> int:
    n_items = int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS
    with tempfile.TemporaryDirectory(prefix="crossrec-bench-") as folder:
        fitted = measured("--fit", str(n_items), folder)
        served = measured("--serve", folder)
    peak_gib = max(fitted["peak_gib"], served["peak_gib"])
    result = {
        "what": "peak resident memory of fitting and serving the source backbone",
        "limit_gib": LIMIT_GIB,
        "within_limit": peak_gib < LIMIT_GIB,
        "ratio": round(peak_gib / LIMIT_GIB, 3),
        "fit": fitted,
        "serve": served,
    }
    if n_items == ITEMS:
        write_result("memory_100k", result)
    else:
        print(json.dumps(result, indent=2))
    return 0 if result["within_limit"] else 1


def measured(*arguments: str) -> dict[str, Any]:
    """Run one half in a fresh process and return what it measured of itself."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def fit(n_items: int, folder: Path) -> None:
    """Generate, fit, publish and print the peak; runs in a process of its own."""
    from crossrec.artifacts import publish
    from crossrec.components.run import RunOptions
    from crossrec.plugins.registry import load_registry

    dataset = generated(n_items, EVENTS_AN_ITEM * n_items)
    before = peak()
    started, busy = time.perf_counter(), time.process_time()
    source = load_registry().get("candidate_generators", "backbone").build(SETTINGS)
    source.fit(dataset, RunOptions())
    found = {
        "items": dataset.n_items,
        "items_with_events": int((dataset.item_counts > 0).sum()),
        "users": dataset.n_users,
        "events": len(dataset.events),
        "before_fit_gib": round(before, 3),
        "fit_seconds": round(time.perf_counter() - started, 1),
        "fit_cpu_seconds": round(time.process_time() - busy, 1),
        "fit_peak_gib": round(peak(), 3),
    }
    publish(
        folder / "artifact",
        kind="benchmark",
        users=dataset.users,
        items=dataset.catalog.items,
        states={"source": source.state()},
    )
    rows = dataset.sequences
    histories = [rows.row(user).tolist() for user in range(QUERIES)]
    (folder / "queries.json").write_text(json.dumps(histories), encoding="utf-8")
    print(json.dumps({**found, "peak_gib": round(peak(), 3)}))


def serve(folder: Path) -> None:
    """Open what was published, answer the queries and print the peak."""
    from crossrec.artifacts import open_artifact
    from crossrec.components.query import QueryBatch
    from crossrec.components.threads import one_blas_thread
    from crossrec.numeric.ragged import Ragged
    from crossrec.plugins.registry import load_registry

    started = time.perf_counter()
    artifact = open_artifact(folder / "artifact")
    source = load_registry().get("candidate_generators", "backbone").build(SETTINGS)
    source.restore(artifact.states["source"], unnamed(artifact.items))
    histories = json.loads((folder / "queries.json").read_text(encoding="utf-8"))
    queries = [QueryBatch.from_histories(Ragged.from_rows([row])) for row in histories]
    source.generate(queries[0], 10)  # lays the relations out for pairs
    loaded = time.perf_counter() - started
    took, answered = [], 0
    with one_blas_thread():
        for query in queries:
            started = time.thread_time()
            answered += int((source.generate(query, 300).index >= 0).any())
            took.append(1e3 * (time.thread_time() - started))
    found = {
        "queries": len(queries),
        "answered": answered,
        "load_seconds": round(loaded, 2),
        "ms_a_query_p50": round(float(np.median(took)), 2),
        "ms_a_query_p95": round(float(np.quantile(took, 0.95)), 2),
        "peak_gib": round(peak(), 3),
    }
    print(json.dumps(found))


def generated(n_items: int, n_events: int) -> Any:
    """Return a dataset with structure: kinds of 50 items, each with words of its own."""
    from crossrec.data.catalog import Catalog
    from crossrec.data.dataset import Dataset
    from crossrec.data.vocabulary import Vocabulary

    rng = np.random.default_rng(0)
    n_kinds = max(n_items // 50, 2)
    kind = rng.integers(0, n_kinds, n_items)
    own = rng.integers(0, 20_000, (n_kinds, 4))[kind]
    common = 20_000 + rng.zipf(1.3, (n_items, 6)) % 30_000
    numbers = np.concatenate([own, common], axis=1)
    names = word_names(rng, 50_000)
    titles = tuple(" ".join(names[number] for number in row) for row in numbers.tolist())
    catalog = Catalog(
        Vocabulary(f"i{i}" for i in range(n_items)),
        titles,
        titles,
        tuple((f"category {k % 200}",) for k in kind.tolist()),
        tuple(f"creator {k}" for k in rng.integers(0, 5_000, n_items).tolist()),
        np.ones(n_items, dtype=bool),
    )
    users, items = behaviour(rng, kind, n_kinds, n_events)
    dataset = Dataset.build(
        Vocabulary(f"u{u}" for u in range(int(users.max()) + 1)),
        catalog,
        events_of(users, items),
        has_clock=False,
    )
    vectors = projected(rng, numbers)
    return dataset.with_vectors("projected", vectors).with_vectors("projected:title", vectors)


def events_of(users: NDArray[np.int64], items: NDArray[np.int64]) -> Any:
    """Return events in the given order."""
    from crossrec.data.events import Events

    return Events.from_columns(users, items)


def word_names(rng: np.random.Generator, n: int) -> list[str]:
    """Return pronounceable words, so that n-grams of characters are shared as in a language."""
    syllables = np.array([a + b for a in "bcdfghjklmnprstvz" for b in ("a", "e", "i", "o", "u")])
    parts = syllables[rng.integers(0, len(syllables), (n, 3))]
    return ["".join(row) for row in parts.tolist()]


def behaviour(
    rng: np.random.Generator, kind: NDArray[np.int64], n_kinds: int, n_events: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return users and items of events: ten a user, of two kinds, some items far more popular."""
    order = np.argsort(kind, kind="stable")
    starts = np.searchsorted(kind[order], np.arange(n_kinds))
    sizes = np.bincount(kind, minlength=n_kinds)
    n_users = max(n_events // 10, 1)
    chosen = rng.integers(0, n_kinds, (n_users, 2))[:, rng.integers(0, 2, 10)]
    place = (sizes[chosen] * rng.random(chosen.shape) ** 2).astype(np.int64)
    items = order[np.minimum(starts[chosen] + place, len(order) - 1)]
    return np.repeat(np.arange(n_users), 10), items.ravel()


def projected(rng: np.random.Generator, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return unit vectors: the sum of a random direction for each word."""
    directions = rng.normal(size=(50_000, WIDTH)).astype(np.float32)
    vectors = np.zeros((len(numbers), WIDTH), dtype=np.float32)
    for column in numbers.T:
        vectors += directions[column]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def unnamed(items: Any) -> Any:
    """Return a catalogue of these items without any field: serving reads none."""
    from crossrec.data.catalog import Catalog

    n = len(items)
    empty = ("",) * n
    return Catalog(items, empty, empty, ((),) * n, empty, np.ones(n, dtype=bool))


def peak() -> float:
    """Return this process's peak resident memory in GiB (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--fit":
        fit(int(sys.argv[2]), Path(sys.argv[3]))
    elif len(sys.argv) > 2 and sys.argv[1] == "--serve":
        serve(Path(sys.argv[2]))
    else:
        sys.exit(main())
