"""Whether a target reads the adapted encoder: its own held-out events decide.

Judged by the closed form A over all unseen items, with the adapted vectors beside the original ones
against the original ones alone. It takes a gain of more than two standard errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import block_rows

from crossrec_backbone.adaptation.behaviour_weight import MINIMUM_USERS, fold_gains, gain_of
from crossrec_backbone.adaptation.folds import last_event_folds
from crossrec_backbone.ranking.mixture import ERRORS
from crossrec_backbone.relations.scores import text_scores
from crossrec_backbone.relations.statistics import BackboneConfig, TextSide, text_relations

#: Folds, and users that are held out in all.
_FOLDS, _USERS = 2, 4_000


@dataclass(frozen=True)
class EncoderVerdict:
    """What the adapted encoder is worth on one catalogue.

    Attributes
    ----------
    users : int
        Held-out events that decided; 0 where there were too few.
    original, both : float
        ndcg@10 with the original vectors, and with the adapted ones beside them.
    gain, error : float
        Mean difference and its standard error.
    used : bool
    why : str
        Why it is left out; "" where it is used.
    """

    users: int
    original: float
    both: float
    gain: float
    error: float
    used: bool
    why: str


def judge(
    dataset: Dataset, wider: Dataset, config: BackboneConfig, run: RunOptions
) -> EncoderVerdict:
    """Compare the vectors of `dataset` with those of `wider` on the events of `dataset`.

    Costs one solve of prior-EASE for each fold and side.
    """
    folds = last_event_folds(dataset.sequences, _FOLDS, run.seed, limit=_USERS)
    if sum(len(fold.targets) for fold in folds) < MINIMUM_USERS:
        return left_out(f"fewer than {MINIMUM_USERS} held-out events to judge it by")
    weights = (config.consensus.kappa,)
    told: list[FloatArray] = []
    for side in (dataset, wider):
        text = TextSide.fit(side, config)
        told.append(np.concatenate([fold_gains(fold, text, config, weights) for fold in folds]))
    return verdict_of(told[0][:, 0], told[1][:, 0])


def verdict_of(original: FloatArray, both: FloatArray) -> EncoderVerdict:
    """Compare ndcg@10 of the same events, (n,) each."""
    difference = both - original
    gain = float(difference.mean())
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    used = gain > ERRORS * error
    why = "" if used else "adds nothing that cross-validation could tell from noise"
    return EncoderVerdict(
        len(original), float(original.mean()), float(both.mean()), gain, error, used, why
    )


def left_out(why: str) -> EncoderVerdict:
    """Return the verdict where nothing could be judged."""
    return EncoderVerdict(0, 0.0, 0.0, 0.0, 0.0, False, why)


def text_gains(
    dataset: Dataset, queries: QueryBatch, targets: IntArray, config: BackboneConfig
) -> FloatArray:
    """Return ndcg@10 of the text consensus over all unseen items, float32 (n,)."""
    relations = text_relations(dataset, config.text)
    out = np.zeros(len(targets), dtype=np.float32)
    for rows in queries.blocks(block_rows(dataset.n_items)):
        asked = queries.take(rows)
        scores = text_scores(relations, asked, config.consensus, config.history)
        out[rows] = gain_of(scores, asked, targets[rows])
    return out
