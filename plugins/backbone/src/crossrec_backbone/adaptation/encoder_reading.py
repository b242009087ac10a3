"""What a target reads: its own vectors, with the adapted encoder's beside them where that helps."""

from __future__ import annotations

import logging

from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError

from crossrec_backbone.adaptation.encoder_choice import EncoderVerdict, judge, left_out
from crossrec_backbone.pretrained.encoder_weights import AdaptedEncoder, with_adapted
from crossrec_backbone.pretrained.model import Backbone
from crossrec_backbone.relations.statistics import BackboneConfig

log = logging.getLogger("crossrec")


def read_beside(
    dataset: Dataset, backbone: Backbone | None, config: BackboneConfig, run: RunOptions
) -> tuple[Dataset, AdaptedEncoder | None, EncoderVerdict | None]:
    """Encode the catalogue with the backbone's adapted encoder and let the target's events judge.

    An encoder that cannot be used here is left out and named; it never stops a fit.

    Returns
    -------
    dataset : Dataset
        With both vectors where that helps, as it came otherwise.
    encoder : AdaptedEncoder or None
        The one that is used.
    verdict : EncoderVerdict or None
        None where the backbone has no adapted encoder.
    """
    encoder = backbone.encoder if backbone else None
    if encoder is None:
        return dataset, None, None
    if encoder.base != config.text.encoder or encoder.base not in dataset.vectors:
        return dataset, None, left_out(f"there are no vectors of {encoder.base} to stand beside")
    if not len(dataset.sequences.values):
        return dataset, None, left_out("there are no events to judge it by")
    try:
        wider = with_adapted(dataset, encoder.encoder(), config.text, run)
    except CrossrecError as error:
        log.warning("the adapted encoder is left out", exc_info=error)
        return dataset, None, left_out(str(error))
    verdict = judge(dataset, wider, config, run)
    return (wider, encoder, verdict) if verdict.used else (dataset, None, verdict)
