"""Toy data with known right answers. All arrays are read-only: fitting must not change its input.

The checkerboard follows the test of Ben Frederickson's `implicit` (2017): even users like even
items, odd users odd ones, and one liked item is withheld from each user. All other users of the
same parity have it, so it must be recommended first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.reviews import RatingScale, Reviews
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import ItemField, ItemSchema

#: Time of the first event where there is a clock: 2026-01-05, a Monday.
START = 1_767_571_200.0
HOUR = 3600.0

SCHEMA = ItemSchema(
    fields=(
        ItemField("title", "text"),
        ItemField("categories", "category"),
        ItemField("brand", "category"),
        ItemField("price", "number"),
    ),
    text_template="{title}. {categories}. {brand}",
    creator="brand",
)

#: Words of the items that even and odd users like: they share hardly any pair of letters.
_WORDS = (("amber", "garden", "rake"), ("cyclop", "invoice", "kilt"))


@dataclass(frozen=True, eq=False)
class Toy:
    """A dataset, a query for each of its users, and the right answers.

    Attributes
    ----------
    queries : QueryBatch
        Row = user index; the history is excluded.
    withheld : int64 array, shape (n_users,)
        The item that a personalised source must rank first; -1 where none is known.
    groups : int64 array, shape (n_items,)
        Items of one group occur together in events and have similar texts.
    """

    dataset: Dataset
    queries: QueryBatch
    withheld: NDArray[np.int64]
    groups: NDArray[np.int64]

    def with_vectors(self, name: str, dim: int = 8, seed: int = 0) -> Toy:
        """Return the toy with unit vectors; those of one group are close."""
        rng = np.random.default_rng(seed)
        vectors = np.eye(dim, dtype=np.float32)[self.groups % dim]
        vectors = vectors + rng.normal(0, 0.05, vectors.shape).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[[not text for text in self.dataset.catalog.texts]] = 0.0
        return replace(self, dataset=self.dataset.with_vectors(name, _locked(vectors)))


def with_reviews(toy: Toy, encoder: str = "", dim: int = 8) -> Toy:
    """Return the toy with a rating and a text in every event: fans of a group rate it high.

    Every user rates items of their withheld one's group 4 or 5 and others 1 or 2, on a scale from 1
    to 5, and writes so; users without a withheld item rate everything 3.

    Parameters
    ----------
    encoder : str
        Name of the unit vectors that the texts get; "" for none.
    """
    events = toy.dataset.events
    fans = toy.withheld[events.users]
    liked = toy.groups[events.items] == toy.groups[np.maximum(fans, 0)]
    ratings: NDArray[np.float64] = np.where(liked, 4.0, 1.0) + events.items % 2
    ratings[fans < 0] = 3.0
    texts = tuple(f"{rating:g} stars for {at}" for at, rating in enumerate(ratings.tolist()))
    reviews = Reviews(ratings, np.arange(len(ratings)), texts, RatingScale(1.0, 5.0))
    if encoder:
        vectors = np.random.default_rng(11).normal(0, 0.1, (len(texts), dim))
        vectors[:, 0] += ratings - 3.0
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        reviews = reviews.with_vectors(encoder, _locked(vectors.astype(np.float32)))
    return replace(toy, dataset=toy.dataset.with_reviews(reviews))


def with_items_like(toy: Toy, like: Sequence[int]) -> Dataset:
    """Return a dataset for ``add_items``: new items at the end, each with the text of another.

    It has no events, and vectors of the new items only.
    """
    old = toy.dataset
    twins = old.catalog.take(like)
    twins = replace(twins, items=Vocabulary(f"new {at}" for at in range(len(like))))
    vectors = {}
    for name, rows in old.vectors.items():
        vectors[name] = np.concatenate([np.zeros_like(rows), rows[list(like)]])
    return Dataset(
        old.users,
        old.catalog.followed_by(twins),
        Events.empty(),
        old.has_clock,
        {name: _locked(rows) for name, rows in vectors.items()},
    )


def checkerboard(size: int = 40, *, clock: bool = True) -> Toy:
    """Return `size` users and `size` items; user `u` has all items of its parity but item `u`.

    A history runs in a circle from ``u + 2`` to ``u - 2``, so that the withheld item also follows
    the last one wherever both occur; every item has the same number of events at each position.

    Parameters
    ----------
    size : int
        Even, 8 or more.
    clock : bool
        Whether times are seconds, an hour apart, or positions only.
    """
    if size < 8 or size % 2:
        raise ValueError(f"the checkerboard needs an even size of 8 or more, not {size}")
    users = np.arange(size)
    steps = np.arange(2, size, 2)
    history = (users[:, None] + steps) % size
    ids = Vocabulary(f"item {i:02d}" for i in range(size))
    catalog = Catalog.from_records(ids, {id_: _square(i) for i, id_ in enumerate(ids.ids)}, SCHEMA)
    times = np.tile(np.arange(len(steps), dtype=np.float64), size)
    events = Events.from_columns(
        np.repeat(users, len(steps)),
        history.ravel(),
        START + HOUR * times if clock else np.arange(history.size),
    )
    names = Vocabulary(f"user {u:02d}" for u in users)
    dataset = _locked_dataset(Dataset.build(names, catalog, events, has_clock=clock))
    now = np.full(size, START + HOUR * len(steps)) if clock else None
    return Toy(dataset, _queries(dataset, now), _locked(users.astype(np.int64)), users % 2)


def _square(i: int) -> Mapping[str, Any]:
    """Return the fields of item `i` of the checkerboard."""
    words = _WORDS[i % 2]
    return {
        "title": f"{words[0]} {words[1]} {i // 2:02d}",
        "categories": [words[2]],
        "brand": words[1],
        "price": 10.0 + 100.0 * (i % 2) + i / 100,
    }


#: Items of the shop: title, categories, brand, price. Tools, then kitchen, then special cases.
_SHOP: tuple[tuple[str, Sequence[str], str, float | None], ...] = (
    ("Claw hammer 450 g", ("tools",), "Ironwood", 14.9),
    ("Wood screws, box of 200", ("tools", "fixings"), "Ironwood", 7.5),
    ("Cordless drill 18 V", ("tools",), "Voltary", 89.0),
    ("Spirit level 60 cm", ("tools",), "Ironwood", 21.0),
    ("Steel tape measure 5 m", ("tools",), "Ironwood", 9.9),
    ("Cast iron pan 28 cm", ("kitchen",), "Maison Rouge", 39.0),
    ("Chef's knife", ("kitchen",), "Maison Rouge", 45.0),
    ("Bamboo chopping board", ("kitchen",), "Greenleaf", 19.0),
    ("Salt and pepper mills", ("kitchen",), "Greenleaf", 24.0),
    ("Apron, striped", ("kitchen",), "Greenleaf", 17.0),
    ("Crème brûlée torch 🔥", ("kitchen", "tools"), "Voltary", 29.0),  # has no event
    ("", (), "", None),  # has events, but no attributes
)
_TOOLS = (0, 1, 2, 3, 4)
_KITCHEN = (5, 6, 7, 8, 9)


def shop(*, clock: bool = True) -> Toy:
    """Return a small shop with texts, 10 users and 12 items, and with the gaps of real data.

    Tool buyers and cooks with one item withheld each, a user without events (the last), a user with
    one event, a repeated purchase, a disliked item, an item without events and one without a text.
    """
    ids = Vocabulary([f"p{i}" for i in range(len(_SHOP))])
    records = {
        f"p{i}": {"title": title, "categories": list(names), "brand": brand, "price": price}
        for i, (title, names, brand, price) in enumerate(_SHOP)
        if title
    }
    catalog = Catalog.from_records(ids, records, SCHEMA)
    rows: list[tuple[int, int, float]] = []
    withheld = np.full(10, -1, dtype=np.int64)
    for user in range(8):
        shelf = _TOOLS if user < 4 else _KITCHEN
        withheld[user] = shelf[user % 4]
        rows += [(user, item, 1.0) for item in shelf if item != withheld[user]]
    rows += [(0, 1, 1.0), (0, 6, -1.0), (3, 11, 1.0), (8, 11, 1.0)]
    users, items, weights = zip(*rows, strict=True)
    times = START + HOUR * np.arange(len(rows)) if clock else None
    events = Events.from_columns(users, items, times, weights)
    names = Vocabulary([f"u{i}" for i in range(10)])
    dataset = _locked_dataset(Dataset.build(names, catalog, events, has_clock=clock))
    now = np.full(10, START + HOUR * len(rows)) if clock else None
    groups = np.array([0] * 5 + [1] * 5 + [2, 3], dtype=np.int64)
    return Toy(dataset, _queries(dataset, now), _locked(withheld), groups)


def _queries(dataset: Dataset, now: NDArray[np.float64] | None) -> QueryBatch:
    """Return one query for each user, with the history excluded."""
    history = dataset.sequences
    users = np.arange(dataset.n_users, dtype=np.int64)
    return QueryBatch.from_histories(history, users=_locked(users), now=now)


def batch(
    histories: Sequence[Sequence[int]],
    like: QueryBatch,
    *,
    exclude: Sequence[Sequence[int]] | None = None,
) -> QueryBatch:
    """Return queries of unknown users with these histories, at the time of the queries `like`."""
    n = len(histories)
    return QueryBatch.from_histories(
        Ragged.from_rows(histories),
        exclude=None if exclude is None else Ragged.from_rows(exclude),
        now=None if like.now is None else np.full(n, like.now.max()),
    )


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def _locked_dataset(dataset: Dataset) -> Dataset:
    """Lock the columns of the events and of what is derived from them."""
    for events in (dataset.events, dataset.interactions):
        for name in ("users", "items", "types", "times", "weights"):
            _locked(getattr(events, name))
    for rows in (dataset.sequences, dataset.disliked):
        _locked(rows.indptr)
        _locked(rows.values)
    _locked(dataset.item_counts)
    return dataset
