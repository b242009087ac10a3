"""A target's held-out events as examples of all folds, and the small ranker fitted on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from crossrec.components.ndcg import target_gains
from crossrec.components.run import RunOptions
from crossrec.components.threads import in_threads, threads_of
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import FloatArray, IntArray, offsets
from numpy.typing import NDArray

from crossrec_backbone.adaptation.baselines import plain_gains
from crossrec_backbone.adaptation.folds import Fold, folds_at_once
from crossrec_backbone.ranking.examples import Collected, Groups, collect, joined
from crossrec_backbone.ranking.shortlist import LARGE_ITEMS, Shortlist
from crossrec_backbone.ranking.trees import (
    MINIMUM_GROUPS,
    BinnedGroups,
    RankerConfig,
    TreeRanker,
    trees_available,
)
from crossrec_backbone.relations.statistics import BackboneConfig, Statistics

#: Held-out events whose examples are computed together.
_BLOCK = 256


@dataclass(frozen=True)
class Tier:
    """What suits a number of held-out events: size of the trees, β by default and at most."""

    held_out: float
    leaves: int
    min_leaf: int
    target_weight: float
    largest: float


#: By held-out events, ascending. Set on validation items of Scientific, where 1,000 events hold out
#: about 190, 10,000 about 1,600 and all of them 5,400, and from the second on of UCI, ML-1M and
#: Last.fm too. Where thousands are held out the trees are nearly right alone: with β 32 and not 8
#: ndcg@10 gains .0005 on Scientific, .0012 on UCI, .0039 on ML-1M and .0033 on Last.fm. With 10,000
#: events the same β loses .006 on ML-1M, and what cross-validation would choose beyond 16 loses
#: .0008 on Scientific and .0006 on MicroLens, hence the bounds.
TIERS = (
    Tier(400, 4, 50, 1.0, 16.0),
    Tier(2_000, 7, 100, 4.0, 16.0),
    Tier(float("inf"), 15, 200, 32.0, 64.0),
)


@dataclass(frozen=True, eq=False)
class HeldOutExamples:
    """The held-out events of all folds.

    Attributes
    ----------
    groups : Groups
        Those whose target is among the candidates.
    rows : int64 array, shape (len(groups),)
        Which held-out event each group belongs to.
    fold : int64 array, same shape
    n : int
        All held-out events.
    plain : mapping of plain method to ndcg@10 of each held-out event, (n,)
    """

    groups: Groups
    rows: IntArray
    fold: IntArray
    n: int
    plain: Mapping[str, NDArray[np.float64]]

    def gains(self, scores: FloatArray) -> NDArray[np.float64]:
        """Return ndcg@10 of every held-out event; 0 where the target is not a candidate.

        Parameters
        ----------
        scores : float32 array, aligned with ``groups.index``
        """
        out = np.zeros(self.n)
        out[self.rows] = target_gains(scores, self.groups.place)
        return out


def held_out_examples(
    dataset: Dataset, folds: Sequence[Fold], config: BackboneConfig, run: RunOptions
) -> HeldOutExamples:
    """Compute candidates, columns and plain methods of every held-out event.

    Costs the statistics once for each fold; of a catalogue that is not large several at once.
    """
    threads = threads_of(run)
    together = folds_at_once(len(folds), dataset.n_items, threads)

    def parts_of(fold: Fold) -> list[_Part]:
        own = max(1, threads // together)
        statistics = Statistics.fit(dataset, config, sequences=fold.sequences, threads=own)
        return _parts_of(statistics, fold, own)

    by_fold: list[list[_Part]] = []
    for start in range(0, len(folds), together):
        run.progress("fitting the adapter", start, len(folds) + 1)
        by_fold += in_threads(parts_of, folds[start : start + together], together)
    run.progress("fitting the adapter", len(folds), len(folds) + 1)
    parts = [part for own in by_fold for part in own]
    fold_of = [
        np.full(sum(len(part.found.groups) for part in own), number)
        for number, own in enumerate(by_fold)
    ]
    starts = offsets(np.array([part.n for part in parts]))
    common = [name for name in parts[0].plain if all(name in part.plain for part in parts)]
    return HeldOutExamples(
        joined([part.found.groups for part in parts]),
        np.concatenate([start + part.found.rows for start, part in zip(starts, parts)]),
        np.concatenate(fold_of),
        int(starts[-1]),
        {name: np.concatenate([part.plain[name] for part in parts]) for name in common},
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """What was found for `n` held-out events."""

    found: Collected
    plain: Mapping[str, NDArray[np.float64]]
    n: int


def _parts_of(statistics: Statistics, fold: Fold, threads: int) -> list[_Part]:
    """Compute candidates, columns and plain methods of a fold's events, in blocks."""
    statistics.prepare()
    large = statistics.n_items >= LARGE_ITEMS
    shortlist = Shortlist(statistics).prepare() if large else None

    def part(rows: IntArray) -> _Part:
        queries, targets = fold.queries.take(rows), fold.targets[rows]
        gains = plain_gains(statistics, queries, targets)
        return _Part(collect(statistics, queries, targets, shortlist=shortlist), gains, len(rows))

    return in_threads(part, list(fold.queries.blocks(_BLOCK)), threads)


