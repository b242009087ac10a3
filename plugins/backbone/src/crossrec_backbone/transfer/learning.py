"""What three of the methods learn on one budget, from the same held-out events.

The full method is `fit_adapter` with the backbone, the one without pretraining is `fit_adapter`
with none; what both need of the target is prepared once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset

from crossrec_backbone.adaptation.adapter import Adapter, AdapterConfig, adapt, prepare_target
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
    prepared = prepare_target(dataset, config, settings, run)
    full, bare = (adapt(prepared, one, family) for one in (backbone, None))
    zero = adapt(replace(prepared, examples=None, ranker=None), backbone, family)
    alone = None if prepared.ranker is None else prepared.ranker.fitted
    return Learnt(full, bare, zero, alone)
