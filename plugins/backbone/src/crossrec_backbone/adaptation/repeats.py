"""Do people of this catalogue come back to what they had? Its own events tell.

Similarity loves what was consumed, so a catalogue in which nothing repeats must not offer its
history again, and one in which much repeats must. Sequence models learn the same from the data.
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
        Fewer users than this decide nothing: then nothing repeats.
    """

    rate: float = 0.05
    users: int = 20


@dataclass(frozen=True)
class Repeats:
    """What was seen.

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
    own = sequences.take(np.flatnonzero(sequences.lengths >= 2))
    users = len(own)
    if not users:
        return Repeats(0.0, 0, False)
    rate = float((~_last_is_new(own)).mean())
    return Repeats(rate, users, users >= config.users and rate >= config.rate)


def asked(queries: QueryBatch, repeats: bool) -> QueryBatch:
    """Return the queries with their histories excluded, unless repeats are candidates.

    What the queries exclude themselves stays excluded.
    """
    if repeats or queries.exclude is queries.history:
        return queries
    both = [np.union1d(queries.exclude.row(i), queries.history.row(i)) for i in range(len(queries))]
    return replace(queries, exclude=Ragged.from_rows(both))


def _last_is_new(sequences: Ragged) -> np.ndarray:
    """True for each row whose last value stands in it once; no row may be empty."""
    last = sequences.values[sequences.indptr[1:] - 1]
    same = sequences.values == np.repeat(last, sequences.lengths)
    count = np.bincount(sequences.row_of, weights=same, minlength=len(sequences))
    return np.asarray(count == 1)
