"""Orders with times: what is bought together, when it is bought again, and the next basket.

Command: ``python benchmarks/orders.py``. Needs ``uci-online-retail`` and ``completejourney-sample``
among the research data sets; takes about a minute. Writes ``results/orders.json``, from which the
tables in ``docs/benchmarks.md`` are generated.

Everything is learnt from the first 80 % of the purchases and measured on what came later: a line of
an order from one of its other lines, what is bought within four weeks of the cut, and the first
basket of each user after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from basket_metrics import LENGTH, BasketFigures, figures_of
from common import absent, temporary_workspace, write_result
from real_sets import RealSet, ingest

if TYPE_CHECKING:
    from crossrec.components.query import QueryBatch
    from crossrec.data.dataset import Dataset

SETS = (
    RealSet("uci", "ecommerce", "uci-online-retail", "uci-online-retail"),
    RealSet("completejourney", "ecommerce", "completejourney", "completejourney-sample"),
)
CUT, ORDERS, DAYS = 0.8, 2_000, 28.0
#: Sources that relate items, in the order of the table.
RELATED = ("popularity", "item-knn", "covisitation", "bought-together")
#: Weights of the next basket: chosen at the fit, and a user's own baskets alone.
NEXT: Mapping[str, Mapping[str, float]] = {
    "own baskets alone, without decay": {
        "following": 0.0, "popular": 0.001, "decay": 1.0, "prior_baskets": 0.0
    },
    "next-basket": {},
}  # fmt: skip
#: Bounds of the predicted probabilities that are set beside what happened.
BINS = (0.0, 0.02, 0.05, 0.1, 0.2, 1.0)


def cut(dataset: Dataset) -> tuple[Dataset, Dataset, float]:
    """Return the events before the cut, those from it on, and its time."""
    from crossrec.data.splits import before

    events = dataset.interactions
    moment = float(np.quantile(events.times, CUT))
    return before(dataset, moment), dataset.with_events(events.take(events.times >= moment)), moment


def baskets_of(dataset: Dataset) -> list[tuple[int, float, list[int]]]:
    """Return user, time and distinct items of each basket, six hours apart, in their order."""
    events = dataset.interactions
    begins = np.ones(len(events), dtype=bool)
    begins[1:] = (np.diff(events.users) != 0) | (np.diff(events.times) > 6 * 3600)
    starts = np.flatnonzero(begins)
    parts = np.split(events.items, starts[1:])
    return [
        (int(events.users[at]), float(events.times[at]), list(dict.fromkeys(part.tolist())))
        for at, part in zip(starts, parts, strict=True)
    ]


def source_of(name: str, train: Dataset, settings: Mapping[str, Any] | None = None) -> Any:
    """Return a source of the registry, fitted."""
    from crossrec.components.run import RunOptions
    from crossrec.plugins.registry import load_registry

    source = load_registry().get("candidate_generators", name).build(dict(settings or {}))
    source.fit(train, RunOptions())
    return source


def together(train: Dataset, late: Dataset, seed: int = 0) -> list[dict[str, Any]]:
    """Return how well each source completes later orders from one of their lines."""
    from crossrec.components.query import QueryBatch
    from crossrec.numeric.ragged import Ragged

    rng = np.random.default_rng(seed)
    orders = [items for _, _, items in baskets_of(late) if 2 <= len(items) <= 60]
    chosen = rng.permutation(len(orders))[:ORDERS]
    shuffled = [rng.permutation(orders[at]).tolist() for at in chosen]
    queries = QueryBatch.from_histories(Ragged.from_rows([items[:1] for items in shuffled]))
    rows = []
    for name in RELATED:
        found = source_of(name, train).generate(queries, LENGTH)
        hits = [
            len(set(found.row(row).tolist()) & set(items[1:])) for row, items in enumerate(shuffled)
        ]
        answered = [len(found.row(row)) > 0 for row in range(len(shuffled))]
        figures = {
            "hit@10": float(np.mean([hit > 0 for hit in hits])),
            "items of 10": float(np.mean(hits)),
            "orders with a list": float(np.mean(answered)),
        }
        rows.append({"source": name, **figures})
    return rows


def queries_at(train: Dataset, moments: np.ndarray[Any, Any]) -> QueryBatch:
    """Return the queries of all users, each at a time, with nothing excluded."""
    from crossrec.components.query import QueryBatch
    from crossrec.numeric.ragged import Ragged

    events, users = train.interactions, train.n_users
    return QueryBatch(
        np.arange(users),
        train.sequences,
        Ragged.empty(users),
        now=moments,
        times=events.times,
        types=events.types,
        weights=events.weights,
    )


def calibration(train: Dataset, late: Dataset, moment: float) -> dict[str, Any]:
    """Return predicted and real shares of what is bought again within four weeks."""
    settings = {"early": 0.0, "late": 1e9, "horizon_days": DAYS}
    queries = queries_at(train, np.full(train.n_users, moment))
    source = source_of("buy-again", train, settings)
    found = source.generate(queries, train.n_items)
    rows, places = np.nonzero(found.index >= 0)
    keys = rows * train.n_items + found.index[rows, places]
    events = late.interactions
    soon = events.take(events.times <= moment + DAYS * 86_400)
    happened = np.isin(keys, soon.users * train.n_items + soon.items)
    predicted = found.score[rows, places].astype(np.float64)
    table = []
    for low, high in zip(BINS[:-1], BINS[1:], strict=True):
        part = (predicted >= low) & (predicted < high)
        if part.any():
            table.append(
                {
                    "from": low,
                    "to": high,
                    "pairs": int(part.sum()),
                    "predicted": float(predicted[part].mean()),
                    "happened": float(happened[part].mean()),
                }
            )
    due = source_of("buy-again", train).generate(queries, LENGTH)
    rows, places = np.nonzero(due.index >= 0)
    shown = np.isin(
        rows * train.n_items + due.index[rows, places], soon.users * train.n_items + soon.items
    )
    return {
        "learnt": list(source.report().lines),
        "pairs": len(keys),
        "predicted": float(predicted.mean()),
        "happened": float(happened.mean()),
        "bins": table,
        "due": {"shown": len(shown), "bought": float(shown.mean()) if len(shown) else 0.0},
    }


def next_baskets(train: Dataset, late: Dataset) -> list[dict[str, Any]]:
    """Return the figures of the first basket of each known user after the cut."""
    known = {
        str(user): {str(item) for item in items}
        for user, items in enumerate(np.split(train.sequences.values, train.sequences.indptr[1:-1]))
        if len(items)
    }
    first: dict[str, list[str]] = {}
    moments = np.full(train.n_users, 0.0)
    for user, time, items in baskets_of(late):
        if str(user) in known and str(user) not in first:
            first[str(user)] = [str(item) for item in items]
            moments[user] = time
    queries = queries_at(train, moments)
    figures: dict[str, BasketFigures] = {}
    rows = []
    for name, settings in NEXT.items():
        source = source_of("next-basket", train, settings)
        found = source.generate(queries, LENGTH)
        lists: dict[str, Sequence[str]] = {
            user: [str(item) for item in found.row(int(user)).tolist()] for user in first
        }
        figures[name] = figures_of(lists, first, known)
        base = None if len(figures) == 1 else next(iter(figures.values()))
        weights = dict(source.report().values)
        rows.append({"model": name, "weights": weights, **figures[name].summary(base)})
    return rows


def measured(real: RealSet) -> dict[str, Any]:
    """Measure one set."""
    with temporary_workspace() as (workspace, _):
        dataset = workspace.dataset(ingest(real, workspace))
    train, late, moment = cut(dataset)
    return {
        "set": real.name,
        "purchases": len(dataset.interactions),
        "baskets": len(baskets_of(dataset)),
        "together": together(train, late),
        "again": calibration(train, late, moment),
        "next": next_baskets(train, late),
    }


if __name__ == "__main__" and not absent():
    write_result("orders", {"sets": [measured(real) for real in SETS]})