@dataclass(frozen=True, eq=False)
class TargetRanker:
    """The ranker of a target, cross-fitted on its held-out events.

    Attributes
    ----------
    fitted : TreeRanker
        The ranker of all folds.
    out_of_fold : float32 array, shape (n, m)
        Scores of each group by a ranker of the other folds.
    weight, largest : float
        β by default, and at most.
    """

    fitted: TreeRanker
    out_of_fold: FloatArray
    weight: float
    largest: float


def cross_fit(
    examples: HeldOutExamples, rounds: int, learning_rate: float, run: RunOptions
) -> TargetRanker | None:
    """Fit rankers on all folds, and on all but one in turn; their trees grow with the evidence.

    None where there is too little to learn from, or LightGBM is not installed.
    """
    if not trees_available() or not rounds:
        return None
    groups, fold = examples.groups, examples.fold
    folds = np.unique(fold)
    if min((np.count_nonzero(fold != number) for number in folds), default=0) < MINIMUM_GROUPS:
        return None
    tier = next(tier for tier in TIERS if examples.n <= tier.held_out)
    config = RankerConfig(
        rounds=rounds, learning_rate=learning_rate, leaves=tier.leaves, min_leaf=tier.min_leaf
    )
    binned = BinnedGroups.of(groups, config, run)
    threads = threads_of(run)
    # A ranker a core: threads of one ranker would wait for one another at every split. The ranker
    # of all folds takes longest, so it starts first.
    rows = [np.arange(len(groups)), *(np.flatnonzero(fold != number) for number in folds)]
    own = replace(run, threads=max(1, threads // len(rows)))
    fitted, *rankers = in_threads(lambda chosen: binned.fit(own, chosen), rows, threads)
    out = np.zeros(groups.index.shape, dtype=np.float32)

    def predict(number: int) -> None:
        held = np.flatnonzero(fold == folds[number])
        out[held] = rankers[number].scores(groups.columns[held])

    in_threads(predict, range(len(folds)), threads)
    return TargetRanker(fitted, out, tier.target_weight, tier.largest)


def head_scores(
    heads: Mapping[str, TreeRanker], groups: Groups, threads: int
) -> dict[str, FloatArray]:
    """Return the raw scores of all groups by each head, float32 (n, m), computed in blocks."""
    blocks = [np.arange(len(groups))[at : at + _BLOCK] for at in range(0, len(groups), _BLOCK)]
    out = {name: np.zeros(groups.index.shape, dtype=np.float32) for name in heads}

    def score(job: tuple[str, IntArray]) -> None:
        name, rows = job
        out[name][rows] = heads[name].scores(groups.columns[rows])

    in_threads(score, [(name, rows) for name in heads for rows in blocks], threads)
    return out


def why_no_ranker(rounds: int) -> str:
    """Return why `cross_fit` gave none."""
    if not rounds:
        return "not fitted: no rounds, as for a quick fit"
    if not trees_available():
        return "LightGBM is not installed: pip install lightgbm"
    return f"fewer than {MINIMUM_GROUPS} examples to learn from"
