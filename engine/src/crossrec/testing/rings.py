"""Catalogues on rings: an item's text is an angle, and what comes next is a turn away.

Catalogues have no item, user or word in common. Those with the same turn follow one rule, which can
be carried over through the texts and through nothing else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.components.protocols import CandidateGenerator
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged

QUARTER = np.pi / 2
WIDTH = 6
#: Angle within which a place is right.
NEAR = 0.6


def ring(seed: int, n_users: int, turn: float = QUARTER, n_items: int = 60) -> Dataset:
    """Return a catalogue whose people go on by one turn of the ring at each of six events."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, n_items))
    rows = np.empty((n_users, 6), dtype=np.int64)
    for user in range(n_users):
        rows[user] = path(angle, turn, rng)
    names = [f"ring {seed} {at}" for at in range(n_items)]
    empty = ((),) * n_items, ("",) * n_items
    catalog = Catalog(Vocabulary(names), tuple(names), tuple(names), *empty, np.ones(n_items, bool))
    events = Events.from_columns(np.repeat(np.arange(n_users), 6), rows.ravel())
    users = Vocabulary(f"u{at}" for at in range(n_users))
    data = Dataset.build(users, catalog, events, has_clock=False)
    vectors = rng.normal(0, 0.05, (n_items, WIDTH)) + 0.3 * seed  # each around a place of its own
    vectors[:, 0] += np.cos(angle)
    vectors[:, 1] += np.sin(angle)
    return data.with_vectors("transformer", vectors.astype(np.float32))


def path(angle: NDArray[np.float64], turn: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return six items, each near the place one turn behind the one before, none twice."""
    found = [int(rng.integers(len(angle)))]
    while len(found) < 6:
        away = np.abs(np.angle(np.exp(1j * (angle - angle[found[-1]] - turn))))
        away[found] = np.inf
        found.append(int(rng.choice(np.argsort(away)[:3])))
    return np.array(found, dtype=np.int64)


def queries_and_right(
    dataset: Dataset, turn: float = QUARTER
) -> tuple[QueryBatch, NDArray[np.bool_]]:
    """Return a query for each item, and which items are near its place one turn behind, (n, n)."""
    vectors = dataset.vectors["transformer"]
    centred = vectors - vectors.mean(axis=0)
    angle = np.arctan2(centred[:, 1], centred[:, 0])
    away = np.angle(np.exp(1j * (angle[None] - angle[:, None] - turn)))
    queries = QueryBatch.from_histories(Ragged.from_rows([[item] for item in range(len(angle))]))
    return queries, np.abs(away) < NEAR


def share_right(source: CandidateGenerator, dataset: Dataset, turn: float = QUARTER) -> float:
    """Return for how many histories of one item the first candidate is one turn behind it."""
    queries, right = queries_and_right(dataset, turn)
    found = source.generate(queries, 1).index
    if not found.shape[1]:
        return 0.0
    return float(right[np.arange(len(found)), found[:, 0]].mean())
