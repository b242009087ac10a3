"""What language features gain, each beside a control that could refute it.

Command: ``python benchmarks/language.py [--users 120]``. Needs the research data sets in
``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does nothing. Writes
``results/language.json``. No language model is called: what is measured are the rules, counts and
templates that answer where there is none, and by which a model's words are checked.

Weights are compared on the last but one item of each user (``validation``); the defaults were
chosen by that. What ``test`` reports is measured on the last item.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import language_parts as parts
import numpy as np
from common import absent, datasets, temporary_workspace, write_result
from crossrec.pipeline import text_query
from crossrec.pipeline.engine import Engine
from crossrec_language.features.intent import wish as wishes

if TYPE_CHECKING:
    from collections.abc import Iterator

FILMS, REVIEWS = "movielens-small-timestamps/ml-latest-small", "amazon14-digital-music-reviews"
#: Words alone, so that the figures need no encoder; an encoder only adds to what a text finds.
PIPELINE = """
encoder = ""
policies = []
candidates = 300
[[sources]]
name = "content"
settings = { text = { encoder = "" } }
[[sources]]
name = "item-knn"
[[sources]]
name = "popularity"
"""
TEXT_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
FACTORS = (1.0, 1.25, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class Case:
    """One user: what they had, and what they chose next."""

    history: tuple[str, ...]
    target: str


@contextmanager
def weights(text: float, alone: float, factor: float) -> Iterator[None]:
    """Let texts and preferences weigh so much."""
    before = text_query.WEIGHT, text_query.WEIGHT_ALONE, wishes.PREFERRED
    text_query.WEIGHT, text_query.WEIGHT_ALONE, wishes.PREFERRED = text, alone, factor
    try:
        yield
    finally:
        text_query.WEIGHT, text_query.WEIGHT_ALONE, wishes.PREFERRED = before


def cases(events: Any, users: int, seed: int) -> tuple[list[Case], list[Case], Any]:
    """Return validation and test cases of some users, and the events without these items."""
    events = events.sort_values(["user_id", "time"], kind="stable")
    sizes = events.groupby("user_id").size()
    able = sizes[sizes >= 8].index.to_numpy()
    chosen = set(np.random.default_rng(seed).permutation(able)[:users].tolist())
    validation, test, held = [], [], []
    for _, own in events[events["user_id"].isin(chosen)].groupby("user_id"):
        ids = tuple(own["item_id"])
        validation.append(Case(ids[:-2], ids[-2]))
        test.append(Case(ids[:-1], ids[-1]))
        held += own.index[-2:].tolist()
    return validation, test, events.drop(index=held)


def fitted(engine: Engine, scenario: str, pipeline: Path, **tables: Any) -> None:
    """Ingest and fit."""
    pipeline.write_text(PIPELINE, encoding="utf-8")
    engine.ingest(scenario, **tables)
    engine.fit(scenario, pipeline_file=pipeline, backbone="")


def choice_of_weights(engine: Engine, found: Sequence[Case], seed: int) -> dict[str, Any]:
    """Return the mean reciprocal rank at every weight, on validation."""
    by_weight: dict[str, Any] = {"text": {}, "factor": {}, "alone": {}}
    for text in TEXT_WEIGHTS:
        with weights(text, 0.9, 1.5):
            by_weight["text"][str(text)] = parts.mean_rank(engine, found, "with", seed)
    for factor in FACTORS:
        with weights(text_query.WEIGHT, 0.9, factor):
            by_weight["factor"][str(factor)] = parts.mean_rank(engine, found, "with", seed)
    for alone in TEXT_WEIGHTS:
        with weights(0.5, alone, 1.5):
            by_weight["alone"][str(alone)] = parts.mean_rank(engine, found, "alone", seed)
    return by_weight


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--users", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = datasets()
    if folder is None or not (folder / FILMS).is_dir() or not (folder / REVIEWS).is_dir():
        absent()
        return
    items, events = parts.films(folder / FILMS)
    validation, test, kept = cases(events, options.users, options.seed)
    values: dict[str, Any] = {"users": options.users, "films": FILMS, "reviews": REVIEWS}
    with temporary_workspace() as (workspace, _):
        engine = Engine(workspace, background=False)
        fitted(engine, "video", workspace.path / "language.toml", items=items, events=kept)
        values["validation"] = choice_of_weights(engine, validation, options.seed)
        values["intent"] = {
            kind: parts.mean_rank(engine, test, kind, options.seed)
            for kind in ("without", "with", "against", "alone", "popular")
        }
        values["conditions"] = parts.conditions(engine, options.seed)
        values["describe"] = parts.description(engine, test, options.seed)
        values["deletion"] = parts.deletion(engine, test, options.seed)
        engine.close()
    values["explain"] = parts.statements(folder / REVIEWS, options.seed)
    write_result("language", values)


if __name__ == "__main__":
    main()
