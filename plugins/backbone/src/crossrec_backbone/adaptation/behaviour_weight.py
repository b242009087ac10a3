"""The weight of behaviour against text, chosen by cross-validation from a prior.

A fixed weight that wins in shops loses on films, where text says little of taste. Each fold of
users loses its last event from the statistics, and that event is what must be found. The prior
weight stands unless another is better by more than one standard error of the paired difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.numeric.ragged import FloatArray, IntArray, Ragged
from crossrec.numeric.sparse import block_rows

from crossrec_backbone.adaptation.folds import Fold, last_event_folds
from crossrec_backbone.relations.prior_ease import fit_prior_ease
from crossrec_backbone.relations.scores import behaviour_scores, text_scores
from crossrec_backbone.relations.statistics import BackboneConfig, TextSide

#: Fewer users than this decide nothing.
MINIMUM_USERS = 50
#: Folds solve for the most popular items only: cheaper by an order, and no worse (`PriorConfig`).
_EXACT_IN_FOLDS = 4000


@dataclass(frozen=True)
class KappaChoice:
    """The chosen weight and what it was chosen by.

    Attributes
    ----------
    kappa : float
    prior : float
    scores : mapping of weight to mean ndcg@10 of the folds
    users : int
        How many users decided; 0 where there were too few.
    """

    kappa: float
    prior: float
    scores: dict[float, float]
    users: int


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

    Costs one solve of prior-EASE for each fold.
    """
    prior = config.consensus.kappa
    weights = tuple(sorted({prior, *config.consensus.kappas}))
    gains = []
    parts = last_event_folds(sequences, folds, run.seed, limit=limit)
    if sum(len(fold.targets) for fold in parts) < MINIMUM_USERS:
        return KappaChoice(prior, prior, {}, 0)
    for done, fold in enumerate(parts):
        run.progress("weight of behaviour", done, len(parts))
        gains.append(fold_gains(fold, text, config, weights))
    run.progress("weight of behaviour", len(parts), len(parts))
    table = np.concatenate(gains)
    mean = table.mean(axis=0)
    own = weights.index(prior)
    best = int(np.argmax(mean))
    difference = table[:, best] - table[:, own]
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    chosen = best if difference.mean() > error else own
    scores = {weight: float(value) for weight, value in zip(weights, mean, strict=True)}
    return KappaChoice(weights[chosen], prior, scores, len(table))


def fold_gains(
    fold: Fold, text: TextSide, config: BackboneConfig, weights: tuple[float, ...]
) -> FloatArray:
    """Return ndcg@10 of every query under every weight, float32 (n, len(weights))."""
    exact = min(config.prior.exact_up_to, _EXACT_IN_FOLDS)
    settings = config.prior.model_copy(update={"exact_up_to": exact})
    prior = fit_prior_ease(fold.sequences, text.graph, settings)
    out = np.zeros((len(fold.targets), len(weights)), dtype=np.float32)
    for rows in fold.queries.blocks(block_rows(text.relations.n_items)):
        queries = fold.queries.take(rows)
        told = text_scores(text.relations, queries, config.consensus, config.history)
        behaved = behaviour_scores(prior.weights, queries, config.history)
        for at, weight in enumerate(weights):
            out[rows, at] = gain_of(told + weight * behaved, queries, fold.targets[rows])
    return out


def gain_of(scores: FloatArray, queries: QueryBatch, targets: IntArray) -> FloatArray:
    """Return ndcg@10 of one target for each query; equal scores share their places.

    `scores` is overwritten: what a query excludes becomes -inf.
    """
    own = scores[np.arange(len(targets)), targets][:, None]
    scores[queries.exclude.row_of, queries.exclude.values] = -np.inf
    place = (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    return np.where(place < 10, 1 / np.log2(place + 2), 0.0).astype(np.float32)
