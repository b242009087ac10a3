"""Held-out events in folds: the statistics of a fold know nothing of the events it asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import IntArray, Ragged

#: Fewest events of a user who is asked about, and the way from one held-out event to the next.
_SHORTEST, _SPACING = 3, 10


@dataclass(frozen=True, eq=False)
class Fold:
    """Statistics without the last events of some users, and those events as targets."""

    sequences: Ragged
    queries: QueryBatch
    targets: IntArray


def last_event_folds(
    sequences: Ragged, folds: int, seed: int, *, limit: int | None = None
) -> list[Fold]:
    """Hold out the last event of each user in one fold; users of the other folds keep theirs.

    Only users with three or more events whose last item is new to them are held out; at most
    `limit` of them in all.
    """
    rng = np.random.default_rng(seed)
    lengths = sequences.lengths
    users = np.flatnonzero(lengths >= 3)
    last = sequences.values[sequences.indptr[1:][users] - 1]
    held = np.repeat(last, lengths[users])
    own = sequences.take(users)
    repeats = np.bincount(own.row_of, weights=own.values == held, minlength=len(users))
    users = rng.permutation(users[repeats == 1])[:limit]
    parts = np.array_split(users, folds)
    return [_last_event_fold(sequences, np.sort(part)) for part in parts if len(part)]


def _last_event_fold(sequences: Ragged, users: IntArray) -> Fold:
    """Take the last events of `users` out."""
    ends = sequences.indptr[1:][users] - 1
    kept = np.ones(len(sequences.values), dtype=bool)
    kept[ends] = False
    lengths = sequences.lengths.copy()
    lengths[users] -= 1
    before = Ragged(np.concatenate([[0], np.cumsum(lengths)]), sequences.values[kept])
    queries = QueryBatch.from_histories(before.take(users), users=users)
    return Fold(before, queries, sequences.values[ends])


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
    return [_held_out_fold(sequences, *_of(part, rows, at), repeats) for part in parts]


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


def _held_out_fold(sequences: Ragged, rows: IntArray, at: IntArray, repeats: bool) -> Fold:
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
