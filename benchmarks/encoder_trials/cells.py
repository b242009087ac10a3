"""One measurement: an encoder on one set, or how fast it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from crossrec.components.query import QueryBatch
    from crossrec.components.run import RunOptions
    from crossrec.data.dataset import Dataset

#: Name → the registered encoder and its settings.
ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "transformer": ("transformer", {}),
    "transformer-bfloat16": ("transformer", {"dtype": "bfloat16"}),
    "minilm-int8": ("minilm-int8", {}),
    "e5": ("e5", {}),
    "use": ("use", {}),
    "static": ("static", {}),
    "none": ("", {}),
}
#: Users of a real set, and the validation queries of each, at most.
USERS, QUERIES = 1_000, 5_000
SEED = 20


@dataclass(frozen=True)
class Cell:
    """One encoder on one set."""

    encoder: str
    data: str

    def path(self, folder: Path) -> Path:
        """Where the outcome lies."""
        return folder / f"{self.data}.{self.encoder}.json"


def read(name: str) -> Dataset:
    """Return a set with the items that its events hold; large ones by a sample of users."""
    from encoder_trials.translated import LANGUAGES, dataset_in

    if name in LANGUAGES:
        return dataset_in(name)
    from common import temporary_workspace
    from real_sets import SETS, ingest, tidied

    real = SETS[name]
    with temporary_workspace() as (workspace, _):
        dataset = tidied(workspace.dataset(ingest(real, workspace)), real)
    return sampled(dataset, USERS) if dataset.n_items > 6_000 else dataset


def sampled(dataset: Dataset, users: int) -> Dataset:
    """Return some users, drawn at random, and the items of their interactions."""
    from crossrec.data.events import Events

    sequences = dataset.sequences
    able = np.flatnonzero(sequences.lengths >= 3)
    if len(able) <= users:
        return dataset
    chosen = np.zeros(dataset.n_users, dtype=bool)
    chosen[np.random.default_rng(SEED).choice(able, users, replace=False)] = True
    kept = chosen[sequences.row_of]
    rows, items = sequences.row_of[kept], sequences.values[kept]
    there, new = np.unique(items, return_inverse=True)
    catalog = dataset.catalog.take(there.tolist())
    events = Events.from_columns(rows, new)
    return type(dataset).build(dataset.users, catalog, events, has_clock=False)


def measured(cell: Cell, dataset: Dataset, cache: Path) -> dict[str, Any]:
    """Measure the closed forms on the validation items: the last but one of each user.

    The test items take no part. Recall@10 and each user's ndcg@10, full ranking over unseen items.
    """
    from crossrec.components.query import QueryBatch
    from crossrec.components.run import RunOptions
    from crossrec.data.splits import leave_one_out
    from crossrec.numeric.gain import discount
    from crossrec_backbone.relations.config import ConsensusConfig, TextConfig
    from crossrec_backbone.sources.closed_forms import ClosedFormConfig, TextBehaviourSource
    from crossrec_backbone.sources.content import ContentConfig

    run = RunOptions(seed=0, threads=1, cache=cache)
    started = time.process_time()
    train, name = encoded(leave_one_out(dataset).train, cell.encoder, run)
    seconds = time.process_time() - started
    held = leave_one_out(dataset).validation.sample(QUERIES, SEED)
    queries = QueryBatch.from_histories(held.history, users=held.users, exclude=held.history)
    targets = held.targets.values
    text = TextConfig(encoder=name)
    source = TextBehaviourSource(ClosedFormConfig(text=text))
    source.fit(train, run)
    places = {
        "consensus": of_texts(train, queries, targets, text, ConsensusConfig().weights),
        "content": of_texts(train, queries, targets, text, ContentConfig().weights),
        "text-behaviour": of_source(source, queries, targets, train.n_items),
    }
    if name:
        alone = {"text_dense": (1.0, 0.5)}
        places["vectors alone"] = of_texts(train, queries, targets, text, alone)
    return {
        "encoder": cell.encoder, "data": cell.data, "items": dataset.n_items,
        "events": len(train.interactions), "users": len(targets),
        "encoding_cpu_seconds": round(seconds, 1),
        "recall@10": {form: np.mean(found < 10).round(4).item() for form, found in places.items()},
        "ndcg@10": {form: discount(found).round(4).tolist() for form, found in places.items()},
    }  # fmt: skip


def encoded(dataset: Dataset, encoder: str, run: RunOptions) -> tuple[Dataset, str]:
    """Return the dataset with the vectors of texts and titles, and their name."""
    from crossrec.components.vectors import title_name, with_encoded
    from crossrec.plugins.registry import load_registry

    name, settings = ENCODERS[encoder]
    if not name:
        return dataset, ""
    built = load_registry().get("encoders", name).build(settings)
    return with_encoded(dataset, built, run, name, title_name(name)), name


def of_texts(
    dataset: Dataset, queries: QueryBatch, targets: Any, text: Any, weights: Mapping[Any, Any]
) -> Any:
    """Return the places of the targets by a text consensus with some weights, without any event."""
    from crossrec.numeric.sparse import block_rows
    from crossrec_backbone.relations.config import ConsensusConfig, HistoryConfig
    from crossrec_backbone.relations.scores import text_scores
    from crossrec_backbone.relations.statistics import text_relations

    relations = text_relations(dataset, text)
    consensus = replace_weights(ConsensusConfig(), weights)

    def scores(part: QueryBatch) -> Any:
        return text_scores(relations, part, consensus, HistoryConfig())

    return _places(queries, targets, scores, block_rows(dataset.n_items))


def replace_weights(config: Any, weights: Mapping[Any, Any]) -> Any:
    """Return settings of the consensus with other weights."""
    return config.model_copy(update={"weights": dict(weights)})


def of_source(source: Any, queries: QueryBatch, targets: Any, n_items: int) -> Any:
    """Return the places of the targets by a fitted closed form, among all of `n_items`."""
    from crossrec.numeric.sparse import block_rows

    def scores(part: QueryBatch) -> Any:
        return source.score(part, np.tile(np.arange(n_items), (len(part), 1)))

    return _places(queries, targets, scores, block_rows(n_items))


def _places(queries: QueryBatch, targets: Any, scores: Any, size: int) -> Any:
    from crossrec.components.ndcg import target_places

    places = np.zeros(len(targets))
    for rows in queries.blocks(size):
        part = queries.take(rows)
        places[rows] = target_places(scores(part), targets[rows], part.exclude)
    return places
