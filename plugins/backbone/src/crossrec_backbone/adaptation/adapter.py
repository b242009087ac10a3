"""The adapter: what a fit learns on the target itself, and how much each part weighs there.

Folds of users lose their last event from the statistics; that event is what must be found. On these
examples a small ranker is fitted, the weights of the parts are chosen, and the gate judges the
result against the plain methods. With too few examples the defaults stand, and the target's own
ranker is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import FloatArray, IntArray
from pydantic import Field

from crossrec_backbone.adaptation.folds import held_out_folds
from crossrec_backbone.adaptation.gate import MIXTURE, decide, plain_gains
from crossrec_backbone.adaptation.repeats import RepeatConfig, Repeats, repeat_rate
from crossrec_backbone.adaptation.report import build_report, pretraining_gain
from crossrec_backbone.pretrained.model import GENERAL, Backbone
from crossrec_backbone.ranking.examples import Groups, collect, joined
from crossrec_backbone.ranking.mixture import Mixture, choose, gains, mixed, parts_of
from crossrec_backbone.ranking.trees import (
    MINIMUM_GROUPS,
    RankerConfig,
    TreeRanker,
    fit_ranker,
    trees_available,
)
from crossrec_backbone.relations.statistics import BackboneConfig, Statistics


class AdapterConfig(Settings):
    """How the adapter learns.

    Attributes
    ----------
    folds : int
    queries : int
        Held-out events at most, drawn at random.
    floor : int
        With fewer held-out events nothing is chosen and β is 0.
    rounds : int
        Trees of the target's ranker.
    head_weights, target_weights, plain_weights : tuple of float
        What w, β, and the weights of EASE and content are chosen from; β within its `Tier`.
    repeats : RepeatConfig
    """

    folds: int = Field(4, ge=2)
    queries: int = Field(6_000, ge=1)
    floor: int = Field(50, ge=2)
    rounds: int = Field(100, ge=1)
    head_weights: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0)
    target_weights: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
    plain_weights: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0)
    repeats: RepeatConfig = RepeatConfig()


@dataclass(frozen=True)
class Tier:
    """What suits a number of held-out events: size of the trees, β to begin with and at most."""

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
class Adapter:
    """What was learnt on a target.

    Attributes
    ----------
    mixture : Mixture
    head, target : TreeRanker or None
        The pretrained head and the target's own ranker; None where they weigh nothing.
    serves : str
        "mixture", or the plain method that the gate found better.
    repeats : bool
        Whether the items of a history are candidates.
    report : mapping of JSON values
        What was learnt, how much each part weighs, what was left out and why.
    """

    mixture: Mixture
    head: TreeRanker | None
    target: TreeRanker | None
    serves: str
    repeats: bool
    report: Mapping[str, Any]

    def scores(self, groups: Groups) -> FloatArray:
        """Return the mixture's scores, float32 (n, m); -inf at padding."""
        heads = {} if self.head is None else {self.mixture.head: self.head.scores(groups.columns)}
        target = None if self.target is None else self.target.scores(groups.columns)
        return mixed(parts_of(groups, heads, target), self.mixture)

    def values(self) -> dict[str, Any]:
        """Return JSON values for an artifact."""
        return {
            "mixture": asdict(self.mixture),
            "head": None if self.head is None else self.head.values(),
            "target": None if self.target is None else self.target.values(),
            "serves": self.serves,
            "repeats": self.repeats,
            "report": dict(self.report),
        }

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> Adapter:
        """Return what `values` describes."""
        head, target = values["head"], values["target"]
        return cls(
            Mixture(**values["mixture"]),
            None if head is None else TreeRanker.restored(head),
            None if target is None else TreeRanker.restored(target),
            values["serves"],
            values["repeats"],
            values["report"],
        )


@dataclass(frozen=True, eq=False)
class Trials:
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
    plain: Mapping[str, FloatArray]


def fit_adapter(
    dataset: Dataset,
    backbone: Backbone | None,
    config: BackboneConfig,
    run: RunOptions,
    *,
    family: str = "",
    settings: AdapterConfig | None = None,
) -> Adapter:
    """Learn on the events of `dataset` how the parts add up there.

    Parameters
    ----------
    backbone : Backbone, optional
        None runs without pretraining.
    family : str
        Family of domains of the target; where the backbone has a head of it, that head is the
        default, else the general one.
    """
    settings = settings or AdapterConfig()
    repeats = repeat_rate(dataset.sequences, settings.repeats)
    trials = run_trials(dataset, config, settings, repeats.candidates, run)
    own = own_ranker(trials, settings, run)
    start = start_of(backbone, family, dataset, config)
    adapter = weigh(trials, own, backbone, start, repeats, config, settings)
    run.progress("fitting the adapter", settings.folds + 1, settings.folds + 1)
    return adapter


def start_of(
    backbone: Backbone | None, family: str, dataset: Dataset, config: BackboneConfig
) -> Mixture:
    """Return the weights to begin with, and to stay with where nothing can be validated."""
    head, weight = backbone.start(family, len(dataset.sequences.values)) if backbone else ("", 0.0)
    return Mixture(config.consensus.kappa, head, weight)


