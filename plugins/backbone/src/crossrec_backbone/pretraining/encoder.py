"""The encoder of a backbone: adapted on the sources, measured on each of them left out in turn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from crossrec.components.encoder_training import AdaptableEncoder, EncoderTraining
from crossrec.components.joint_items import JointItems
from crossrec.components.paired_gain import PairedGain
from crossrec.components.protocols import Encoder
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.vectors import with_vectors
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError

from crossrec_backbone.adaptation.select_encoder import EncoderChoice, text_gains
from crossrec_backbone.pretrained.encoder_weights import (
    AdaptedEncoder,
    adapted_vectors,
    base_encoder,
    beside,
)
from crossrec_backbone.pretraining.checkpoint import Checkpoint
from crossrec_backbone.pretraining.joint_items import joint_items
from crossrec_backbone.pretraining.low_data_tasks import LowDataConfig, hold_out, windows
from crossrec_backbone.pretraining.source_examples import SourceDataset
from crossrec_backbone.relations.statistics import BackboneConfig


def pretrain_encoder(
    sources: Sequence[SourceDataset],
    config: BackboneConfig,
    tasks: LowDataConfig,
    training: EncoderTraining,
    run: RunOptions,
    store: Checkpoint,
) -> tuple[AdaptedEncoder, dict[str, Any]]:
    """Adapt the encoder on all sources, and measure what it is worth to one that it never saw.

    Returns
    -------
    (AdaptedEncoder, mapping of JSON values)
        The second is for the model card.

    Raises
    ------
    UsageError
        If there is no such encoder, or it cannot be adapted.
    CrossrecError
        If a source has no two items with a text in one history.
    """
    base = config.text.encoder
    encoder: AdaptableEncoder = base_encoder(base)
    pairs = {name: joint_items(name, dataset) for name, _, dataset in sources}
    choices: dict[str, EncoderChoice] = {}
    results: dict[str, dict[str, float]] = {}
    if len(sources) > 1:
        for name, _, dataset in sources:
            others = [joint for other, joint in pairs.items() if other != name]
            unseen = encoder.with_weights(_adapted(base, encoder, others, training, run, store))
            choices[name], alone = _measured(dataset, unseen, config, tasks, run)
            results[name] = _figures(choices[name], alone)
    weights = _adapted(base, encoder, list(pairs.values()), training, run, store)
    adapted = AdaptedEncoder(base, weights)
    return adapted, {
        "base": base,
        "model": weights.values.get("model", ""),
        "bytes": adapted.size,
        "weights": sorted(weights.arrays),
        "training": training.model_dump(mode="json"),
        "leave_one_out": {
            "metric": "ndcg@10 of the text consensus over unseen items, without any event",
            "results": results,
        },
        "verdict": verdict(list(choices.values())),
    }


def verdict(choices: Sequence[EncoderChoice]) -> str:
    """Return in a word what adapted vectors beside the original ones do for an unseen source."""
    if not choices:
        return "not measured: it takes two sources to leave one out"
    gain = PairedGain.average([PairedGain(one.users, one.gain, one.error) for one in choices])
    if gain.beyond_noise:
        return "helps"
    return "hurts" if (-gain).beyond_noise else "no difference"


def _measured(
    dataset: Dataset,
    encoder: Encoder,
    config: BackboneConfig,
    tasks: LowDataConfig,
    run: RunOptions,
) -> tuple[EncoderChoice, float]:
    """Find the last items of a source that the encoder never saw, by its texts alone.

    Returns
    -------
    (EncoderChoice, float)
        The second is ndcg@10 with the adapted vectors alone.
    """
    rng = np.random.default_rng(run.seed)
    held = hold_out(windows(dataset.sequences, tasks, rng))
    rows = np.sort(rng.permutation(len(held.targets))[: tasks.queries])
    queries, targets = held.queries.take(rows), held.targets[rows]
    titles = config.text.title_vectors in dataset.vectors
    adapted = adapted_vectors(dataset.catalog, encoder, config.text, titles, run)
    both = {name: beside(dataset.vectors[name], rows) for name, rows in adapted.items()}
    original, alone, together = (
        text_gains(with_vectors(dataset, vectors.items()), queries, targets, config)
        for vectors in ({}, adapted, both)
    )
    return EncoderChoice.between(original, together), float(alone.mean())


def _figures(choice: EncoderChoice, alone: float) -> dict[str, float]:
    """Return what the model card shows of one source."""
    return {
        "users": choice.users,
        "original": round(choice.original, 5),
        "adapted": round(alone, 5),
        "both": round(choice.both, 5),
        "gain": round(choice.gain, 5),
        "error": round(choice.error, 5),
    }


def _adapted(
    base: str,
    encoder: AdaptableEncoder,
    pairs: Sequence[JointItems],
    training: EncoderTraining,
    run: RunOptions,
    store: Checkpoint,
) -> State:
    """Adapt the encoder on some sources; a run that is started again finds what was finished."""
    key = f"encoder-{_digest(base, pairs, training, run)}"
    known = store.state(key)
    if known is not None and _fits(encoder, known):
        return known
    return store.keep_state(key, encoder.adapt(pairs, training, run))


def _fits(encoder: AdaptableEncoder, weights: State) -> bool:
    """Return whether the weights belong to the encoder's model as it is today."""
    try:
        encoder.with_weights(weights)
    except ConfigError:
        return False
    return True


def _digest(
    base: str, pairs: Sequence[JointItems], training: EncoderTraining, run: RunOptions
) -> str:
    """Return a digest of all that the weights depend on, but the model itself."""
    digest = hashlib.sha256()
    settings = [base, training.model_dump(mode="json"), run.seed]
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for joint in pairs:
        digest.update("\0".join(joint.texts).encode("utf-8", "surrogatepass"))
        for array in (joint.first, joint.second, joint.odds):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]
