"""Whether a target reads the backbone's adapted encoder beside the original one.

The target's own held-out events decide, by the closed form A over all unseen items: the adapted
vectors beside the original ones against the original ones alone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from crossrec.components.ndcg import target_gains
from crossrec.components.paired_gain import PairedGain
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError
from crossrec.numeric.ragged import IntArray
from crossrec.numeric.sparse import block_rows
from numpy.typing import NDArray

from crossrec_backbone.adaptation.behaviour_weight import MINIMUM_EVENTS, fold_gains
from crossrec_backbone.adaptation.folds import held_out_folds
from crossrec_backbone.pretrained.encoder_weights import AdaptedEncoder, with_adapted
from crossrec_backbone.pretrained.model import Backbone
from crossrec_backbone.relations.scores import text_scores
from crossrec_backbone.relations.statistics import BackboneConfig, TextSide, text_relations

log = logging.getLogger("crossrec")

#: Folds, and events that are held out in all.
_FOLDS, _EVENTS = 2, 4_000


@dataclass(frozen=True)
class EncoderChoice:
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

    users: int = 0
    original: float = 0.0
    both: float = 0.0
    gain: float = 0.0
    error: float = 0.0
    used: bool = False
    why: str = ""

    @classmethod
    def between(cls, original: NDArray[np.float64], both: NDArray[np.float64]) -> EncoderChoice:
        """Choose by ndcg@10 of the same events, (n,) each."""
        gain = PairedGain.between(both, original)
        used = gain.beyond_noise
        why = "" if used else "no gain that cross-validation could tell from noise"
        means = float(original.mean()), float(both.mean())
        return cls(gain.n, *means, gain.mean, gain.error, used, why)


def select_encoder(
    dataset: Dataset, backbone: Backbone | None, config: BackboneConfig, run: RunOptions
) -> tuple[Dataset, AdaptedEncoder | None, EncoderChoice | None]:
    """Encode the catalogue with the backbone's adapted encoder, and keep it where it helps.

    An encoder that cannot be used here is left out and named; it never stops a fit.

    Returns
    -------
    dataset : Dataset
        With both vectors where that helps, unchanged otherwise.
    encoder : AdaptedEncoder or None
        The one that is used.
    choice : EncoderChoice or None
        None where the backbone has no adapted encoder.
    """
    encoder = backbone.encoder if backbone else None
    if encoder is None:
        return dataset, None, None
    if encoder.base != config.text.encoder or encoder.base not in dataset.vectors:
        why = f"there are no vectors of {encoder.base} to put it beside"
        return dataset, None, EncoderChoice(why=why)
    if not len(dataset.sequences.values):
        return dataset, None, EncoderChoice(why="there are no events to choose it by")
    if run.effort == "quick":  # it would encode every text once more
        return dataset, None, EncoderChoice(why="a quick fit does not try it")
    try:
        wider = with_adapted(dataset, encoder.encoder(), config.text, run)
    except CrossrecError as error:
        log.warning("the adapted encoder is left out", exc_info=error)
        return dataset, None, EncoderChoice(why=str(error))
    choice = compare_vectors(dataset, wider, config, run)
    return (wider, encoder, choice) if choice.used else (dataset, None, choice)


def compare_vectors(
    dataset: Dataset, wider: Dataset, config: BackboneConfig, run: RunOptions
) -> EncoderChoice:
    """Compare the vectors of `dataset` with those of `wider` on the events of `dataset`.

    Costs one solve of prior-EASE for each fold and side.
    """
    folds = held_out_folds(dataset.sequences, _FOLDS, run.seed, limit=_EVENTS, least=MINIMUM_EVENTS)
    if not folds:
        return EncoderChoice(why=f"fewer than {MINIMUM_EVENTS} held-out events to choose it by")
    kappa = (config.consensus.kappa,)

    def gains(side: Dataset) -> NDArray[np.float64]:
        text = TextSide.fit(side, config)
        return np.concatenate([fold_gains(fold, text, config, kappa)[:, 0] for fold in folds])

    return EncoderChoice.between(gains(dataset), gains(wider))


def text_gains(
    dataset: Dataset, queries: QueryBatch, targets: IntArray, config: BackboneConfig
) -> NDArray[np.float64]:
    """Return ndcg@10 of the text consensus over all unseen items, float64 (n,)."""
    relations = text_relations(dataset, config.text)
    out = np.zeros(len(targets))
    for rows in queries.blocks(block_rows(dataset.n_items)):
        part = queries.take(rows)
        scores = text_scores(relations, part, config.consensus, config.history)
        out[rows] = target_gains(scores, targets[rows], part.exclude)
    return out
