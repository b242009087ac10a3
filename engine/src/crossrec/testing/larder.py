"""Toy data with known intervals: what is used up is bought again, and one thing is due now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.testing.toy import SCHEMA, START, Toy

_DAY = 86_400.0
_USERS, _ITEMS, _TIMES = 24, 12, 6


def larder(*, clock: bool = True) -> Toy:
    """Return 24 users who buy two of 12 items six times each, every item at its own interval.

    Item `i` lasts ``5 + 2 i`` days. Of user `u` item ``u % 12`` was bought one interval ago and is
    due; the item after it was bought a fifth of its interval ago. Nothing is excluded.

    Parameters
    ----------
    clock : bool
        Whether times are seconds, or positions in the same order.
    """
    now = START + 400.0 * _DAY
    users = np.arange(_USERS).repeat(2 * _TIMES)
    is_due = np.tile(np.arange(2).repeat(_TIMES) == 0, _USERS)
    items = (users + ~is_due) % _ITEMS
    ago = np.tile(np.arange(_TIMES), 2 * _USERS) + np.where(is_due, 1.0, 0.2)
    times = now - ago * (5.0 + 2.0 * items) * _DAY
    order = np.lexsort((items, users, times))
    events = Events.from_columns(
        users[order], items[order], times[order] if clock else np.arange(len(order))
    )
    ids = Vocabulary(f"item {i:02d}" for i in range(_ITEMS))
    catalog = Catalog.from_records(ids, {id_: {"title": f"Food {id_}"} for id_ in ids.ids}, SCHEMA)
    names = Vocabulary(f"user {u:02d}" for u in range(_USERS))
    dataset = Dataset.build(names, catalog, events, has_clock=clock)
    seen = dataset.interactions
    queries = QueryBatch(
        np.arange(_USERS),
        dataset.sequences,
        Ragged.empty(_USERS),
        now=np.full(_USERS, now) if clock else None,
        times=seen.times,
        types=seen.types,
        weights=seen.weights,
    )
    return Toy(dataset, queries, np.arange(_USERS) % _ITEMS, np.arange(_ITEMS))


def just_bought(*, clock: bool = True) -> Toy:
    """Return the `larder` with what each user bought last as the right answer."""
    toy = larder(clock=clock)
    return replace(toy, withheld=(np.arange(_USERS) + 1) % _ITEMS)
