"""Peak memory of fitting the default collaborative sources on MovieLens 1M.

Each source is fitted in a process of its own, with the data set read in it, and then all of them
one after the other in one process. Writes benchmarks/results/memory_ml1m.json; the limit of the
whole is 2 GiB.

    python benchmarks/memory_ml1m.py [DATASETS]
"""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from common import datasets, write_result

LIMIT_GIB = 2.0
SOURCES = (
    "popularity",
    "popularity-decayed",
    "trending",
    "covisitation",
    "item-knn",
    "user-knn",
    "ease",
    "als",
)


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else datasets()
    path = root / "ml-1m-sequences" / "sequences.tsv.gz" if root else None
    if path is None or not path.is_file():
        print("skipped: the data set ml-1m-sequences is not here; give the folder of data sets")
        return 0
    alone = {name: measured(path, (name,)) for name in SOURCES}
    together = measured(path, SOURCES)
    within = together["peak_gib"] < LIMIT_GIB
    write_result(
        "memory_ml1m",
        {
            "what": "peak resident memory of fitting the collaborative sources on ML-1M",
            "limit_gib": LIMIT_GIB,
            "within_limit": within,
            "together": together,
            "alone": {
                name: {key: found[key] for key in ("peak_gib", "before_fit_gib", "fit_seconds")}
                for name, found in alone.items()
            },
        },
    )
    return 0 if within else 1


def measured(path: Path, sources: tuple[str, ...]) -> dict[str, float]:
    """Fit `sources` in a fresh process and return what it measured of itself."""
    command = [sys.executable, __file__, "--fit", str(path), *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def fit(path: Path, names: list[str]) -> None:
    """Read, fit and print the peak; runs in a process of its own."""
    from crossrec.components.run import RunOptions
    from crossrec.plugins.registry import load_registry

    registry = load_registry()
    dataset = read(path)
    before = peak()
    start = time.perf_counter()
    fitted = []  # all stay alive, as in a pipeline
    for name in names:
        source = registry.get("candidate_generators", name).build()
        source.fit(dataset, RunOptions())
        fitted.append(source)
    found = {
        "events": len(dataset.events),
        "users": dataset.n_users,
        "items": dataset.n_items,
        "before_fit_gib": round(before, 3),
        "peak_gib": round(peak(), 3),
        "fit_seconds": round(time.perf_counter() - start, 2),
    }
    print(json.dumps(found))


def read(path: Path) -> object:
    from crossrec.data.catalog import Catalog
    from crossrec.data.dataset import Dataset
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary

    names: dict[str, int] = {}
    users, items = [], []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        next(file)
        for user, line in enumerate(file):
            row = [names.setdefault(m, len(names)) for m in line.split("\t")[2].split()]
            items.append(np.array(row))
            users.append(np.full(len(row), user))
    n, empty = len(names), ("",) * len(names)
    catalog = Catalog(Vocabulary(names), empty, empty, ((),) * n, empty, np.ones(n, dtype=bool))
    events = Events.from_columns(np.concatenate(users), np.concatenate(items))
    return Dataset.build(Vocabulary(map(str, range(len(users)))), catalog, events, has_clock=False)


def peak() -> float:
    """Return this process's peak resident memory in GiB (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--fit":
        fit(Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(main())
