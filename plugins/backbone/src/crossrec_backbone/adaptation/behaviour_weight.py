"""κ, the weight of behaviour against text, chosen on held-out events.

A fixed weight that is best in shops loses on films, where texts indicate little of taste. The
configured weight is the default, which only a proven gain replaces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.ndcg import target_gains
from crossrec.components.paired_gain import choose_option
from crossrec.components.run import RunOptions
from crossrec.components.threads import in_threads, threads_of
from crossrec.numeric.ragged import Ragged
from crossrec.numeric.sparse import block_rows
from numpy.typing import NDArray

from crossrec_backbone.adaptation.folds import Fold, folds_at_once, held_out_folds
from crossrec_backbone.relations.config import PriorConfig
from crossrec_backbone.relations.prior_ease import fit_prior_ease
from crossrec_backbone.relations.scores import behaviour_scores, text_scores
from crossrec_backbone.relations.statistics import BackboneConfig, TextSide

#: With fewer held-out events nothing is chosen.
MINIMUM_EVENTS = 50
#: Folds solve for the most popular items only: cheaper by an order, and no worse (`PriorConfig`).
_EXACT_IN_FOLDS = 4000


@dataclass(frozen=True)
class KappaChoice:
    """The chosen weight and what it rests on.

    Attributes
    ----------
    kappa : float
    users : int
        Held-out events that decided; 0 where there were too few.
    ndcg : mapping of weight to mean ndcg@10 of the held-out events
    """

    kappa: float
    users: int
    ndcg: dict[float, float]


def choose_kappa(
    sequences: Ragged,
    text: TextSide,
    config: BackboneConfig,
    run: RunOptions,
    *,
    folds: int = 2,
    limit: int = 2000,
) -> KappaChoice:
    """Choose κ among ``config.consensus.kappas`` by ndcg@10 over all unseen items.

    Costs one solve of prior-EASE for each fold. A quick run has one fold of at most 500 events.
    """
    if run.effort == "quick":
        folds, limit = 1, min(limit, 500)
    default = config.consensus.kappa
    weights = tuple(sorted({default, *config.consensus.kappas}))
    parts = held_out_folds(sequences, folds, run.seed, limit=limit, least=MINIMUM_EVENTS)
    if not parts:
        return KappaChoice(default, 0, {})
    together = folds_at_once(len(parts), text.relations.n_items, threads_of(run))
    tables = []
    for start in range(0, len(parts), together):
        run.progress("weight of behaviour", start, len(parts))
        tables += in_threads(
            lambda fold: fold_gains(fold, text, config, weights),
            parts[start : start + together],
            together,
        )
    run.progress("weight of behaviour", len(parts), len(parts))
    gains = dict(zip(weights, np.concatenate(tables).T, strict=True))
    choice = choose_option(gains, default)
    ndcg = {weight: float(values.mean()) for weight, values in gains.items()}
    return KappaChoice(choice.option, choice.gain.n, ndcg)


def fold_gains(
    fold: Fold, text: TextSide, config: BackboneConfig, weights: tuple[float, ...]
) -> NDArray[np.float64]:
    """Return ndcg@10 of every query of a fold under every κ, float64 (n, len(weights))."""
    exact = min(config.prior.exact_up_to, _EXACT_IN_FOLDS)
    settings = PriorConfig.model_validate({**dict(config.prior), "exact_up_to": exact})
    prior = fit_prior_ease(fold.sequences, text.graph, settings)
    out = np.zeros((len(fold.targets), len(weights)))
    for rows in fold.queries.blocks(block_rows(text.relations.n_items)):
        queries = fold.queries.take(rows)
        by_text = text_scores(text.relations, queries, config.consensus, config.history)
        by_behaviour = behaviour_scores(prior.weights, queries, config.history)
        for at, weight in enumerate(weights):
            scores = by_text + weight * by_behaviour
            out[rows, at] = target_gains(scores, fold.targets[rows], queries.exclude)
    return out
