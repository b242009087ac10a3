"""A small shop with texts, where what belongs together is known."""

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
from crossrec.scenario import ItemField, ItemSchema

SCHEMA = ItemSchema(
    (ItemField("title"), ItemField("categories", "category"), ItemField("brand", "category")),
    "{title}. {categories}",
    creator="brand",
)


def make_catalog(records: Sequence[dict[str, object]]) -> Catalog:
    ids = Vocabulary(f"i{i}" for i in range(len(records)))
    return Catalog.from_records(ids, dict(zip(ids.ids, records)), SCHEMA)


@pytest.fixture
def catalog_of() -> Callable[[Sequence[dict[str, object]]], Catalog]:
    """Return a maker of catalogs from records."""
    return make_catalog


@pytest.fixture
def batch_of() -> Callable[..., QueryBatch]:
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
def shop() -> Dataset:
    """Return 30 tool buyers and 30 cooks over 10 tools (even) and 10 pots (odd).

    Items 20 (a tool) and 21 (a pot) have no events; 22 has neither events nor a text.
    """
    records: list[dict[str, object]] = []
    for i in range(22):
        noun, shelf, brand = (("wrench", "tools", "Ironwood"), ("pot", "kitchen", "Rouge"))[i % 2]
        records.append({"title": f"{noun} number {i}", "categories": [shelf], "brand": brand})
    catalog = make_catalog([*records, {}])
    rng = np.random.default_rng(5)
    rows = [2 * rng.choice(10, 5, replace=False) + user % 2 for user in range(60)]
    events = Events.from_columns(np.repeat(np.arange(60), 5), np.concatenate(rows))
    names = Vocabulary(f"u{u}" for u in range(60))
    return Dataset.build(names, catalog, events, has_clock=False)
