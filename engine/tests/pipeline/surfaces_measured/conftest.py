"""Walks whose next item is certain, and a source that learns steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.resolved import ResolvedPipeline, resolve_pipeline
from crossrec.testing.requests import TOY
from crossrec.testing.toy_sources import Popular, failing, registry_of, unfit

N_ITEMS, N_USERS, STEPS = 200, 60, 20
MIDNIGHT = 1_767_571_200.0 - 1_767_571_200.0 % 86_400.0


class Steps(Popular):
    """What came next after the last item, in the histories that were learnt."""

    def fit(self, dataset, run):
        sequences = dataset.sequences
        follows = sequences.row_of[1:] == sequences.row_of[:-1]
        self.counts = np.zeros((dataset.n_items, dataset.n_items), dtype=np.float32)
        pairs = sequences.values[:-1][follows], sequences.values[1:][follows]
        np.add.at(self.counts, pairs, 1)

    def scores(self, queries):
        last = queries.related().last_items()
        return np.where((last >= 0)[:, None], self.counts[last], 0).astype(np.float32)


class Own(Popular):
    """The user's own items, the latest first."""

    able = frozenset({"own_items"})

    def generate(self, queries, k):
        latest = queries.history.reversed().distinct()
        rows = [latest.row(at)[:k] for at in range(len(queries))]
        width = max([len(row) for row in rows], default=0)
        index = np.full((len(queries), width), PAD, dtype=np.int64)
        for at, row in enumerate(rows):
            index[at, : len(row)] = row
        score = np.where(index == PAD, -np.inf, -np.arange(width, dtype=np.float32)[None])
        return Candidates(index, score.astype(np.float32), "own")


REGISTRY = {
    "candidate_generators": {
        "steps": Steps,
        "own": Own,
        "popular": Popular,
        "broken": failing(RuntimeError("out of order")),
        "unfit": unfit(MemoryError("too large")),
    }
}


@pytest.fixture(scope="session")
def registry():
    return registry_of(**REGISTRY)


@pytest.fixture(scope="session")
def make_walks() -> Callable[..., Dataset]:
    """All users go round a ring together, an item every ten minutes; or jump at random."""

    def make(*, certain: bool = True, clock: bool = True, seed: int = 0) -> Dataset:
        rng = np.random.default_rng(seed)
        users, steps = np.divmod(np.arange(N_USERS * STEPS), STEPS)
        start = rng.integers(0, N_ITEMS, N_USERS)
        items = (start[users] + steps) % N_ITEMS
        if not certain:
            items = np.concatenate([rng.permutation(N_ITEMS)[:STEPS] for _ in range(N_USERS)])
        ids = Vocabulary(f"i{at}" for at in range(N_ITEMS))
        records = {id_: {"title": f"item {id_}"} for id_ in ids.ids}
        return Dataset.build(
            Vocabulary(f"u{at}" for at in range(N_USERS)),
            Catalog.from_records(ids, records, TOY.items),
            Events.from_columns(users, items, MIDNIGHT + 600.0 * steps),
            has_clock=clock,
        )

    return make


@pytest.fixture(scope="session")
def resolve(registry) -> Callable[..., ResolvedPipeline]:
    """Resolve a pipeline of the toy sources with the surfaces that are given."""

    def make(surfaces, *sources: str) -> ResolvedPipeline:
        names = [{"name": name} for name in sources or ("steps", "popular")]
        config = parse_config({"sources": names, "surfaces": surfaces}, "test.toml")
        return resolve_pipeline(config, registry)

    return make


@pytest.fixture(scope="session")
def run() -> RunOptions:
    return RunOptions(seed=3)
