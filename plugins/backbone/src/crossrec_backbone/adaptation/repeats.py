"""Whether the items of a history are candidates: the repeat rate of the catalogue's own events.

Similarity favours what was already consumed, so a catalogue in which nothing repeats must not
propose its history again, and one in which much repeats must. Sequence models learn the same from
the data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.components.settings import Settings
from crossrec.numeric.ragged import Ragged


class RepeatConfig(Settings):
    """When the items of a history are candidates.

    Attributes
    ----------
    rate : float
        From this share of repeating users on.
    users : int
        With fewer users nothing is decided, and nothing repeats.
    """

    rate: float = 0.05
    users: int = 20


@dataclass(frozen=True)
class Repeats:
    """How often people of a catalogue come back to an item.

    Attributes
    ----------
    rate : float
        Share of the users with two or more events whose last one is of an item they had before.
    users : int
    candidates : bool
        Whether the items of a history are candidates.
    """

    rate: float
    users: int
    candidates: bool


def repeat_rate(sequences: Ragged, config: RepeatConfig) -> Repeats:
    """Look at the last event of every user who has two or more."""
    last = sequences.indptr[1:][sequences.lengths >= 2] - 1
    users = len(last)
    if not users:
        return Repeats(0.0, 0, False)
    rate = float((~sequences.distinct_mask()[last]).mean())
    return Repeats(rate, users, users >= config.users and rate >= config.rate)


def exclude_history(queries: QueryBatch, repeats: bool) -> QueryBatch:
    """Return the queries with their histories excluded, unless repeats are candidates.

    What the queries exclude themselves stays excluded.
    """
    if repeats or queries.exclude is queries.history:
        return queries
    both = (queries.exclude, queries.history)
    rows = np.concatenate([part.row_of for part in both])
    values = np.concatenate([part.values for part in both])
    order = np.lexsort((values, rows))
    exclude = Ragged.grouped(rows[order], values[order], len(queries)).distinct()
    return replace(queries, exclude=exclude)
