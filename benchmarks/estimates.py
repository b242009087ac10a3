"""What sources and encoders say that a fit costs, against what it takes.

Command: ``python benchmarks/estimates.py [--sets 2k,20k,scientific] [--sources a,b]``. Every fit
runs in a process of its own; 2k and 20k are generated, scientific is read from the
research data sets where they are. Run it on one core (``taskset -c 0``) where the machine is
shared: then the processor time is what an idle machine would take.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
from common import absent, write_result

if TYPE_CHECKING:
    from crossrec.data.catalog import Catalog
    from crossrec.data.dataset import Dataset

#: Items, users, and mean length of a history.
GENERATED = {"2k": (2_000, 4_000, 10), "5k-long": (5_000, 3_000, 100), "20k": (20_000, 40_000, 10)}
_GROUPS, _WORDS, _WIDTH = 40, 4_000, 384
#: Queries that are answered after the fit, in batches as a validation has them.
_QUERIES, _BATCH, _POOL = 1_024, 512, 300


@dataclass(frozen=True)
class Measured:
    """Processor seconds of one fit and of its answers, and bytes at its highest moment."""

    fit: float
    answers: float
    memory: int


def generated(n_items: int, n_users: int, mean: int) -> Dataset:
    """Generate items in groups, with words and vectors of their group, and users of one each."""
    from crossrec.components.vectors import title_name
    from crossrec.data.dataset import Dataset
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary

    rng = np.random.default_rng(0)
    group = rng.integers(0, _GROUPS, n_items)
    lengths = np.maximum(rng.geometric(1 / mean, n_users), 2)
    users, items = [], []
    for user, length in enumerate(lengths):
        own = np.flatnonzero(group == rng.integers(_GROUPS))
        weight = 1 / np.arange(1, len(own) + 1) ** 0.8
        chosen = rng.choice(own, min(length, len(own)), False, weight / weight.sum())
        users.append(np.full(len(chosen), user))
        items.append(chosen)
    events = Events.from_columns(np.concatenate(users), np.concatenate(items))
    names = Vocabulary(f"u{user}" for user in range(n_users))
    dataset = Dataset.build(names, _catalog(group, rng), events, has_clock=False)
    centre = rng.standard_normal((_GROUPS, _WIDTH))
    for name in ("transformer", title_name("transformer")):
        rows = centre[group] + rng.standard_normal((n_items, _WIDTH))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        dataset = dataset.with_vectors(name, rows.astype(np.float32))
    return dataset


def _catalog(group: Any, rng: np.random.Generator) -> Catalog:
    from crossrec.data.catalog import Catalog
    from crossrec.data.vocabulary import Vocabulary
    from crossrec.scenario import ItemField, ItemSchema

    weight = 1 / np.arange(1, _WORDS + 1)
    records = {}
    for item, own in enumerate(group):
        of_group = (own * 37 + rng.integers(0, 60, 10)) % _WORDS
        words = [f"w{w}" for w in (*of_group, *rng.choice(_WORDS, 20, p=weight / weight.sum()))]
        records[f"i{item}"] = {"title": " ".join(words[:6]), "text": " ".join(words)}
    schema = ItemSchema((ItemField("title"), ItemField("text")), "{title}. {text}")
    return Catalog.from_records(Vocabulary(records), records, schema)


def dataset_of(name: str, cache: Path) -> Dataset:
    """Return a generated or a real set, with vectors."""
    if name in GENERATED:
        return generated(*GENERATED[name])
    from real_sets import SETS, read

    return read(SETS[name], cache)


@contextmanager
def highest_memory() -> Iterator[list[int]]:
    """Watch the memory of this process; the list gets what it grew by."""
    page = os.sysconf("SC_PAGE_SIZE")

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * page

    before, seen, over = resident(), [0], Event()

    def watch() -> None:
        while not over.wait(0.005):
            seen[0] = max(seen[0], resident() - before)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
        seen[0] = max(seen[0], resident() - before)


def measure(dataset: Dataset, source: str) -> Measured:
    """Fit a source and ask it."""
    from crossrec.components.query import QueryBatch
    from crossrec.components.run import RunOptions
    from crossrec.pipeline.pretrained import survey_pretrained
    from crossrec.plugins.registry import load_registry

    registry = load_registry()
    found = registry.get("candidate_generators", source)
    settings = {"backbone": "without-scientific"} if source == "backbone" else {}
    generator = found.build(settings)
    run = RunOptions(pretrained=survey_pretrained(None, registry).folders())
    started = time.process_time()
    with highest_memory() as memory:
        generator.fit(dataset, run)
    fitted = time.process_time()
    rows = np.flatnonzero(dataset.sequences.lengths >= 2)[:_QUERIES]
    histories = dataset.sequences.take(rows)
    queries = QueryBatch.from_histories(histories, users=rows, exclude=histories)
    pool = np.arange(min(_POOL, dataset.n_items))
    for part in queries.blocks(_BATCH):
        batch = queries.take(part)
        generator.generate(batch, 100)
        if "score" in found.capabilities:
            generator.score(batch, np.tile(pool, (len(batch), 1)))
    return Measured(fitted - started, time.process_time() - fitted, memory[0])


def compare(name: str, sources: list[str], cache: Path) -> list[dict[str, Any]]:
    """Measure the sources on one set beside their estimates, a process for each fit."""
    import implicit.cpu.als  # noqa: F401  imported here, so that no fit pays for it
    import scipy.linalg  # noqa: F401
    from crossrec.components.cost import DatasetSize
    from crossrec.components.run import RunOptions
    from crossrec.plugins.registry import load_registry

    dataset = dataset_of(name, cache)
    size = DatasetSize.of(dataset, min(_QUERIES, dataset.n_users))
    rows = []
    for source in sources:
        with get_context("fork").Pool(1) as pool:
            measured = pool.apply(measure, (dataset, source))
        component = load_registry().get("candidate_generators", source).build()
        both = component.estimate(size, RunOptions())
        fit = component.estimate(replace(size, queries=0), RunOptions())
        row = {
            "set": name,
            "source": source,
            "estimated_fit_s": round(fit.total, 3),
            "fit_s": round(measured.fit, 3),
            "estimated_answers_s": round(both.total - fit.total, 3),
            "answers_s": round(measured.answers, 3),
            "estimated_mib": round(fit.memory / 2**20),
            "mib": round(measured.memory / 2**20),
        }
        print(row, flush=True)
        rows.append(row)
    return rows


def main() -> None:
    """Compare, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default="2k,20k,scientific")
    parser.add_argument("--sources", default=",".join(_default_sources()))
    parser.add_argument("--cache", type=Path, default=Path("build/estimates"))
    options = parser.parse_args()
    names = [one for one in options.sets.split(",") if one in GENERATED or not absent()]
    rows = [
        row for name in names for row in compare(name, options.sources.split(","), options.cache)
    ]
    write_result("estimates", {"rows": rows})


def _default_sources() -> list[str]:
    from crossrec.plugins.registry import load_registry

    every = load_registry().all("candidate_generators")
    return [one.name for one in every if "estimate" in one.capabilities]


if __name__ == "__main__":
    main()
