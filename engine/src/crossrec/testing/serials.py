"""Toy data of series: what goes on for each user is known."""

from __future__ import annotations

import numpy as np

from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.testing.toy import HOUR, SCHEMA, START, Toy

_SERIES, _EPISODES = 6, 4
_USERS = 2 * _SERIES


def serials(*, clock: bool = True) -> Toy:
    """Return 12 users who watched two episodes of one of 6 series last, and one of another before.

    Episode `e` of series `s` is item ``4 s + e``. User `u` has watched the first episode of series
    ``u + 1``, then the first two of series `u`, modulo 6: the third one goes on. Nothing is
    excluded.

    Parameters
    ----------
    clock : bool
        Whether times are seconds, or positions in the same order.
    """
    series = np.arange(_USERS) % _SERIES
    first, other = _EPISODES * series, _EPISODES * ((series + 1) % _SERIES)
    items = np.stack([other, first, first + 1], axis=1).ravel()
    users = np.arange(_USERS).repeat(3)
    position = np.arange(len(items), dtype=np.float64)
    times = START + HOUR * position if clock else position
    n_items = _SERIES * _EPISODES
    ids = Vocabulary(f"item {i:02d}" for i in range(n_items))
    records = {
        id_: {
            "title": f"Series {i // _EPISODES}, part {i % _EPISODES + 1}",
            "series_id": f"s{i // _EPISODES}",
            "episode_number": i % _EPISODES + 1,
        }
        for i, id_ in enumerate(ids.ids)
    }
    catalog = Catalog.from_records(ids, records, SCHEMA)
    names = Vocabulary(f"user {u:02d}" for u in range(_USERS))
    events = Events.from_columns(users, items, times)
    dataset = Dataset.build(names, catalog, events, has_clock=clock)
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
    return Toy(dataset, queries, first + 2, np.arange(n_items) // _EPISODES)
