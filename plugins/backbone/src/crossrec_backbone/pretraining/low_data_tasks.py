"""Worlds: a rich catalogue as if it were young, so that what young catalogues need can be learnt.

Of every sequence the last item is what is to be found, the last but one is known to the query only,
and the statistics come from what lies before. They are thinned to a budget of events by whole
users, because that is how a young catalogue looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.components.settings import Settings
from crossrec.numeric.ragged import IntArray, Ragged


class WorldConfig(Settings):
    """How worlds are made.

    Attributes
    ----------
    levels : tuple of int
        Events that the statistics are thinned to, ascending. The last one that a source can fill
        is followed by all that it has, up to the largest.
    longest : int
        Longer sequences are cut into windows.
    windows : int
        Windows of one sequence at most.
    shortest_window, extra : int
        A window has `shortest_window` items, and `extra` more on average.
    cold : float
        Share of the items that lose their events from the statistics.
    queries : int
        Queries of each level at most.
    """

    levels: tuple[int, ...] = (0, 1_000, 3_000, 10_000, 50_000)
    longest: int = 40
    windows: int = 4
    shortest_window: int = 5
    extra: int = 8
    cold: float = 0.0
    queries: int = 2_000


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Sequences whose last item is to be found.

    Attributes
    ----------
    known : Ragged
        What statistics may read: all but the last two items.
    queries : QueryBatch
        Histories: all but the last item.
    targets : int64 array, shape (n,)
        The last items, each new to its history.
    """

    known: Ragged
    queries: QueryBatch
    targets: IntArray


@dataclass(frozen=True, eq=False)
class World:
    """One source at one level of scarcity.

    Attributes
    ----------
    events : int
        The level.
    sequences : Ragged
        What the statistics are computed from.
    queries, targets
        What is asked, and what is to be found.
    """

    events: int
    sequences: Ragged
    queries: QueryBatch
    targets: IntArray


def windows(sequences: Ragged, config: WorldConfig, rng: np.random.Generator) -> Ragged:
    """Cut long sequences into disjoint windows; each counts as a user of its own.

    They never overlap: what one window asks for would stand in the statistics of another.
    """
    rows: list[IntArray] = []
    for i in range(len(sequences)):
        row = sequences.row(i)
        if len(row) <= config.longest:
            rows.append(row)
            continue
        start = int(rng.integers(0, len(row) // 4))
        for _ in range(config.windows):
            stop = start + config.shortest_window + int(rng.geometric(1 / config.extra))
            if len(row) - start < config.shortest_window:
                break
            rows.append(row[start:stop])
            start = stop
    return Ragged.from_rows(rows)


def hold_out(sequences: Ragged) -> HeldOut:
    """Hold out the last item of every sequence of three or more whose last item is new to it."""
    lengths = sequences.lengths
    long = np.flatnonzero(lengths >= 3)
    own = sequences.take(long)
    last = own.values[own.indptr[1:] - 1]
    same = own.values == np.repeat(last, own.lengths)
    new = np.bincount(own.row_of, weights=same, minlength=len(own)) == 1
    asked = own.take(np.flatnonzero(new))
    return HeldOut(
        without_last(sequences, 2),
        QueryBatch.from_histories(without_last(asked, 1)),
        asked.values[asked.indptr[1:] - 1],
    )


def thinned(sequences: Ragged, events: int, rng: np.random.Generator) -> Ragged:
    """Return whole sequences, drawn at random, until they hold `events`; the last one is cut."""
    if events >= len(sequences.values):
        return sequences
    order = rng.permutation(len(sequences))
    ends = np.cumsum(sequences.lengths[order])
    count = int(np.searchsorted(ends, events)) + 1 if events else 0
    drawn = sequences.take(order[:count])
    indptr = np.minimum(drawn.indptr, events)
    return Ragged(indptr, drawn.values[: indptr[-1]])


def without_items(sequences: Ragged, items: IntArray) -> Ragged:
    """Return the sequences without any event of `items`."""
    kept = ~np.isin(sequences.values, items)
    lengths = np.bincount(sequences.row_of[kept], minlength=len(sequences))
    return Ragged(np.concatenate([[0], np.cumsum(lengths)]), sequences.values[kept])


def levels_of(events: int, config: WorldConfig) -> tuple[int, ...]:
    """Return the levels that a source of so many events can show."""
    levels = sorted(set(config.levels))
    return tuple(sorted({min(level, events) for level in levels}))


def make_world(held: HeldOut, level: int, n_items: int, config: WorldConfig, seed: int) -> World:
    """Return the source at one level; the same seed gives the same world."""
    rng = np.random.default_rng([seed, level])
    sequences = thinned(held.known, level, rng)
    if config.cold:
        count = round(config.cold * n_items)
        sequences = without_items(sequences, rng.choice(n_items, count, replace=False))
    rows = np.arange(len(held.targets))
    if len(rows) > config.queries:
        rows = np.sort(rng.choice(len(rows), config.queries, replace=False))
    return World(level, sequences, held.queries.take(rows), held.targets[rows])


def without_last(sequences: Ragged, count: int) -> Ragged:
    """Drop the last `count` values of each row."""
    lengths = np.maximum(sequences.lengths - count, 0)
    place = np.arange(len(sequences.values)) - np.repeat(sequences.indptr[:-1], sequences.lengths)
    kept = place < np.repeat(lengths, sequences.lengths)
    return Ragged(np.concatenate([[0], np.cumsum(lengths)]), sequences.values[kept])
