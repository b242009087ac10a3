"""Sets with times, written as (user, item, hour) rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary

HOUR = 3600.0
#: Midnight of a day.
START = 1_767_571_200.0 - 1_767_571_200.0 % 86_400.0


@pytest.fixture(scope="session")
def timed() -> Callable[..., Dataset]:
    """Build a dataset with a clock from (user, item, hour) or (user, item, hour, weight) rows."""

    def make(
        rows: Sequence[tuple[float, ...]],
        *,
        n_items: int = 0,
        clock: bool = True,
        creators: Sequence[str] = (),
    ) -> Dataset:
        full = [(*row, 1.0)[:4] for row in rows]
        users, items, hours, weights = (np.array(column) for column in zip(*full))
        n_items = n_items or int(items.max()) + 1
        ids = Vocabulary(f"i{i}" for i in range(n_items))
        blank = ("",) * n_items
        known = np.ones(n_items, dtype=bool)
        made_by = tuple(creators) or blank
        catalog = Catalog(ids, tuple(ids.ids), blank, ((),) * n_items, made_by, known)
        events = Events.from_columns(
            users.astype(np.int64), items.astype(np.int64), START + HOUR * hours, weights
        )
        people = Vocabulary(f"u{i}" for i in range(int(users.max()) + 1))
        return Dataset.build(people, catalog, events, has_clock=clock)

    return make


@pytest.fixture(scope="session")
def at_random(timed: Callable[..., Dataset]) -> Callable[[int, bool], Dataset]:
    """Build a set of six users and nine items at random, dislikes and equal times among it."""

    def make(seed: int, clock: bool) -> Dataset:
        rng = np.random.default_rng(seed)
        n = int(rng.integers(40, 120))
        hours = rng.integers(0, 60, n)
        hours[:2] = 0, 60
        weights = np.where(rng.random(n) < 0.1, -1.0, 1.0)
        columns = rng.integers(0, 6, n), rng.integers(0, 9, n), hours, weights
        return timed(list(zip(*columns)), n_items=9, clock=clock)

    return make
