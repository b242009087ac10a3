"""Datasets with ratings, made from rows of (user, item, time, rating)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.reviews import RatingScale, Reviews
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import ItemSchema

Row = tuple[int, int, float, float]
MakeDataset = Callable[..., Dataset]


@pytest.fixture
def rated() -> MakeDataset:
    """Return a maker of datasets; each rated event has a text of its own."""

    def make(rows: Sequence[Row], *, clock: bool = True, scale: tuple[float, float] = (1, 5)):
        users, items, times, ratings = (np.array(column) for column in zip(*rows, strict=True))
        own = np.where(np.isnan(ratings), -1, np.arange(len(rows)))
        texts = tuple(f"text {at}" for at in range(len(rows)))
        reviews = Reviews(ratings.astype(float), own, texts, RatingScale(*scale))
        plain = Events.from_columns(users, items, times)
        events = Events(plain.users, plain.items, plain.types, plain.times, plain.weights, reviews)
        names = Vocabulary(f"u{at}" for at in range(int(users.max()) + 1))
        ids = Vocabulary(f"i{at}" for at in range(int(items.max()) + 1))
        catalog = Catalog.from_records(ids, {}, ItemSchema((), "{title}"))
        return Dataset.build(names, catalog, events, has_clock=clock)

    return make
