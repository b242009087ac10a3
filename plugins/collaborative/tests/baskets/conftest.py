"""Baskets as rows: one list of items for each basket of each user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged

Users = Sequence[Sequence[Sequence[int]]]


@pytest.fixture
def shop_of() -> Callable[..., Dataset]:
    """Return a maker of data sets from the baskets of each user.

    `days` has the day of each basket of each user; without it there is no clock. `fields` are
    columns of the catalog.
    """

    def make(
        users: Users,
        n_items: int,
        days: Sequence[Sequence[float]] | None = None,
        types: Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        **fields: Sequence[Any],
    ) -> Dataset:
        rows = [
            (user, item, at if days is None else 86_400.0 * days[user][at])
            for user, baskets in enumerate(users)
            for at, basket in enumerate(baskets)
            for item in basket
        ]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
        none = ("",) * n_items
        catalog = Catalog(
            Vocabulary(f"i{i}" for i in range(n_items)),
            none,
            none,
            tuple(fields.pop("categories", ((),) * n_items)),
            none,
            np.ones(n_items, dtype=bool),
            {name: tuple(column) for name, column in fields.items()},
        )
        return Dataset.build(
            Vocabulary(f"u{u}" for u in range(len(users))),
            catalog,
            Events.from_columns(*columns, weights=weights, types=types),
            has_clock=days is not None,
        )

    return make


@pytest.fixture
def ask() -> Callable[..., QueryBatch]:
    """Return a maker of queries: the histories of a data set, nothing excluded."""

    def make(
        dataset: Dataset, now: float | None = None, exclude: Ragged | None = None
    ) -> QueryBatch:
        events, n = dataset.interactions, dataset.n_users
        return QueryBatch(
            np.arange(n),
            dataset.sequences,
            Ragged.empty(n) if exclude is None else exclude,
            now=None if now is None else np.full(n, 86_400.0 * now),
            times=events.times,
            types=events.types,
            weights=events.weights,
        )

    return make
