"""Scenarios → low-data tasks → a backbone: one general head, one for each family of domains.

Every source is used at several levels of scarcity. The examples of each level are kept in the
checkpoint folder once they are computed, the fitted models too, so a run that was killed goes on
where it stopped, to the same result.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from crossrec.components.encoder_training import EncoderTraining
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError, UsageError
from crossrec.numeric.ragged import FloatArray
from crossrec.version import __version__

from crossrec_backbone.pretrained.model import GENERAL, Backbone
from crossrec_backbone.pretraining.checkpoint import Checkpoint, digest_of
from crossrec_backbone.pretraining.encoder import pretrain_encoder
from crossrec_backbone.pretraining.low_data_tasks import (
    LowDataConfig,
    hold_out,
    levels_of,
    make_task,
    windows,
)
from crossrec_backbone.pretraining.source_examples import (
    LeaveOneOut,
    SourceDataset,
    SourceExamples,
    leave_one_out,
)
from crossrec_backbone.ranking.examples import Groups, collect, joined
from crossrec_backbone.ranking.features import COLUMN_NAMES
from crossrec_backbone.ranking.trees import RankerConfig, TreeRanker, fit_ranker
from crossrec_backbone.relations.statistics import BackboneConfig, Statistics


class PretrainConfig(Settings):
    """Settings of pretraining.

    Attributes
    ----------
    backbone : BackboneConfig
        Relations and closed forms; a target should be served with the same.
    tasks : LowDataConfig
    ranker : RankerConfig
    positives : int
        Examples of each source and level.
    leave_one_out : bool
        Whether to measure each source with heads that never saw it; costs one fit for each.
    leave_one_out_positives : int
        Examples of each source and level that these heads are fitted on; fewer take less time, and
        give heads that are a little worse than the ones that are kept.
    adapt_encoder : EncoderTraining or None
        Whether, and how, the text encoder learns from what people of the sources consume together;
        None leaves it as it is.
    """

    backbone: BackboneConfig = BackboneConfig()
    tasks: LowDataConfig = LowDataConfig()
    ranker: RankerConfig = RankerConfig()
    positives: int = 200
    leave_one_out: bool = True
    leave_one_out_positives: int = 100
    adapt_encoder: EncoderTraining | None = None


def pretrain(
    sources: Sequence[SourceDataset],
    config: PretrainConfig,
    run: RunOptions,
    checkpoint: Path | None = None,
    licences: dict[str, str] | None = None,
) -> Backbone:
    """Train a backbone.

    Parameters
    ----------
    sources : sequence of (name, family, dataset)
        Families are names of domains; sources of one family get a head of their own.
    checkpoint : Path, optional
        Folder for what is computed on the way.
    licences : mapping of source to the licence of its data, optional
        For the card.

    Raises
    ------
    UsageError
        If two sources have one name, there is none, or the encoder cannot be adapted.
    CrossrecError
        If a source has too few events to learn from.
    """
    names = [name for name, _, _ in sources]
    if not names or len(set(names)) != len(names):
        raise UsageError("pretraining needs one or more sources, each with a name of its own")
    store = Checkpoint(checkpoint)
    examples: list[SourceExamples] = []
    for name, family, dataset in sources:
        examples += examples_of(name, family, dataset, config, run, store)
    families = list(dict.fromkeys(family for _, family, _ in sources))
    heads = {GENERAL: _head(examples, config, run, store)}
    for at, family in enumerate(families):
        run.progress("fitting heads", at + 1, len(families) + 1)
        own = [one for one in examples if one.family == family]
        heads[family] = _head(own, config, run, store)
    run.progress("fitting heads", len(families) + 1, len(families) + 1)
    measured = LeaveOneOut({}, {})
    if config.leave_one_out:
        few = config.leave_one_out_positives
        measured = leave_one_out(
            examples,
            lambda some: _head([one.sample(few) for one in some], config, run, store),
            config.backbone.consensus.kappa,
            run,
        )
    card = _card(sources, examples, heads, measured, config, run, licences or {})
    if config.adapt_encoder is None:
        return Backbone(heads, card)
    encoder, measurement = pretrain_encoder(
        sources, config.backbone, config.tasks, config.adapt_encoder, run, store
    )
    return Backbone(heads, {**card, "encoder": measurement}, encoder)


def examples_of(
    name: str,
    family: str,
    dataset: Dataset,
    config: PretrainConfig,
    run: RunOptions,
    store: Checkpoint,
) -> list[SourceExamples]:
    """Make the examples of one source, at every level of scarcity that it can fill."""
    rng = np.random.default_rng(run.seed)
    held = hold_out(windows(dataset.sequences, config.tasks, rng))
    if not len(held.targets):
        raise CrossrecError(
            f"{name}: no user has three events, so there is nothing to learn from: leave it out"
        )
    levels = levels_of(len(held.known.values), config.tasks)
    settings = config.model_dump(mode="json", include={"backbone", "tasks", "positives"})
    identity = digest_of(dataset, [settings, run.seed, COLUMN_NAMES])
    out = []
    for at, level in enumerate(levels):
        run.progress(f"{name}: low-data tasks", at, len(levels))
        key = f"{identity}-{level}"
        known = store.groups(key)
        if known is None:
            task = make_task(held, level, config.tasks, run.seed)
            statistics = Statistics.fit(dataset, config.backbone, sequences=task.sequences)
            found = collect(
                statistics, task.queries, task.targets, limit=config.positives, seed=run.seed
            )
            known = store.keep_groups(key, found.groups, len(task.targets), found.hits)
        out.append(SourceExamples(name, family, level, *known))
    run.progress(f"{name}: low-data tasks", len(levels), len(levels))
    return out


def _head(
    examples: Sequence[SourceExamples], config: PretrainConfig, run: RunOptions, store: Checkpoint
) -> TreeRanker:
    """Fit one head on examples in which every source counts the same."""
    used = [one for one in examples if len(one.groups)]
    digests = [_digest_of(one.groups) for one in used]
    key = hashlib.sha256(
        json.dumps([digests, config.ranker.model_dump(mode="json"), run.seed]).encode()
    ).hexdigest()[:32]
    known = store.model(key)
    if known is None:
        groups = joined([one.groups for one in used])
        ranker = fit_ranker(groups, config.ranker, run, weights=_weights(used))
        known = store.keep_model(key, ranker)
    return known


def _weights(examples: Sequence[SourceExamples]) -> FloatArray:
    """Weigh the groups so that every source counts the same; 1 on average."""
    count: dict[str, int] = {}
    for one in examples:
        count[one.source] = count.get(one.source, 0) + len(one.groups)
    each = sum(count.values()) / len(count)
    parts = [np.full(len(one.groups), each / count[one.source], np.float32) for one in examples]
    return np.concatenate(parts)


def _card(
    sources: Sequence[SourceDataset],
    examples: list[SourceExamples],
    heads: dict[str, TreeRanker],
    measured: LeaveOneOut,
    config: PretrainConfig,
    run: RunOptions,
    licences: dict[str, str],
) -> dict[str, Any]:
    """Return the model card: what the backbone was made from, what it can do, its limits."""
    return {
        "sources": [
            {
                "name": name,
                "family": family,
                "items": dataset.n_items,
                "users": dataset.n_users,
                "events": len(dataset.interactions),
                "levels": [one.events for one in examples if one.source == name],
                "examples": sum(len(one.groups) for one in examples if one.source == name),
                "licence": licences.get(name, "unknown"),
            }
            for name, family, dataset in sources
        ],
        "leave_one_out": {
            "metric": "ndcg@10 over unseen items, each source with heads that never saw it",
            "results": measured.results,
        },
        "weights": measured.weights,
        "columns": list(COLUMN_NAMES),
        "importance": {
            family: dict(list(ranker.importance().items())[:10]) for family, ranker in heads.items()
        },
        "limits": [
            "orders candidates by relations between items; it holds no item, user or language",
            "helps where few events are known and the domain is like one of the sources",
            "trained on last-item prediction over unseen items; repeats are not its subject",
        ],
        "settings": config.model_dump(mode="json", exclude_none=True),
        "seed": run.seed,
        "versions": {
            "crossrec": __version__,
            "lightgbm": metadata.version("lightgbm"),
            "numpy": metadata.version("numpy"),
            "python": platform.python_version(),
        },
    }


def _digest_of(groups: Groups) -> str:
    """Return a digest of examples."""
    digest = hashlib.sha256()
    for array in groups.arrays().values():
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
