"""Pretraining's part: adapt the encoder on the sources, and measure it on each left out in turn."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from crossrec.artifacts import map_tensors, write_tensors
from crossrec.components.encoder_training import AdaptableEncoder, EncoderTraining
from crossrec.components.joint_items import JointItems
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import FloatArray

from crossrec_backbone.adaptation.encoder_choice import text_gains, verdict_of
from crossrec_backbone.pretrained.encoder_weights import (
    AdaptedEncoder,
    adapted_vectors,
    base_encoder,
    beside,
)
from crossrec_backbone.pretraining.joint_items import joint_items
from crossrec_backbone.pretraining.low_data_tasks import WorldConfig, hold_out, windows
from crossrec_backbone.ranking.mixture import ERRORS
from crossrec_backbone.relations.statistics import BackboneConfig

Source = tuple[str, str, Dataset]


def offer_encoder(
    sources: Sequence[Source],
    config: BackboneConfig,
    worlds: WorldConfig,
    training: EncoderTraining,
    run: RunOptions,
    checkpoint: Path | None = None,
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
    encoder: AdaptableEncoder = base_encoder(base, {})
    lessons = {name: joint_items(name, dataset) for name, _, dataset in sources}
    measured = {}
    if len(sources) > 1:
        for name, _, dataset in sources:
            others = [lesson for other, lesson in lessons.items() if other != name]
            weights = _adapted(base, encoder, others, training, run, checkpoint)
            unseen = encoder.with_weights(weights)
            measured[name] = _measured(dataset, unseen, config, worlds, run)
    weights = _adapted(base, encoder, list(lessons.values()), training, run, checkpoint)
    adapted = AdaptedEncoder(base, weights)
    return adapted, {
        "base": base,
        "model": weights.values.get("model", ""),
        "bytes": adapted.size,
        "weights": sorted(weights.arrays),
        "training": training.model_dump(mode="json"),
        "leave_one_out": {
            "metric": "ndcg@10 of the text consensus over unseen items, without any event",
            "results": measured,
        },
        "verdict": verdict(measured),
    }


def verdict(measured: dict[str, dict[str, float]]) -> str:
    """Say in a word what the adapted vectors beside the original ones do for an unseen source."""
    if not measured:
        return "not measured: it takes two sources to leave one out"
    gain = float(np.mean([told["gain"] for told in measured.values()]))
    error = float(np.sqrt(np.sum([told["error"] ** 2 for told in measured.values()])))
    error /= len(measured)
    if abs(gain) <= ERRORS * error:
        return "no difference"
    return "helps" if gain > 0 else "hurts"


def _measured(
    dataset: Dataset,
    encoder: Any,
    config: BackboneConfig,
    worlds: WorldConfig,
    run: RunOptions,
) -> dict[str, float]:
    """Ask for the last items of a source that the encoder never saw, by its texts alone."""
    rng = np.random.default_rng(run.seed)
    held = hold_out(windows(dataset.sequences, worlds, rng))
    rows = np.sort(rng.permutation(len(held.targets))[: worlds.queries])
    queries, targets = held.queries.take(rows), held.targets[rows]
    titles = (config.text.title_encoder or f"{config.text.encoder}:title") in dataset.vectors
    fresh = adapted_vectors(dataset.catalog, encoder, config.text, titles, run)

    def gains(vectors: dict[str, FloatArray]) -> FloatArray:
        told = dataset
        for name, rows in vectors.items():
            told = told.with_vectors(name, rows)
        return text_gains(told, queries, targets, config)

    both = {name: beside(dataset.vectors[name], rows) for name, rows in fresh.items()}
    told = verdict_of(gains({}), gains(both))
    return {
        "users": told.users,
        "original": round(told.original, 5),
        "adapted": round(float(gains(fresh).mean()), 5),
        "both": round(told.both, 5),
        "gain": round(told.gain, 5),
        "error": round(told.error, 5),
    }


def _adapted(
    base: str,
    encoder: AdaptableEncoder,
    lessons: Sequence[JointItems],
    training: EncoderTraining,
    run: RunOptions,
    checkpoint: Path | None,
) -> State:
    """Adapt the encoder on some lessons; a run that is started again finds what was finished."""
    path = (
        None if checkpoint is None else checkpoint / f"encoder-{_key(base, lessons, training, run)}"
    )
    if path is None:
        return encoder.adapt(lessons, training, run)
    told, tensors = path.with_suffix(".json"), path.with_suffix(".safetensors")
    if told.is_file():
        values = json.loads(told.read_text(encoding="utf-8"))
        known = State({name: np.array(a) for name, a in map_tensors(tensors).items()}, values)
        if _fits(encoder, known):
            return known
    state = encoder.adapt(lessons, training, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    write_tensors(fresh, state.arrays)
    fresh.replace(tensors)
    fresh.write_text(json.dumps(dict(state.values)), encoding="utf-8")
    fresh.replace(told)
    return state


def _fits(encoder: AdaptableEncoder, weights: State) -> bool:
    """Return whether the weights belong to the encoder's model as it is today."""
    try:
        encoder.with_weights(weights)
    except ConfigError:
        return False
    return True


def _key(
    base: str, lessons: Sequence[JointItems], training: EncoderTraining, run: RunOptions
) -> str:
    """Return a digest of all that the weights depend on, but the model itself."""
    digest = hashlib.sha256()
    settings = [base, training.model_dump(mode="json"), run.seed]
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for lesson in lessons:
        digest.update("\0".join(lesson.texts).encode("utf-8", "surrogatepass"))
        for array in (lesson.first, lesson.second, lesson.odds):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]
