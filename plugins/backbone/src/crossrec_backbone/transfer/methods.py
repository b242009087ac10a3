"""Every method's answer to the test queries of one budget, as the place of the target.

All are asked the same queries over the same candidates and the whole catalogue. Places start at 0;
equal scores share their places, so the order of the item numbers, which may tell of time, helps no
method. A target that a method has nothing to say of has the place infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows

from crossrec_backbone.adaptation.gate import MIXTURE, plain_scores
from crossrec_backbone.adaptation.repeats import asked
from crossrec_backbone.ranking.candidates import propose
from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.ranking.features import COLUMN_NAMES, compute
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
_EVIDENCE = tuple(
    COLUMN_NAMES.index(name)
    for name in (
        "text_consensus",
        "co_occurrence.decayed",
        "transitions.decayed",
        "ease.decayed",
        "prior_ease.decayed",
        "smoothed.decayed",
        "popularity",
    )
)
Scorer = Callable[[Groups], FloatArray]


@dataclass(frozen=True, eq=False)
class Places:
    """Where each method puts the target of each query.

    Attributes
    ----------
    of : mapping of method to float32 array, shape (n,)
        Places from 0; infinity where the target is not offered.
    silent : frozenset of str
        Methods that have nothing to say at this budget.
    """

    of: Mapping[str, FloatArray]
    silent: frozenset[str]


def places(
    statistics: Statistics, queries: QueryBatch, targets: IntArray, learnt: Learnt
) -> Places:
    """Ask every method.

    Parameters
    ----------
    queries : QueryBatch
        What they exclude is no candidate of any method. The history is none either where the events
        of the budget do not repeat; `repeat-last`, which has nothing else, keeps it.
    """
    own = asked(queries, learnt.full.repeats)
    plain = _plain_places(statistics, own, targets)
    out = {_PLAIN.get(name, name): told for name, told in plain.items()}
    if "fixed-blend" not in out and "content" in out:
        out["fixed-blend"] = out["content"]  # without events the other summand is 0
    out["repeat-last"] = _repeat_places(queries, targets)
    scorers: dict[str, tuple[float, Scorer]] = {}
    usual = statistics.config.consensus.kappa
    for name, adapter in ((FULL, learnt.full), (BARE, learnt.bare), ("zero-shot", learnt.zero)):
        if adapter.serves == MIXTURE:
            scorers[name] = adapter.mixture.kappa, adapter.scores
        else:
            out[name] = out[_PLAIN[adapter.serves]]
    if learnt.alone is not None:
        scorers["target-only"] = usual, _alone(learnt.alone)
    for kappa in sorted({told for told, _ in scorers.values()}):
        chosen = {name: scorer for name, (told, scorer) in scorers.items() if told == kappa}
        out |= _pool_places(statistics, own, targets, kappa, chosen)
    missing = np.full(len(targets), np.inf, dtype=np.float32)
    silent = {name for name in METHODS if name not in out}
    if not queries.history.values.size or np.isinf(out["repeat-last"]).all():
        silent.add("repeat-last")
    return Places({name: out.get(name, missing) for name in METHODS}, frozenset(silent))


def place_of(scores: FloatArray, targets: IntArray) -> FloatArray:
    """Return how many candidates stand before the target of each row; equals count one half.

    Scores of -inf and NaN are no candidates; such a target has the place infinity.
    """
    clean = np.where(np.isnan(scores), -np.inf, scores)
    own = clean[np.arange(len(targets)), targets][:, None]
    ahead = (clean > own).sum(axis=1) + ((clean == own).sum(axis=1) - 1) / 2
    return np.where(np.isfinite(own[:, 0]), ahead, np.inf).astype(np.float32)


def _alone(ranker: TreeRanker) -> Scorer:
    """Return a scorer by the target's ranker alone."""

    def scores(groups: Groups) -> FloatArray:
        told = ranker.scores(groups.columns)
        return np.where(groups.valid, told, -np.inf).astype(np.float32)

    return scores


def _plain_places(
    statistics: Statistics, queries: QueryBatch, targets: IntArray
) -> dict[str, FloatArray]:
    """Return places under the plain methods and TGH, over the whole catalogue."""
    out: dict[str, FloatArray] = {}
    for rows in queries.blocks(max(1, block_rows(statistics.n_items) // 8)):
        part = queries.take(rows)
        told = plain_scores(statistics, part)
        transitions = _transition_scores(statistics, part)
        if transitions is not None:
            told["tgh"] = transitions
        for name, scores in told.items():
            scores = scores.copy()
            if name != "fixed blend":
                scores[scores == 0] = -np.inf
            scores[part.exclude.row_of, part.exclude.values] = -np.inf
            every = out.setdefault(name, np.full(len(queries), np.inf, dtype=np.float32))
            every[rows] = place_of(scores, targets[rows])
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
    scorers: Mapping[str, Scorer],
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
        told = np.nan_to_num(columns[:, :, _EVIDENCE]).any(axis=2) & (index != PAD)
        groups = Groups(index, columns, place)
        for name, scorer in scorers.items():
            scores = np.where(told, scorer(groups), -np.inf).astype(np.float32)
            out[name][rows[found]] = place_of(scores, place)
    return out
