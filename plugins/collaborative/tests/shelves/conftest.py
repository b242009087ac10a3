"""A small channel whose items, events and dates are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import EventType

DAY = 86_400.0
#: Indexes into `TYPES`.
CLICK, WATCH, COMPLETE, FOLLOW, HIDE, UNFOLLOW, POST = range(7)
TYPES = (
    EventType("click", strength=0.5),
    EventType("watch", strength=3.0, value="portion", consumes="soft", half_life_days=30.0),
    EventType("complete", strength=3.0, consumes="hard"),
    EventType("follow", kind="explicit", strength=4.0, relation="maker"),
    EventType("hide", kind="explicit", polarity=-1, strength=-4.0, consumes="hard"),
    EventType("unfollow", polarity=-1, strength=-4.0, cancels=("follow",)),
    EventType("post", kind="explicit", strength=3.0, consumes="hard"),
)
#: (item, event type, day, portion)
Line = tuple[int, int, float, float]


@pytest.fixture
def channel() -> Callable[..., Dataset]:
    """Return a maker of data sets from the events of each user.

    Columns of the catalog are given by name; `creators` and `categories` have their own places.
    """

    def make(
        users: Sequence[Sequence[Line]], n_items: int, *, clock: bool = True, **fields: Any
    ) -> Dataset:
        none = ("",) * n_items
        catalog = Catalog(
            Vocabulary(f"i{i}" for i in range(n_items)),
            none,
            none,
            tuple(fields.pop("categories", ((),) * n_items)),
            tuple(fields.pop("creators", none)),
            np.ones(n_items, dtype=bool),
            {name: tuple(column) for name, column in fields.items()},
        )
        rows = [(user, *line) for user, lines in enumerate(users) for line in lines]
        who, items, types, days, portions = zip(*rows, strict=True) if rows else ([],) * 5
        weights = [TYPES[kind].strength * share for kind, share in zip(types, portions)]
        times = np.array(days, dtype=np.float64) * DAY if clock else np.arange(len(rows))
        events = Events.from_columns(who, items, times, weights, types)
        names = Vocabulary(f"u{u}" for u in range(len(users)))
        data = Dataset.build(names, catalog, events, has_clock=clock)
        return replace(data, event_types=TYPES)

    return make


@pytest.fixture
def ask() -> Callable[..., QueryBatch]:
    """Return a maker of queries: the histories of a data set at a day, nothing excluded."""

    def make(
        data: Dataset, now: float | None = None, exclude: Sequence[Sequence[int]] | None = None
    ) -> QueryBatch:
        seen, n = data.interactions, data.n_users
        return QueryBatch(
            np.arange(n),
            data.sequences,
            Ragged.empty(n) if exclude is None else Ragged.from_rows(exclude),
            now=None if now is None else np.full(n, now * DAY),
            times=seen.times,
            types=seen.types,
            weights=seen.weights,
        )

    return make
