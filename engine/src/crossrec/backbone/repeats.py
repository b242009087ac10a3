"""Do people of this catalogue come back to what they had? Its own events tell.

Similarity loves what was consumed, so a catalogue in which nothing repeats must not offer its
history again, and one in which much repeats must. Sequence models learn the same from the data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossrec.backbone.blend import Fold
from crossrec.backbone.config import Settings
from crossrec.components.query import QueryBatch
from crossrec.data.ragged import IntArray, Ragged

#: Fewest events of a user who is asked about, and the way from one held-out event to the next.
_SHORTEST, _SPACING = 3, 10


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


def held_out_folds(
    sequences: Ragged, folds: int, seed: int, *, limit: int, repeats: bool
) -> list[Fold]:
    """Hold out the last event of each user in one fold; users of the other folds keep theirs.

    Where there are fewer users than `limit`, long histories give every tenth event too, from the
    last one backwards, each asked for by what came before it: few people with much to tell are
    evidence as well. A held-out event is in no statistics and no history of its fold.

    Parameters
    ----------
    limit : int
        Events that are held out in all: the last ones first, drawn at random.
    repeats : bool
        Whether an item of the history may be what is to be found, and a candidate.
    """
    rng = np.random.default_rng(seed)
    rows, at = _held_out(sequences, rng, limit, repeats)
    users = rng.permutation(np.unique(rows))
    parts = [np.sort(part) for part in np.array_split(users, folds) if len(part)]
    return [_fold(sequences, *_of(part, rows, at), repeats) for part in parts]


def _held_out(
    sequences: Ragged, rng: np.random.Generator, limit: int, repeats: bool
) -> tuple[IntArray, IntArray]:
    """Return the rows and the places in ``sequences.values`` of at most `limit` events."""
    lengths = sequences.lengths
    users = np.flatnonzero(lengths >= _SHORTEST)
    more = 0 if len(users) >= limit else (lengths[users] - _SHORTEST) // _SPACING
    counts = np.ones(len(users), dtype=np.int64) + more
    rows = np.repeat(users, counts)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = sequences.indptr[1:][rows] - 1 - _SPACING * nth
    if not repeats:
        new = _is_new(sequences)[at]
        rows, nth, at = rows[new], nth[new], at[new]
    order = rng.permutation(len(rows))
    order = order[np.argsort(nth[order], kind="stable")][:limit]
    return rows[order], at[order]


def _of(users: IntArray, rows: IntArray, at: IntArray) -> tuple[IntArray, IntArray]:
    """Return the held-out events of some users, in the order of the sequences."""
    own = np.isin(rows, users)
    order = np.argsort(at[own])
    return rows[own][order], at[own][order]


def _fold(sequences: Ragged, rows: IntArray, at: IntArray, repeats: bool) -> Fold:
    """Take the events `at` of `rows` out; each is asked for by what its row has before it."""
    kept = np.ones(len(sequences.values), dtype=bool)
    kept[at] = False
    before = np.concatenate([[0], np.cumsum(kept)])
    rest = Ragged(before[sequences.indptr], sequences.values[kept])
    starts, ends = rest.indptr[rows], before[at]
    history = Ragged.from_rows([rest.values[start:end] for start, end in zip(starts, ends)])
    exclude = Ragged.empty(len(rows)) if repeats else history
    queries = QueryBatch.from_histories(history, users=rows, exclude=exclude)
    return Fold(rest, queries, sequences.values[at])


def _is_new(sequences: Ragged) -> np.ndarray:
    """True for each value that its row does not have before."""
    width = int(sequences.values.max(initial=0)) + 1
    first = np.unique(sequences.row_of * width + sequences.values, return_index=True)[1]
    new = np.zeros(len(sequences.values), dtype=bool)
    new[first] = True
    return new


def _last_is_new(sequences: Ragged) -> np.ndarray:
    """True for each row whose last value stands in it once; no row may be empty."""
    last = sequences.values[sequences.indptr[1:] - 1]
    same = sequences.values == np.repeat(last, sequences.lengths)
    count = np.bincount(sequences.row_of, weights=same, minlength=len(sequences))
    return np.asarray(count == 1)
