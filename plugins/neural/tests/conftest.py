"""A small shop with known tastes, and torch on one thread, as every exact comparison needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import ItemField, ItemSchema
from crossrec_text.tiny_model import save_tiny_model

SCHEMA = ItemSchema(
    (ItemField("title"), ItemField("categories", "category"), ItemField("brand", "category")),
    "{title}. {categories}",
    creator="brand",
)
#: Items of the shop with events; the two behind them have a text only.
N_ITEMS, N_USERS, DAY = 24, 90, 86_400.0
#: What the tiny text model knows.
WORDS = ["wrench", "pot", "tools", "kitchen", *map(str, range(26))]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Keep torch on one thread: the models are small, and sums have one order."""
    torch.set_num_threads(1)


@pytest.fixture
def run() -> RunOptions:
    return RunOptions(seed=3, threads=1)


@pytest.fixture
def batch_of() -> Callable[..., QueryBatch]:
    """Return a maker of query batches from histories."""

    def make(histories: Sequence[Sequence[int]]) -> QueryBatch:
        return QueryBatch.from_histories(Ragged.from_rows(histories))

    return make


def catalog(n: int) -> Catalog:
    """Return `n` items; even ones are tools, odd ones pots, of three brands each."""
    records = {
        f"i{at}": {
            "title": f"{('wrench', 'pot')[at % 2]} {at}",
            "categories": [("tools", "kitchen")[at % 2]],
            "brand": f"brand {at % 6}",
        }
        for at in range(n)
    }
    return Catalog.from_records(Vocabulary(records), records, SCHEMA)


def vectors(n: int) -> np.ndarray:
    """Return unit vectors whose first number tells tools from pots, float32 (n, 12)."""
    rows = np.random.default_rng(9).normal(0, 0.3, (n, 12)).astype(np.float32)
    rows[:, 0] += np.where(np.arange(n) % 2, 1.0, -1.0)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def shop() -> Dataset:
    """Return people who choose every second item in a circle, so that the next one is known.

    After item `i` comes ``i + 2``. Each event is an hour after the one before; every third is of
    another type, each user also saw one item and disliked another.
    """
    rng = np.random.default_rng(4)
    rows: list[tuple[int, int, float, int, float]] = []
    for user in range(N_USERS):
        first, length = int(rng.integers(N_ITEMS)), 4 + user % 5
        for step in range(length):
            item = (first + 2 * step) % N_ITEMS
            rows.append((user, item, DAY * user + 3600 * step, step % 3 == 2, 1.0 + step % 2))
        seen, disliked = (first + 1) % N_ITEMS, (first + 3) % N_ITEMS
        rows.append((user, seen, DAY * user + 3600 * length, 0, 0.0))
        rows.append((user, disliked, DAY * user + 3600 * (length - 1.5), 0, -1.0))
    users, items, times, types, weights = zip(*rows, strict=True)
    events = Events.from_columns(users, items, times, weights, types)
    names = Vocabulary(f"u{at}" for at in range(N_USERS))
    dataset = Dataset.build(names, catalog(N_ITEMS + 2), events, has_clock=True)
    return dataset.with_vectors("transformer", vectors(N_ITEMS + 2))


@pytest.fixture(scope="session")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", WORDS))


@pytest.fixture
def reading(run: RunOptions, text_model: str) -> RunOptions:
    """Return options that say which model made the vectors, as a fit does."""
    return replace(run, encoders={"transformer": {"model": text_model}})


@pytest.fixture
def texts(shop: Dataset, reading: RunOptions) -> Dataset:
    """Return the shop with the tiny model's vectors; the last item has no text."""
    catalog = shop.catalog.with_texts([*shop.catalog.texts[:-1], " "])
    from crossrec_neural.inputs.text_encoder import layered_encoder

    encoder = layered_encoder("a test", "transformer", reading.encoders["transformer"])
    whole = replace(shop, catalog=catalog)
    return whole.with_vectors("transformer", encoder.encode(catalog, reading))


@pytest.fixture
def make_text_model() -> Callable[..., Path]:
    """Return the maker of other text models that know the same words."""
    return partial(save_tiny_model, words=WORDS)
