"""What three of the methods learn on one budget, from the same held-out events.

The full method is `fit_adapter` with the backbone, the one without pretraining is `fit_adapter`
with none; both hold out the same events and fit the same ranker, so that is done once here.
"""

from __future__ import annotations

from dataclasses import dataclass

from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset

from crossrec_backbone.adaptation.adapter import (
    Adapter,
    AdapterConfig,
    OwnRanker,
    own_ranker,
    run_trials,
    start_of,
    weigh,
)
from crossrec_backbone.adaptation.repeats import repeat_rate
from crossrec_backbone.pretrained.model import Backbone
from crossrec_backbone.ranking.trees import TreeRanker
from crossrec_backbone.relations.statistics import BackboneConfig


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
    repeats = repeat_rate(dataset.sequences, settings.repeats)
    trials = run_trials(dataset, config, settings, repeats.candidates, run)
    own = own_ranker(trials, settings, run)
    full, bare = (
        weigh(trials, own, told, start_of(told, family, dataset, config), repeats, config, settings)
        for told in (backbone, None)
    )
    start = start_of(backbone, family, dataset, config)
    zero = weigh(None, OwnRanker(), backbone, start, repeats, config, settings)
    return Learnt(full, bare, zero, own.fitted)
