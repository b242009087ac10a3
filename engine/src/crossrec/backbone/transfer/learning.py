"""What three of the methods learn on one budget, from the same held-out events.

The full method is `fit_adapter` with the backbone, the one without pretraining is `fit_adapter`
with none; both would hold out the same events and fit the same ranker, so that is done once here. A
test holds the results against `fit_adapter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from crossrec.backbone.adapter import (
    TIERS,
    Adapter,
    AdapterConfig,
    Trials,
    fit_adapter,
    out_of_fold,
    run_trials,
)
from crossrec.backbone.gate import decide
from crossrec.backbone.mixing import Mixture, choose, gains, mixed, parts_of
from crossrec.backbone.model import GENERAL, Backbone
from crossrec.backbone.ranker import RankerConfig, TreeRanker, fit_ranker
from crossrec.backbone.repeats import Repeats, repeat_rate
from crossrec.backbone.statistics import BackboneConfig
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.ragged import FloatArray


@dataclass(frozen=True, eq=False)
class Learnt:
    """What was learnt on one budget.

    Attributes
    ----------
    full, bare : Adapter
        With the backbone, and without pretraining.
    zero : Adapter
        The backbone with its default weights: nothing was trained on the target.
    alone : TreeRanker or None
        The ranker of the target alone; None where there are too few events for one.
    """

    full: Adapter
    bare: Adapter
    zero: Adapter
    alone: TreeRanker | None

    @property
    def trained(self) -> bool:
        """Whether anything was chosen or fitted on the target's events."""
        return bool(self.full.report["users"])


def learn(
    dataset: Dataset,
    backbone: Backbone | None,
    config: BackboneConfig,
    run: RunOptions,
    *,
    family: str,
    settings: AdapterConfig,
) -> Learnt:
    """Learn on the events of `dataset`; see `fit_adapter`."""
    heads = dict(backbone.heads) if backbone else {}
    repeats = repeat_rate(dataset.sequences, settings.repeats)
    head = family if family in heads else GENERAL if heads else ""
    start = Mixture(config.consensus.kappa, head, 1.0 if head else 0.0)
    zero = _adapter(start, heads, None, "mixture", repeats, {})
    trials = run_trials(dataset, config, settings, repeats.candidates, run)
    if trials is None:
        full, bare = (
            fit_adapter(dataset, told, config, run, family=family, settings=settings)
            for told in (backbone, None)
        )
        return Learnt(full, bare, zero, None)
    events = len(dataset.sequences.values)
    tier = next(tier for tier in TIERS if events <= tier.events)
    small = RankerConfig(rounds=settings.rounds, leaves=tier.leaves, min_leaf=tier.min_leaf)
    unseen = out_of_fold(trials, small, run)
    alone = fit_ranker(trials.groups, small, run) if unseen is not None else None
    full, bare = (
        _weighed(trials, told, head, unseen, alone, tier.target_weight, config, settings, repeats)
        for told in (heads, {})
    )
    return Learnt(full, bare, zero, alone)


def _weighed(
    trials: Trials,
    heads: Mapping[str, TreeRanker],
    head: str,
    unseen: FloatArray | None,
    alone: TreeRanker | None,
    beta: float,
    config: BackboneConfig,
    settings: AdapterConfig,
    repeats: Repeats,
) -> Adapter:
    """Choose the weights of the parts and let the gate judge them."""
    told = {name: ranker.scores(trials.groups.columns) for name, ranker in heads.items()}
    parts = parts_of(trials.groups, told, unseen)
    options: dict[str, tuple[float | str, ...]] = {"kappa": config.consensus.kappas}
    if unseen is not None:
        options["target_weight"] = settings.target_weights
    if heads:
        options["head"] = tuple(dict.fromkeys((head, GENERAL)))
        options["head_weight"] = settings.head_weights
    options |= {"ease": settings.plain_weights, "content": settings.plain_weights}
    kappa, target = config.consensus.kappa, beta if unseen is not None else 0.0
    begin = Mixture(kappa, head, 1.0, target) if heads else Mixture(kappa, target_weight=target)
    best, steps = choose(parts, trials.groups.place, trials.n, begin, options)
    held = np.zeros(trials.n, dtype=np.float32)
    held[trials.rows] = gains(mixed(parts, best), trials.groups.place)
    verdict = decide(held, dict(trials.plain), settings.floor)
    report = {
        "users": trials.n,
        "weights": asdict(best),
        "steps": [asdict(step) for step in steps],
        "gate": asdict(verdict),
    }
    return _adapter(best, heads, alone, verdict.serves, repeats, report)


def _adapter(
    mixture: Mixture,
    heads: Mapping[str, TreeRanker],
    alone: TreeRanker | None,
    serves: str,
    repeats: Repeats,
    report: Mapping[str, Any],
) -> Adapter:
    """Put an adapter together; what weighs nothing is left out."""
    return Adapter(
        mixture,
        heads.get(mixture.head) if mixture.head_weight else None,
        alone if mixture.target_weight else None,
        serves,
        repeats.candidates,
        report,
    )
