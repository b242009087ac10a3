"""Toy data of follows: whom each user does not follow yet is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import EventType
from crossrec.testing.toy import HOUR, SCHEMA, START, Toy

_USERS = 12
_FOLLOW = EventType("follow", kind="explicit", relation="brand")


def circles(*, clock: bool = True) -> Toy:
    """Return 12 users of two circles who follow all makers of their circle but one.

    Maker `m` has item `m`. Even users follow the even makers, odd users the odd ones, each from
    their item; user `u` does not follow maker `u`, whom all others of the circle follow. Nothing is
    excluded.

    Parameters
    ----------
    clock : bool
        Whether times are seconds, or positions in the same order.
    """
    people, makers = np.divmod(np.arange(_USERS * _USERS), _USERS)
    follows = (people % 2 == makers % 2) & (people != makers)
    users, items = people[follows], makers[follows]
    position = np.arange(len(items), dtype=np.float64)
    ids = Vocabulary(f"item {i:02d}" for i in range(_USERS))
    records = {id_: {"title": f"Work {i}", "brand": f"Maker {i}"} for i, id_ in enumerate(ids.ids)}
    catalog = Catalog.from_records(ids, records, SCHEMA)
    names = Vocabulary(f"user {u:02d}" for u in range(_USERS))
    events = Events.from_columns(users, items, START + HOUR * position if clock else position)
    dataset = Dataset.build(names, catalog, events, has_clock=clock)
    dataset = replace(dataset, event_types=(_FOLLOW,))
    seen = dataset.interactions
    queries = QueryBatch(
        np.arange(_USERS),
        dataset.sequences,
        Ragged.empty(_USERS),
        now=np.full(_USERS, START + HOUR * len(items)) if clock else None,
        times=seen.times,
        types=seen.types,
        weights=seen.weights,
    )
    return Toy(dataset, queries, np.arange(_USERS), np.arange(_USERS) % 2)
