"""Low-data tasks: a rich catalogue as if it were young, to learn what young catalogues need.

The target of every sequence is its last item; the last but one is known to the query only, and the
statistics come from the items before. They are thinned to a budget of events by whole users,
because that is what a young catalogue looks like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.components.settings import Settings
from crossrec.numeric.ragged import IntArray, Ragged


class LowDataConfig(Settings):
    """How low-data tasks are made.

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
    queries : int
        Queries of each level at most.
    """

    levels: tuple[int, ...] = (0, 1_000, 3_000, 10_000, 50_000)
    longest: int = 40
    windows: int = 4
    shortest_window: int = 5
    extra: int = 8
    queries: int = 2_000


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Sequences without their ends, and the last items as targets.

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
class LowDataTask:
    """One source at one level of scarcity.

    Attributes
    ----------
    events : int
        The level.
    sequences : Ragged
        What the statistics are computed from.
    queries : QueryBatch, n queries
    targets : int64 array, shape (n,)
    """

    events: int
    sequences: Ragged
    queries: QueryBatch
    targets: IntArray


def windows(sequences: Ragged, config: LowDataConfig, rng: np.random.Generator) -> Ragged:
    """Cut long sequences into disjoint windows; each counts as a user of its own.

    They never overlap: the target of one window would be in the statistics of another.
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
    rows = np.flatnonzero(sequences.lengths >= 3)
    last = sequences.indptr[1:][rows] - 1
    new = sequences.distinct_mask()[last]
    rows, last = rows[new], last[new]
    return HeldOut(
        without_last(sequences, 2),
        QueryBatch.from_histories(without_last(sequences, 1).take(rows)),
        sequences.values[last],
    )


def without_last(sequences: Ragged, count: int) -> Ragged:
    """Drop the last `count` values of each row; shorter rows become empty."""
    return sequences.heads(np.maximum(sequences.lengths - count, 0))


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


def levels_of(events: int, config: LowDataConfig) -> tuple[int, ...]:
    """Return the levels that a source of so many events can fill."""
    return tuple(sorted({min(level, events) for level in config.levels}))


def make_task(held: HeldOut, level: int, config: LowDataConfig, seed: int) -> LowDataTask:
    """Return the source at one level; the same seed gives the same task."""
    rng = np.random.default_rng([seed, level])
    sequences = thinned(held.known, level, rng)
    rows = np.arange(len(held.targets))
    if len(rows) > config.queries:
        rows = np.sort(rng.choice(len(rows), config.queries, replace=False))
    return LowDataTask(level, sequences, held.queries.take(rows), held.targets[rows])
