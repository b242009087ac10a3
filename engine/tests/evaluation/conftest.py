"""Small datasets and one real model that learns, for the tests of evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.history import weigh
from crossrec.components.query import QueryBatch
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from hypothesis import settings

# A machine that is busy with other tests must not fail these.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

MakeDataset = Callable[..., Dataset]


class Covisitation:
    """Items that stood in one history, counted: a real source that shows whatever it was taught."""

    def __init__(self, train: Dataset, name: str = "covisitation") -> None:
        started = time.perf_counter()
        self.name = name
        matrix = train.matrix(binary=True)
        together = (matrix.T @ matrix).tolil()
        together.setdiag(0)
        self._together = together.tocsr()
        self.fit_seconds = time.perf_counter() - started

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        scores = weigh(queries, self._together.shape[0]).matrix @ self._together
        return top_k(scores.toarray(), k, queries.exclude, source=self.name, minimum=0.0)


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
