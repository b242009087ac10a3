"""The cut inside the training events: what sources learn from, and what the ranker is judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.data.ragged import Ragged

#: Share of the interactions, by time, that lies before the cut.
_BEFORE = 0.9
#: Fewer examples than this cannot tell one ranker from another.
ENOUGH = 50


@dataclass(frozen=True, eq=False)
class Cut:
    """Events before a cut, and queries with what came after it.

    Attributes
    ----------
    train : Dataset
        Nothing in it lies after the cut of its user.
    queries : QueryBatch, n queries
        Each user's history before the cut.
    targets : Ragged, n rows
        Distinct items after the cut.
    rule : str
        ``"time"`` or ``"last event"``.
    """

    train: Dataset
    queries: QueryBatch
    targets: Ragged
    rule: str


def cut_for_validation(
    dataset: Dataset, *, keep_history: bool, seed: int, limit: int = 4000
) -> Cut:
    """Cut at a time where there is a clock and enough lies behind it, else before the last event.

    Parameters
    ----------
    keep_history : bool
        Whether items of the history may be targets and candidates.
    limit : int
        At most so many queries, drawn with `seed`.
    """
    if dataset.has_clock and len(dataset.interactions):
        cut = _cut_at_time(dataset, keep_history, seed, limit)
        if len(cut.queries) >= ENOUGH:
            return cut
    return _cut_last(dataset, keep_history, seed, limit)


def queries_for(
    users: NDArray[np.int64],
    history: Ragged,
    *,
    keep_history: bool,
    now: NDArray[np.float64] | None = None,
) -> QueryBatch:
    """Return the batch in which each user asks with a history, excluded or not."""
    exclude = Ragged.empty(len(users)) if keep_history else history
    return QueryBatch(users, history, exclude, now)


def _cut_at_time(dataset: Dataset, keep_history: bool, seed: int, limit: int) -> Cut:
    events = dataset.interactions
    moment = float(np.quantile(events.times, _BEFORE))
    train = dataset.with_events(dataset.events.take(dataset.events.times < moment))
    after = events.take(events.times >= moment)
    users = np.intersect1d(np.unique(after.users), np.unique(train.interactions.users))
    users = _sample(users, limit, seed)
    history = train.sequences.take(users)
    targets = _targets(_rows(after.users, after.items, users), history, keep_history)
    kept = targets.lengths > 0
    users, history, targets = users[kept], history.take(np.flatnonzero(kept)), _filled(targets)
    now = np.full(len(users), moment)
    queries = queries_for(users, history, keep_history=keep_history, now=now)
    return Cut(train, queries, targets, "time")


def _cut_last(dataset: Dataset, keep_history: bool, seed: int, limit: int) -> Cut:
    sequences = dataset.sequences
    users = _sample(np.flatnonzero(sequences.lengths >= 2), limit, seed)
    last_rows = sequences.indptr[1:][users] - 1
    interaction_rows = np.flatnonzero(dataset.events.weights > 0)
    keep = np.ones(len(dataset.events), dtype=bool)
    keep[interaction_rows[last_rows]] = False
    now = dataset.interactions.times[last_rows] if dataset.has_clock else None
    train = dataset.with_events(dataset.events.take(keep))
    history = train.sequences.take(users)
    targets = Ragged.from_rows(sequences.values[last_rows][:, None])
    targets = _targets(targets, history, keep_history)
    kept = np.flatnonzero(targets.lengths > 0)
    users, history, targets = users[kept], history.take(kept), _filled(targets)
    now = None if now is None else now[kept]
    queries = queries_for(users, history, keep_history=keep_history, now=now)
    return Cut(train, queries, targets, "last event")


def _sample(users: NDArray[np.int64], limit: int, seed: int) -> NDArray[np.int64]:
    if len(users) <= limit:
        return users.astype(np.int64)
    return np.sort(np.random.default_rng(seed).choice(users, limit, replace=False))


def _rows(users: NDArray[np.int64], items: NDArray[np.int64], wanted: NDArray[np.int64]) -> Ragged:
    """Items of each wanted user; `users` is sorted."""
    start = np.searchsorted(users, wanted, side="left")
    stop = np.searchsorted(users, wanted, side="right")
    return Ragged.from_rows([items[a:b] for a, b in zip(start, stop)])


def _targets(targets: Ragged, history: Ragged, keep_history: bool) -> Ragged:
    """Distinct targets, without those of the history where they can't be recommended."""
    rows = []
    for i in range(len(targets)):
        row = np.unique(targets.row(i))
        rows.append(row if keep_history else np.setdiff1d(row, history.row(i)))
    return Ragged.from_rows(rows)


def _filled(targets: Ragged) -> Ragged:
    return targets.take(np.flatnonzero(targets.lengths > 0))
