"""Ratings from text beside what reads nothing, on a real set of reviews.

Command: ``python benchmarks/rating.py [--seeds 3] [--cache FOLDER]``. Needs the research data sets
in ``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does nothing. Writes
``results/rating.json``, from which the table in ``docs/rating.md`` is generated. Encoding the
reviews takes some minutes once; vectors are kept in the cache folder, ``build/rating`` by default.

The rater has its default settings, which were chosen on the validation part of the temporal split;
the test took no part in that.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import HERE, absent, datasets, print_progress, temporary_workspace, write_result
from crossrec.components.run import RunOptions
from crossrec.evaluation.rating.evaluate import evaluate_ratings
from crossrec.ingest import ingest_files
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.evaluate_ratings import rater_builder, raters_of
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.plugins.registry import load_registry

if TYPE_CHECKING:
    import pandas as pd
    from crossrec.data.dataset import Dataset

SET, SCENARIO = "amazon14-digital-music-reviews", "music"
PROTOCOLS = ("temporal", "leave-one-out")
PIPELINE = {"encoder": "transformer", "sources": [{"name": "popularity"}], "features": ["rating"]}


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the reviewed items and the reviews, each with its summary before its text."""
    import pandas as pd

    reviews = pd.read_json(folder / "reviews.jsonl.gz", lines=True)
    items = pd.read_json(folder / "items.jsonl.gz", lines=True)
    items = items[items["asin"].isin(set(reviews["asin"]))]
    paths = [[" > ".join(path) for path in one or []] for one in items["categories"]]
    events = pd.DataFrame(
        {
            "user_id": "u" + reviews["user"].astype(str),
            "item_id": reviews["asin"],
            "rating": reviews["overall"],
            "time": reviews["time"],
            "review": reviews["summary"].fillna("") + ". " + reviews["text"].fillna(""),
        }
    )
    return {"items": items[["asin", "title"]].assign(categories=paths), "events": events}


def read(folder: Path) -> Dataset:
    """Ingest the set and return it with its reviews."""
    with temporary_workspace() as (workspace, _):
        scenario = load_registry().scenario(SCENARIO)
        ingest_files(workspace, scenario, **tables(folder))  # type: ignore[arg-type]
        dataset = workspace.dataset(scenario, reviews=True)
        workspace.close()
    return dataset


def measured(dataset: Dataset, seeds: Iterable[int], run: RunOptions) -> list[Mapping[str, Any]]:
    """Return a report for each protocol and seed."""
    registry = load_registry()
    resolved = resolve_pipeline(parse_config(PIPELINE, "benchmark"), registry)
    raters = raters_of(resolved, registry)
    found = []
    for protocol in PROTOCOLS:
        for seed in seeds:
            started = time.process_time()
            report = evaluate_ratings(
                dataset,
                rater_builder(resolved, raters, replace(run, seed=seed)),
                split=protocol,  # type: ignore[arg-type]
                scenario=SCENARIO,
                seed=seed,
                progress=run.progress,
            )
            seconds = round(time.process_time() - started, 1)
            found.append({"seed": seed, "cpu_seconds": seconds, **report.to_dict()})
    return found


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=HERE.parent / "build" / "rating")
    options = parser.parse_args()
    folder = datasets()
    if folder is None or not (folder / SET).is_dir():
        absent()
        return
    run = RunOptions(threads=1, cache=options.cache, progress=print_progress)
    options.cache.mkdir(parents=True, exist_ok=True)
    dataset = read(folder / SET)
    values = {
        "set": SET,
        "ratings": len(dataset.ratings),
        "reviews": int((dataset.events.reviews.numbers >= 0).sum()),  # type: ignore[union-attr]
        "users": dataset.n_users,
        "items": dataset.n_items,
        "encoder": PIPELINE["encoder"],
        "reports": measured(dataset, range(options.seeds), run),
    }
    write_result("rating", values)


if __name__ == "__main__":
    main()
