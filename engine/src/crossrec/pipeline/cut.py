"""The cut inside the training events: what sources learn from, and what the ranker is judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossrec.components.eligibility import CandidateRule, eligible_targets, queries_of
from crossrec.components.query import QueryBatch
from crossrec.components.run import Effort
from crossrec.data.dataset import Dataset
from crossrec.data.splits import Targets, before, between, tails, without_tails
from crossrec.numeric.ragged import IntArray, Ragged

#: Share of the interactions, by time, that lies before the cut.
_BEFORE = 0.9
#: Fewer examples than this cannot tell one ranker from another.
ENOUGH = 50
#: Validation queries that a ranker is chosen on, drawn at random where there are more.
LIMIT = 4000
#: The same for a fit of little effort, most of whose time the answers would take.
QUICK_LIMIT = 1000
#: Queries times items: larger catalogues have fewer queries, down to `QUICK_LIMIT`.
CELLS = 400_000_000


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
    dataset: Dataset, rule: CandidateRule, *, seed: int, limit: int = LIMIT
) -> Cut:
    """Cut at a time where there is a clock and enough lies behind it, else before the last event.

    Parameters
    ----------
    rule : CandidateRule
        What a list may hold: targets and candidates.
    limit : int
        At most so many queries, drawn with `seed`.
    """
    if dataset.has_clock and len(dataset.interactions):
        moment = float(np.quantile(dataset.interactions.times, _BEFORE))
        after = between(dataset, moment, np.inf)
        wanted = eligible_targets(after, rule, seed=seed, limit=limit)
        if len(wanted) >= ENOUGH:
            return _cut(before(dataset, moment), wanted, rule, "time")
    users = np.flatnonzero(dataset.sequences.lengths >= 2)
    users = _sample(users, limit, seed)
    train = without_tails(dataset, users, 1)
    wanted = eligible_targets(tails(dataset, users, 1), rule, seed=seed, limit=limit)
    return _cut(train, wanted, rule, "last event")


def query_limit(effort: Effort, n_items: int) -> int:
    """Return how many validation queries a fit asks at most: fewer in a very large catalogue."""
    if effort == "quick":
        return QUICK_LIMIT
    return max(QUICK_LIMIT, min(LIMIT, CELLS // max(n_items, 1)))


def _cut(train: Dataset, wanted: Targets, rule: CandidateRule, name: str) -> Cut:
    return Cut(train, queries_of(wanted, train, rule), wanted.targets, name)


def _sample(rows: IntArray, limit: int, seed: int) -> IntArray:
    if len(rows) <= limit:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
