"""People whose reviews say how strict they are, and people whose reviews say nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.reviews import RatingScale, Reviews
from crossrec.data.vocabulary import Vocabulary

N_USERS, N_ITEMS, EACH, WIDTH = 400, 25, 3, 6


@pytest.fixture
def run() -> RunOptions:
    return RunOptions(seed=3, threads=1)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def town() -> Callable[..., Dataset]:
    """Return a maker of towns: each rates three items, a day apart, and reviews them all.

    A rating is 5 of 10, 2 more or less by how strict the user is, and noise. A review tells how
    strict its writer is where the town is `honest`. Two ratings hardly show it, so reading helps.
    """

    def make(*, honest: bool = True, seed: int = 0, n_users: int = N_USERS) -> Dataset:
        rng = np.random.default_rng(seed)
        users = np.repeat(np.arange(n_users), EACH)
        items = np.concatenate([rng.permutation(N_ITEMS)[:EACH] for _ in range(n_users)])
        times = 86_400.0 * np.tile(np.arange(EACH), n_users) + 3600.0 * (users % 7)
        mild = rng.choice([-1.0, 1.0], n_users)
        ratings = np.clip(5.0 + 2.0 * mild[users] + rng.normal(0, 2.4, len(users)), 0.0, 10.0)
        said = rng.normal(0, 0.3, (len(users), WIDTH))
        said[:, 0] += mild[users] if honest else rng.choice([-1.0, 1.0], len(users))
        texts = tuple(f"text {at}" for at in range(len(users)))
        reviews = Reviews(ratings, np.arange(len(users)), texts, RatingScale(0, 10))
        reviews = reviews.with_vectors("transformer", unit(said))
        plain = Events.from_columns(users, items, times, ratings - 4.9)
        events = replace(plain, reviews=reviews)
        ids = Vocabulary(f"i{at}" for at in range(N_ITEMS))
        catalog = replace(Catalog.of_texts([f"item {at}" for at in range(N_ITEMS)]), items=ids)
        names = Vocabulary(f"u{at}" for at in range(n_users))
        dataset = Dataset.build(names, catalog, events, has_clock=True)
        return dataset.with_vectors("transformer", unit(rng.normal(0, 1, (N_ITEMS, WIDTH))))

    return make
