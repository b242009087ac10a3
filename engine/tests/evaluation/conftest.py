"""Small datasets and one real model that learns, for the tests of evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing.toy_sources import Together

MakeDataset = Callable[..., Dataset]


class Covisitation(Together):
    """A real source as a model of an evaluation: it shows whatever it was taught."""

    def __init__(self, train: Dataset, name: str = "covisitation") -> None:
        super().__init__()
        started = time.perf_counter()
        self.name = name
        self.fit(train, RunOptions())
        self.fit_seconds = time.perf_counter() - started

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        return self.generate(queries, k)


@pytest.fixture
def covisitation() -> type[Covisitation]:
    return Covisitation


@pytest.fixture
def make_dataset() -> MakeDataset:
    """Build a dataset from (user, item), (user, item, time) or (user, item, time, weight) rows."""

    def make(
        rows: Sequence[tuple[float, ...]],
        *,
        n_users: int = 0,
        n_items: int = 0,
        has_clock: bool = False,
        categories: Sequence[tuple[str, ...]] | None = None,
    ) -> Dataset:
        full = [(*row, *(float(i), 1.0)[len(row) - 2 :]) for i, row in enumerate(rows)]
        users, items, times, weights = zip(*full) if full else ((), (), (), ())
        n_users = n_users or int(max(users, default=-1)) + 1
        n_items = n_items or int(max(items, default=-1)) + 1
        ids = Vocabulary(f"i{i}" for i in range(n_items))
        blank = ("",) * n_items
        catalog = Catalog(
            items=ids,
            titles=tuple(ids.ids),
            texts=blank,
            creators=blank,
            categories=tuple(categories) if categories else ((),) * n_items,
            known=np.ones(n_items, dtype=bool),
        )
        return Dataset.build(
            Vocabulary(f"u{i}" for i in range(n_users)),
            catalog,
            Events.from_columns(users, items, times=times, weights=weights),
            has_clock=has_clock,
        )

    return make


@pytest.fixture
def checkerboard(make_dataset: MakeDataset) -> Dataset:
    """20 users × 20 items: even users like even items, odd users odd ones.

    User u meets all items of its colour, the item u itself last: in leave-one-out the withheld item
    is the only unseen one of its colour, so that a model that has learnt anything puts it first.
    """
    rows = []
    for user in range(20):
        others = [item for item in range(20) if item % 2 == user % 2 and item != user]
        rows += [(user, item) for item in (*others, user)]
    return make_dataset(rows)
