"""A small catalog of four kinds of items whose relations can be checked by hand."""

from __future__ import annotations

import numpy as np

from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary

KINDS = ("sanding roll grit", "gorilla glue bottle", "drill bit steel", "safety glove nitrile")
BRANDS = ("Acme", "Bolt", "Cera")


def make_shop(
    n_items: int = 40,
    n_users: int = 60,
    seed: int = 0,
    *,
    vectors: bool = True,
    order: np.ndarray | None = None,
) -> Dataset:
    """Return items of four kinds and users who choose one or two; `order` permutes the items."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n_items) % len(KINDS)
    numbers = rng.integers(10, 99, n_items)
    titles = [f"{KINDS[kind[i]]} {numbers[i]}" for i in range(n_items)]
    creators = [BRANDS[i % 3] for i in range(n_items)]
    categories = [("tools", KINDS[kind[i]].split()[0]) for i in range(n_items)]
    centre = rng.normal(size=(len(KINDS), 16))
    dense = centre[kind] + 0.5 * rng.normal(size=(n_items, 16))
    title_dense = dense + 0.2 * rng.normal(size=(n_items, 16))
    rows = []
    for user in range(n_users):
        liked = np.flatnonzero(np.isin(kind, [user % 4, (user // 4) % 4]))
        rows.append(rng.choice(liked, rng.integers(3, 7), replace=False))
    turn = np.arange(n_items) if order is None else order
    place = np.argsort(turn)
    catalog = Catalog(
        Vocabulary([f"i{i}" for i in turn]),
        tuple(titles[i] for i in turn),
        tuple(f"{titles[i]}. {' '.join(categories[i])}. {creators[i]}" for i in turn),
        tuple(categories[i] for i in turn),
        tuple(creators[i] for i in turn),
        np.ones(n_items, dtype=bool),
    )
    users = np.repeat(np.arange(n_users), [len(row) for row in rows])
    events = Events.from_columns(users, place[np.concatenate(rows)])
    dataset = Dataset.build(
        Vocabulary([f"u{u}" for u in range(n_users)]), catalog, events, has_clock=False
    )
    if not vectors:
        return dataset
    dataset = dataset.with_vectors("enc", dense[turn].astype(np.float32))
    return dataset.with_vectors("enc:title", title_dense[turn].astype(np.float32))
