"""Held-out events in folds: the targets of a fold are in none of its statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import IntArray, Ragged, offsets

#: Fewest events of a user whose last one is held out, and the way from one held-out event to the
#: next.
_SHORTEST, _SPACING = 3, 10
#: Items up to which folds are computed side by side: beyond it their statistics fill the memory.
_SIDE_BY_SIDE = 10_000


@dataclass(frozen=True, eq=False)
class Fold:
    """Statistics without some events of some users, and those events as targets.

    Attributes
    ----------
    sequences : Ragged
        All users, without the held-out events.
    queries : QueryBatch, n queries
        Histories: what came before each held-out event.
    targets : int64 array, shape (n,)
    """

    sequences: Ragged
    queries: QueryBatch
    targets: IntArray


def held_out_folds(
    sequences: Ragged,
    folds: int,
    seed: int,
    *,
    limit: int,
    least: int = 1,
    repeats: bool = False,
) -> list[Fold]:
    """Hold out the last event of each user in one fold; users of the other folds keep theirs.

    Where there are fewer users than `limit`, long histories give every tenth event too, from the
    last one backwards, each with the events before it as its history: a few people with long
    histories are evidence as well. A held-out event is in no statistics and no history of its fold.

    Parameters
    ----------
    limit : int
        Events that are held out in all: the last ones first, drawn at random.
    least : int
        With fewer held-out events nothing can be chosen: then there are no folds.
    repeats : bool
        Whether an item of the history may be a target, and a candidate.
    """
    rng = np.random.default_rng(seed)
    rows, at = _drawn(sequences, rng, limit, repeats)
    if len(rows) < least:
        return []
    users = rng.permutation(np.unique(rows))
    parts = [np.sort(part) for part in np.array_split(users, folds) if len(part)]
    return [_fold(sequences, *_of(part, rows, at), repeats) for part in parts]


def folds_at_once(folds: int, n_items: int, threads: int) -> int:
    """Return how many folds are computed side by side, at least 1."""
    return max(1, min(folds, threads)) if n_items <= _SIDE_BY_SIDE else 1


def _drawn(
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
        new = sequences.distinct_mask()[at]
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
    """Take the events `at` of `rows` out; what its row has before one is its history."""
    kept = np.ones(len(sequences.values), dtype=bool)
    kept[at] = False
    rest = sequences.where(kept)
    before = offsets(kept)[at]
    history = rest.take(rows).heads(before - rest.indptr[rows])
    exclude = Ragged.empty(len(rows)) if repeats else history
    queries = QueryBatch.from_histories(history, users=rows, exclude=exclude)
    return Fold(rest, queries, sequences.values[at])