def run_trials(
    dataset: Dataset,
    config: BackboneConfig,
    settings: AdapterConfig,
    repeats: bool,
    run: RunOptions,
) -> Trials | None:
    """Hold out last events in folds; None where there are fewer than the floor.

    Costs the statistics once for each fold.
    """
    folds = held_out_folds(
        dataset.sequences, settings.folds, run.seed, limit=settings.queries, repeats=repeats
    )
    n = sum(len(fold.targets) for fold in folds)
    if n < settings.floor:
        return None
    groups, rows, number, plain = [], [], [], []
    start = 0
    for at, fold in enumerate(folds):
        run.progress("fitting the adapter", at, len(folds) + 1)
        statistics = Statistics.fit(dataset, config, sequences=fold.sequences)
        found = collect(statistics, fold.queries, fold.targets)
        groups.append(found.groups)
        rows.append(start + found.rows)
        number.append(np.full(len(found.groups), at))
        plain.append(plain_gains(statistics, fold.queries, fold.targets))
        start += len(fold.targets)
    common = [name for name in plain[0] if all(name in told for told in plain)]
    return Trials(
        joined(groups),
        np.concatenate(rows),
        np.concatenate(number),
        n,
        {name: np.concatenate([told[name] for told in plain]) for name in common},
    )


@dataclass(frozen=True, eq=False)
class OwnRanker:
    """The ranker that was fitted on the target's held-out events.

    Attributes
    ----------
    unseen : float32 array, shape (n, m), or None
        What rankers of the other folds think of each group; None where there are too few.
    fitted : TreeRanker or None
        The ranker of all folds.
    weight, largest : float
        β to begin with, and at most.
    """

    unseen: FloatArray | None = None
    fitted: TreeRanker | None = None
    weight: float = 0.0
    largest: float = 0.0


def own_ranker(trials: Trials | None, settings: AdapterConfig, run: RunOptions) -> OwnRanker:
    """Fit the ranker of a target; its trees grow with the evidence."""
    if trials is None:
        return OwnRanker()
    tier = next(tier for tier in TIERS if trials.n <= tier.held_out)
    small = RankerConfig(rounds=settings.rounds, leaves=tier.leaves, min_leaf=tier.min_leaf)
    unseen = out_of_fold(trials, small, run)
    if unseen is None:
        return OwnRanker()
    run.progress("fitting the adapter", settings.folds, settings.folds + 1)
    fitted = fit_ranker(trials.groups, small, run)
    return OwnRanker(unseen, fitted, tier.target_weight, tier.largest)


def weigh(
    trials: Trials | None,
    own: OwnRanker,
    backbone: Backbone | None,
    start: Mixture,
    repeats: Repeats,
    config: BackboneConfig,
    settings: AdapterConfig,
) -> Adapter:
    """Choose the weights of all parts by the held-out events, and let the gate judge the sum.

    Without `trials` the weights of `start` stand.
    """
    heads = dict(backbone.heads) if backbone else {}
    if trials is None:
        why = f"fewer than {settings.floor} events to hold out: the defaults stand"
        report = build_report(start, start, [], repeats, users=0, why=why)
        head = heads.get(start.head) if start.head_weight else None
        return Adapter(start, head, None, MIXTURE, repeats.candidates, report)
    groups = trials.groups
    told = {name: ranker.scores(groups.columns) for name, ranker in heads.items()}
    parts = parts_of(groups, told, own.unseen)
    begin = replace(start, target_weight=own.weight)
    options = _options(config, settings, start.head, heads, own)
    best, steps = choose(parts, groups.place, trials.n, begin, options)
    full = _all(trials, mixed(parts, best))
    verdict = decide(full, dict(trials.plain), settings.floor)
    pretraining = None
    if heads:
        bare = Mixture(start.kappa, target_weight=own.weight)
        alone = {name: told for name, told in options.items() if not name.startswith("head")}
        without, _ = choose(parts, groups.place, trials.n, bare, alone)
        pretraining = pretraining_gain(full, _all(trials, mixed(parts, without)), without)
    report = build_report(
        begin,
        best,
        steps,
        repeats,
        users=trials.n,
        verdict=verdict,
        why="" if own.fitted is not None else _no_trees(),
        pretraining=pretraining,
    )
    return Adapter(
        best,
        heads.get(best.head) if best.head_weight else None,
        own.fitted if best.target_weight else None,
        verdict.serves,
        repeats.candidates,
        report,
    )


def out_of_fold(trials: Trials, config: RankerConfig, run: RunOptions) -> FloatArray | None:
    """Return what rankers think of the folds they did not see.

    None where there is too little to learn from, or LightGBM is not installed.
    """
    if not trees_available():
        return None
    groups, fold = trials.groups, trials.fold
    out = np.zeros(groups.index.shape, dtype=np.float32)
    for number in np.unique(fold):
        others, own = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if len(others) < MINIMUM_GROUPS:
            return None
        ranker = fit_ranker(groups.take(others), config, run)
        out[own] = ranker.scores(groups.columns[own])
    return out


def _options(
    config: BackboneConfig,
    settings: AdapterConfig,
    head: str,
    heads: Mapping[str, TreeRanker],
    own: OwnRanker,
) -> dict[str, tuple[float | str, ...]]:
    """Return what each weight is chosen from, in the order in which they are looked at."""
    options: dict[str, tuple[float | str, ...]] = {"kappa": config.consensus.kappas}
    if own.fitted is not None:
        options["target_weight"] = tuple(w for w in settings.target_weights if w <= own.largest)
    if heads:
        options["head"] = tuple(dict.fromkeys((head, GENERAL)))
        options["head_weight"] = settings.head_weights
    options["ease"] = settings.plain_weights
    options["content"] = settings.plain_weights
    return options


def _all(trials: Trials, scores: FloatArray) -> FloatArray:
    """Return ndcg@10 of every held-out event; 0 where the target is not among the candidates."""
    out = np.zeros(trials.n, dtype=np.float32)
    out[trials.rows] = gains(scores, trials.groups.place)
    return out


def _no_trees() -> str:
    """Say why there is no ranker of the target's own."""
    if not trees_available():
        return "LightGBM is not installed: pip install lightgbm"
    return f"fewer than {MINIMUM_GROUPS} examples to learn from"
