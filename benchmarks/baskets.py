"""The next basket of Ta Feng's users, end to end: ingest, fit, a shopping list for each user.

Command: ``python benchmarks/baskets.py``. Needs ``tafeng-baskets`` among the research data sets;
takes about two minutes. Writes ``results/baskets.json``, from which the table in
``docs/benchmarks.md`` is generated.

Settings were chosen on the last history basket of each user, learnt from those before it: part
``validation``. Part ``test`` is the basket of ``future.csv``, learnt from all history baskets.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from basket_metrics import LENGTH, figures_of
from common import absent, datasets, temporary_workspace, write_result

if TYPE_CHECKING:
    import pandas as pd
    from crossrec.scenario import Scenario
    from crossrec.workspace import Workspace

FOLDER = "tafeng-baskets"
#: The shopping list of the default pipeline, without the sources of the other surfaces.
PIPELINE = """
encoder = ""
[[sources]]
name = "popularity"
[[sources]]
name = "next-basket"
settings = { least_strength = 5.0 }
[surfaces.recommended_for_you]
sources = ["popularity"]
[surfaces.similar_items]
sources = ["popularity"]
[surfaces.shopping_list]
sources = ["next-basket"]
"""
SOURCE = "next-basket"
#: Other settings: what the parts of the score are worth. Compared on validation alone.
VARIANTS: Mapping[str, Mapping[str, float]] = {
    SOURCE: {},
    "without what follows": {"following": 0.0},
    "without popularity": {"popular": 0.0},
    "decay 0.8": {"decay": 0.8},
    "decay 1": {"decay": 1.0},
    "prior of 1 basket": {"prior_baskets": 1.0},
    "prior of 4 baskets": {"prior_baskets": 4.0},
    "weights 2 and 0.05": {"following": 2.0, "popular": 0.05},
    "weights 6 and 0.15": {"following": 6.0, "popular": 0.15},
    "weights 10 and 0.15": {"following": 10.0, "popular": 0.15},
    "recency 0.6": {"recency": 0.6},
    "200 followers": {"neighbours": 200},
}
#: Plain counts. The last one is what the others are compared with.
COUNTS = (
    "global top",
    "personal top, ties first seen",
    "personal top, ties by global count",
    "personal top, ties by global count, then global top",
)


@dataclass(frozen=True, eq=False)
class Part:
    """Baskets to learn from, and one basket of each user to find.

    Attributes
    ----------
    history : DataFrame
        Columns user, basket (number), items (list of ids); ordered by user and basket.
    targets : mapping of user to items
    """

    history: pd.DataFrame
    targets: Mapping[str, Sequence[str]]


def read(folder: Path) -> tuple[Part, Part]:
    """Return validation (each user's last history basket) and test."""
    import pandas as pd

    history = pd.read_csv(folder / "history.csv.gz", dtype={"user": str, "items": str})
    future = pd.read_csv(folder / "future.csv.gz", dtype=str)
    for table in (history, future):
        table["items"] = table["items"].str.split()
    history = history.sort_values(["user", "basket"], ignore_index=True)
    last = ~history.duplicated("user", keep="last")
    return (
        Part(history[~last], dict(zip(history[last]["user"], history[last]["items"]))),
        Part(history, dict(zip(future["user"], future["items"]))),
    )


def ingested(part: Part, workspace: Workspace) -> Scenario:
    """Ingest the history of a part, each basket a session, and return the scenario."""
    from crossrec.ingest import ingest_frames
    from crossrec.ingest.frames import Frames
    from crossrec.plugins.registry import load_registry

    rows = part.history.explode("items", ignore_index=True)
    events = rows.rename(columns={"user": "user_id", "items": "item_id", "basket": "session_id"})
    scenario = load_registry().scenario("ecommerce")
    ingest_frames(workspace, scenario, Frames(events=events.assign(event_type="purchase")))
    return scenario


def served(part: Part) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Ingest and fit a part; return the shopping list of each user, and what it took."""
    from crossrec import Engine

    with temporary_workspace() as (workspace, _), tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        engine, name = Engine(workspace), ingested(part, workspace).name
        read = time.perf_counter()
        path = Path(folder) / "pipeline.toml"
        path.write_text(PIPELINE, encoding="utf-8")
        pipeline = engine.fit(name, pipeline_file=path)
        fitted = time.perf_counter()
        lists = {
            user: list(
                engine.recommend(
                    name, user, surface="shopping_list", k=LENGTH, explain=False
                ).item_ids
            )
            for user in part.targets
        }
        done = time.perf_counter()
    return lists, {
        "ingest": round(read - started, 1),
        "fit": round(fitted - read, 1),
        "fit of next-basket": round(pipeline.report["fit_seconds"][SOURCE], 2),
        "milliseconds a list": round(1000 * (done - fitted) / len(lists), 2),
    }


def variants(part: Part) -> dict[str, dict[str, list[str]]]:
    """Return the lists of the source with each of the settings, without the way of a request."""
    from crossrec.components.query import QueryBatch
    from crossrec.components.run import RunOptions
    from crossrec.numeric.ragged import Ragged
    from crossrec.plugins.registry import load_registry

    registration = load_registry().get("candidate_generators", SOURCE)
    with temporary_workspace() as (workspace, _):
        dataset = workspace.dataset(ingested(part, workspace))
    users, events = dataset.n_users, dataset.interactions
    queries = QueryBatch(
        np.arange(users),
        dataset.sequences,
        Ragged.empty(users),
        times=events.times,
        types=events.types,
        weights=events.weights,
    )
    ids = np.array(dataset.catalog.items.ids)
    found: dict[str, dict[str, list[str]]] = {}
    for name, settings in VARIANTS.items():
        source = registration.build(dict(settings))
        source.fit(dataset, RunOptions())
        best = source.generate(queries, LENGTH)
        found[name] = {
            user: ids[best.row(row)].tolist() for row, user in enumerate(dataset.users.ids)
        }
    return found


def baselines(part: Part) -> dict[str, dict[str, list[str]]]:
    """Return the lists of plain counts: of all users, of each user, and of both."""
    rows = part.history.explode("items", ignore_index=True)
    total = rows["items"].value_counts()
    place = {item: at for at, item in enumerate(total.index)}
    best = list(total.index[: 3 * LENGTH])
    found: dict[str, dict[str, list[str]]] = {name: {} for name in COUNTS}
    plain, seen, ties, filled = found.values()
    for user, items in rows.groupby("user", sort=False)["items"]:
        counts = items.value_counts(sort=False)  # in the order of first purchase
        plain[user] = best[:LENGTH]
        seen[user] = list(counts.sort_values(ascending=False, kind="stable").index[:LENGTH])
        order = sorted(counts.index, key=lambda item: (-counts[item], place[item]))
        ties[user] = order[:LENGTH]
        more = [item for item in best if item not in counts.index]
        filled[user] = [*order, *more][:LENGTH]
    return found


def measured(part: Part, lists: Mapping[str, Mapping[str, list[str]]]) -> list[dict[str, Any]]:
    """Return the figures of each model, and its paired gain over the best plain count."""
    known = part.history.groupby("user")["items"].agg(lambda rows: set().union(*rows)).to_dict()
    figures = {name: figures_of(own, part.targets, known) for name, own in lists.items()}
    base = figures[COUNTS[-1]]
    return [
        {"model": name, **one.summary(None if name in COUNTS else base)}
        for name, one in figures.items()
    ]


def main() -> None:
    """Measure both parts and write the result."""
    folder = datasets()
    if absent() or folder is None:
        return
    validation, test = read(folder / FOLDER)
    chosen = measured(validation, {**baselines(validation), **variants(validation)})
    lists, seconds = served(test)
    final = measured(test, {**baselines(test), SOURCE: lists})
    rows = test.history.explode("items")
    write_result(
        "baskets",
        {
            "set": FOLDER,
            "users": len(test.targets),
            "items": int(rows["items"].nunique()),
            "baskets": len(test.history),
            "purchases": len(rows),
            "seconds": seconds,
            "validation": chosen,
            "test": final,
        },
    )


if __name__ == "__main__":
    main()
