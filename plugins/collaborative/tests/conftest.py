"""Small data sets whose right answers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged

Build = Callable[..., Dataset]
BatchOf = Callable[..., QueryBatch]


def make_catalog(n: int) -> Catalog:
    empty = ("",) * n
    return Catalog(
        Vocabulary(f"i{i}" for i in range(n)), empty, empty, ((),) * n, empty, np.ones(n, bool)
    )


@pytest.fixture
def catalog_of() -> Callable[[int], Catalog]:
    """Return a maker of catalogs without any text."""
    return make_catalog


@pytest.fixture
def build() -> Build:
    """Return a maker of data sets from one list of items per user."""

    def make(
        histories: Sequence[Sequence[int]],
        n_items: int,
        *,
        weights: Sequence[Sequence[float]] | None = None,
        days: Sequence[Sequence[float]] | None = None,
    ) -> Dataset:
        users = [u for u, row in enumerate(histories) for _ in row]
        items = [i for row in histories for i in row]
        times = None if days is None else [86_400.0 * d for row in days for d in row]
        mass = None if weights is None else [w for row in weights for w in row]
        return Dataset.build(
            Vocabulary(f"u{u}" for u in range(len(histories))),
            make_catalog(n_items),
            Events.from_columns(users, items, times, mass),
            has_clock=days is not None,
        )

    return make


@pytest.fixture
def batch_of() -> BatchOf:
    """Return a maker of query batches from histories."""

    def make(
        histories: Sequence[Sequence[int]],
        *,
        users: Sequence[int] | None = None,
        exclude: Sequence[Sequence[int]] | None = None,
    ) -> QueryBatch:
        return QueryBatch.from_histories(
            Ragged.from_rows(histories),
            users=None if users is None else np.array(users, dtype=np.int64),
            exclude=None if exclude is None else Ragged.from_rows(exclude),
        )

    return make


@pytest.fixture
def checkerboard(build: Build) -> Dataset:
    """Even users like even items, odd users odd ones; each lacks the item of their own number."""
    n = 50
    return build([[i for i in range(u % 2, n, 2) if i != u] for u in range(n)], n)


@pytest.fixture
def random_dataset(build: Build) -> Dataset:
    """Return 40 users who choose 3 to 12 of 30 items each; items 28 and 29 never occur."""
    rng = np.random.default_rng(7)
    return build([rng.integers(0, 28, rng.integers(3, 13)).tolist() for _ in range(40)], 30)
