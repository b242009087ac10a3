"""Every method on the test queries of one budget, as the place of the target.

All have the same queries over the same candidates and the whole catalogue. Places start at 0; equal
scores share their places, so the order of the item numbers, which may follow time, helps no method.
A target for which a method has no score has the place infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.ndcg import target_places
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows

from crossrec_backbone.adaptation.baselines import plain_scores
from crossrec_backbone.adaptation.gate import MIXTURE
from crossrec_backbone.adaptation.repeats import exclude_history
from crossrec_backbone.ranking.candidates import propose
from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.ranking.features import compute, has_evidence
from crossrec_backbone.ranking.trees import TreeRanker
from crossrec_backbone.relations.scores import behaviour_scores, decayed_history
from crossrec_backbone.relations.statistics import Statistics
from crossrec_backbone.transfer.learning import Learnt

FULL = "crossrec"
BARE = "without-pretraining"
#: In the order of the report.
METHODS = (
    FULL,
    BARE,
    "zero-shot",
    "target-only",
    "content",
    "ease",
    "co-occurrence",
    "fixed-blend",
    "prior-ease",
    "tgh",
    "repeat-last",
    "popularity",
)
#: What the gate calls the plain methods.
_PLAIN = {
    "content": "content",
    "EASE": "ease",
    "co-occurrence": "co-occurrence",
    "fixed blend": "fixed-blend",
    "prior-EASE": "prior-ease",
    "popularity": "popularity",
}
_BLOCK = 512
#: Scores the candidates of groups, float32 (n, m).
GroupScorer = Callable[[Groups], FloatArray]


@dataclass(frozen=True, eq=False)
class Places:
    """Where each method puts the target of each query.

    Attributes
    ----------
    of : mapping of method to float32 array, shape (n,)
        Places from 0; infinity where the target is no candidate.
    no_scores : frozenset of str
        Methods that have no scores at this budget.
    """

    of: Mapping[str, FloatArray]
    no_scores: frozenset[str]


def places(
    statistics: Statistics, queries: QueryBatch, targets: IntArray, learnt: Learnt
) -> Places:
    """Run every method.

    Parameters
    ----------
    queries : QueryBatch
        What they exclude is no candidate of any method. The history is none either where the events
        of the budget do not repeat; `repeat-last`, which has nothing else, keeps it.
    """
    own = exclude_history(queries, learnt.full.repeats)
    plain = _plain_places(statistics, own, targets)
    out = {_PLAIN.get(name, name): place for name, place in plain.items()}
    if "fixed-blend" not in out and "content" in out:
        out["fixed-blend"] = out["content"]  # without events the other summand is 0
    out["repeat-last"] = _repeat_places(queries, targets)
    scorers: dict[str, tuple[float, GroupScorer]] = {}
    for name, adapter in ((FULL, learnt.full), (BARE, learnt.bare), ("zero-shot", learnt.zero)):
        if adapter.serves == MIXTURE:
            scorers[name] = adapter.mixture.kappa, adapter.scores
        else:
            out[name] = out[_PLAIN[adapter.serves]]
    if learnt.alone is not None:
        scorers["target-only"] = statistics.config.consensus.kappa, _alone(learnt.alone)
    for kappa in sorted({weight for weight, _ in scorers.values()}):
        chosen = {name: scorer for name, (weight, scorer) in scorers.items() if weight == kappa}
        out |= _pool_places(statistics, own, targets, kappa, chosen)
    missing = np.full(len(targets), np.inf, dtype=np.float32)
    no_scores = {name for name in METHODS if name not in out}
    if not queries.history.values.size or np.isinf(out["repeat-last"]).all():
        no_scores.add("repeat-last")
    return Places({name: out.get(name, missing) for name in METHODS}, frozenset(no_scores))


def _alone(ranker: TreeRanker) -> GroupScorer:
    """Return a scorer by the target's ranker alone."""

    def scores(groups: Groups) -> FloatArray:
        return np.where(groups.valid, ranker.scores(groups.columns), -np.inf).astype(np.float32)

    return scores


def _plain_places(
    statistics: Statistics, queries: QueryBatch, targets: IntArray
) -> dict[str, FloatArray]:
    """Return places under the plain methods and TGH, over the whole catalogue."""
    out: dict[str, FloatArray] = {}
    for rows in queries.blocks(max(1, block_rows(statistics.n_items) // 8)):
        part = queries.take(rows)
        by_method = plain_scores(statistics, part)
        transitions = _transition_scores(statistics, part)
        if transitions is not None:
            by_method["tgh"] = transitions
        for name, scores in by_method.items():
            if name != "fixed blend":
                scores = np.where(scores == 0, np.float32(-np.inf), scores)
            every = out.setdefault(name, np.full(len(queries), np.inf, dtype=np.float32))
            every[rows] = target_places(scores, targets[rows], part.exclude)
    return out


def _transition_scores(statistics: Statistics, queries: QueryBatch) -> FloatArray | None:
    """Return scores of the directed transition graph, None where there is none.

    A heuristic in the manner of TGH (arXiv 2605.07125), our own version: transitions up to ten
    steps apart, nearer ones more, shrunk by departures, summed over the decayed history.
    """
    matrix = statistics.behaviour.relations.get("transitions")
    if matrix is None:
        return None
    decayed = decayed_history(queries, statistics.n_items, statistics.config.history)
    return behaviour_scores(matrix, queries, statistics.config.history, decayed)


def _repeat_places(queries: QueryBatch, targets: IntArray) -> FloatArray:
    """Return places among the user's own items, the latest first."""
    out = np.full(len(targets), np.inf, dtype=np.float32)
    for i in range(len(targets)):
        own = queries.history.row(i)[::-1]
        latest = own[np.sort(np.unique(own, return_index=True)[1])]
        latest = latest[~np.isin(latest, queries.exclude.row(i))]
        found = np.flatnonzero(latest == targets[i])
        if len(found):
            out[i] = found[0]
    return out


def _pool_places(
    statistics: Statistics,
    queries: QueryBatch,
    targets: IntArray,
    kappa: float,
    scorers: Mapping[str, GroupScorer],
) -> dict[str, FloatArray]:
    """Return places under rankers of the pool; columns are computed where the target is in it."""
    out = {name: np.full(len(targets), np.inf, dtype=np.float32) for name in scorers}
    for rows in queries.blocks(_BLOCK):
        part = queries.take(rows)
        index = propose(statistics, part, kappa=kappa)
        hit = index == targets[rows][:, None]
        found = np.flatnonzero(hit.any(axis=1))
        if not len(found):
            continue
        index, place = index[found], hit[found].argmax(axis=1).astype(np.int64)
        columns = compute(statistics, part.take(found), index)
        known = has_evidence(columns) & (index != PAD)
        groups = Groups(index, columns, place)
        for name, scorer in scorers.items():
            scores = np.where(known, scorer(groups), -np.inf)
            out[name][rows[found]] = target_places(scores, place)
    return out
