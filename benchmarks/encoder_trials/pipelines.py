"""The default pipeline with one encoder or another, on validation items."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encoder_trials.cells import ENCODERS, SEED, Cell

if TYPE_CHECKING:
    from crossrec.data.dataset import Dataset

#: Validation queries at most.
QUERIES = 1_000
#: The users whose events are learnt, on each set.
USERS = (0, 100, 1_500)
FORM = "default pipeline"


def pipeline_cells(names: list[str], sets: list[str]) -> list[tuple[Cell, int]]:
    """Return every encoder on every set, with few events and with more."""
    return [(Cell(name, data), users) for data in sets for users in USERS for name in names]


def path_of(cell: Cell, users: int, folder: Path) -> Path:
    """Return where an outcome lies."""
    return folder / f"{cell.data}.{cell.encoder}.pipeline-{users}.json"


def pipeline_measured(cell: Cell, dataset: Dataset, cache: Path, users: int) -> dict[str, Any]:
    """Fit a quick default pipeline, its backbone included, on the events of some users.

    They are the first ones, without their validation and test items; the pipeline's own cut lies
    within that. Lists are made for users of all kinds, whose histories come with the query.
    """
    from crossrec.components.query import QueryBatch
    from crossrec.components.run import RunOptions
    from crossrec.data.splits import leave_one_out
    from crossrec.numeric.gain import discount
    from crossrec.pipeline.chosen_encoder import with_encoder
    from crossrec.pipeline.fit import fit_pipeline
    from crossrec.pipeline.pretrained import pipeline_to_fit, survey_pretrained
    from crossrec.pipeline.resolved import resolve_pipeline
    from crossrec.plugins.registry import load_registry
    from real_sets import SETS

    registry = load_registry()
    real = SETS.get(cell.data)
    scenario = registry.scenario(real.scenario if real else "video")
    seen = survey_pretrained(None, registry)
    run = RunOptions(seed=0, threads=1, cache=cache, pretrained=seen.folders(), effort="quick")
    name, settings = ENCODERS[cell.encoder]
    config = with_encoder(pipeline_to_fit(scenario, None, None, seen)[0], name, settings)
    config = config.model_copy(update={"time_limit": 600.0})
    resolved = resolve_pipeline(config, registry, scenario.main_surface)
    split, started = leave_one_out(dataset), time.process_time()
    train = fewer(split.train, users)
    pipeline = fit_pipeline(scenario, train, resolved, run)
    seconds = time.process_time() - started
    held = split.validation.sample(QUERIES, SEED)
    queries = QueryBatch.from_histories(held.history, users=held.users, exclude=held.history)
    best, degraded = pipeline.ranked(queries, 10)
    assert not degraded, degraded
    hits = best.index == held.targets.values[:, None]
    places = np.where(hits.any(axis=1), hits.argmax(axis=1), np.inf)
    return {
        "encoder": cell.encoder, "data": cell.data, "items": dataset.n_items,
        "events": len(train.interactions), "users": len(places),
        "encoding_cpu_seconds": None, "fit_cpu_seconds": round(seconds, 1),
        "serves": list(pipeline.surfaces[scenario.main_surface].plan.sources),
        "recall@10": {FORM: np.isfinite(places).mean().round(4).item()},
        "ndcg@10": {FORM: discount(places).round(4).tolist()},
    }  # fmt: skip


def fewer(dataset: Dataset, users: int) -> Dataset:
    """Return the dataset with the events of its first users alone, on the whole catalogue."""
    events = dataset.interactions
    return dataset.with_events(events.take(events.users < users))
