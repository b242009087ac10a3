"""The tables of neural trials, from the cells of ``benchmarks/deep.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np
from markdown_table import table

METRICS = ("recall@10", "ndcg@10")
RULES = ("all", "unseen")
#: Groups whose trials are compared with one of them, user by user.
PAIRED = {"heads": "none", "encoder": "frozen"}
#: The group whose bodies are added to the default pipeline.
ADDED = "gain"

Cell = Mapping[str, Any]


def deep_tables(cells: Iterable[Cell], group: str) -> str:
    """Return a table for each set of one group of trials; "" where there is no cell."""
    if group == ADDED:
        return gain_table(cell for cell in cells if cell["group"] == group)
    by_set: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell["group"] == group:
            by_set.setdefault(cell["set"], []).append(cell)
    return "\n".join(one_set(name, part) for name, part in by_set.items())


def gain_table(cells: Iterable[Cell]) -> str:
    """Return what each body adds to the default pipeline, a row for each set and body; "" if none.

    The difference and its interval are those of ndcg@10; the p-value is corrected in its report.
    """
    rows = []
    for cell in sorted(cells, key=lambda cell: (cell["set"], cell["trial"], cell["seed"])):
        body, figures = cell["trial"], cell["figures"]
        (pair,) = (one for one in cell["comparisons"] if one["metric"] == "ndcg@10")
        sign = 1 if pair["model"] == body else -1
        low, high = sorted(signed(sign * bound) for bound in pair["ci95"])
        both = (" / ".join(f"{figures[m][key]:.4f}" for key in METRICS) for m in ("default", body))
        gained = f"{signed(sign * pair['difference']):+.4f} ({low:+.4f} to {high:+.4f}"
        gained += f", p {pair['p_holm']:.3f})"
        serves = cell["gates"][body]["chosen"]
        rows.append([cell["set"], body, cell["seed"], *both, gained, serves])
    columns = ("set", "body", "seed", "default", "with it", "gain in ndcg@10", "what serves")
    return table(columns, rows) if rows else ""


def signed(value: float) -> float:
    """Return a difference as it is shown: what rounds to nothing has no minus."""
    return round(value, 4) + 0.0


def one_set(name: str, cells: Sequence[Cell]) -> str:
    """Return the table of one set, by the mean ndcg on validation."""
    by_trial: dict[str, list[Cell]] = {}
    for cell in cells:
        by_trial.setdefault(cell["trial"], []).append(cell)
    first, seeds = cells[0], max(len(part) for part in by_trial.values())
    order = sorted(by_trial, key=lambda trial: -mean(by_trial[trial], "validation unseen", 1))
    best = order[0]
    parts = [
        ("validation unseen", "validation, unseen"),
        *((f"test {r}", f"test, {r}") for r in RULES),
    ]
    columns = ["trial", *(f"{head}" for _, head in parts), "epochs", "fit, s", "memory, MiB"]
    base = PAIRED.get(first["group"], "")
    if base in by_trial:
        columns.append("paired gain on validation")
    rows = []
    for trial in order:
        part = by_trial[trial]
        row = [f"**{trial}**" if trial == best else trial, *(pair(part, key) for key, _ in parts)]
        row.append(f"{fmean(len(cell['epochs']) for cell in part):.0f}")
        row.append(f"{fmean(cell['fit_seconds'] for cell in part):,.0f}")
        row.append(f"{max(cell['memory_mib'] for cell in part):,}")
        if len(columns) > len(row):
            row.append("–" if trial == base else gain(part, by_trial[base]))
        rows.append(row)
    return (
        f"**{name}**: {first['protocol']}, {first['users']:,} test users, {first['items']:,} "
        f"items, {first['events']:,} training events; recall@10 / ndcg@10, "
        f"{seeds} seed{'s' if seeds > 1 else ''}\n\n" + table(columns, rows)
    )


def mean(cells: Sequence[Cell], part: str, metric: int) -> float:
    """Return the mean of a metric over the seeds."""
    return fmean(cell[part][METRICS[metric]] for cell in cells)


def pair(cells: Sequence[Cell], part: str) -> str:
    """Return recall and ndcg, the latter with its spread over the seeds where there are several."""
    text = f"{mean(cells, part, 0):.4f} / {mean(cells, part, 1):.4f}"
    if len(cells) < 2:
        return text
    return f"{text} ± {stdev(cell[part][METRICS[1]] for cell in cells):.4f}"


def gain(cells: Sequence[Cell], base: Sequence[Cell]) -> str:
    """Return the mean gain in ndcg over the same seeds without, with two standard errors."""
    without = {cell["seed"]: cell["validation_ndcg"] for cell in base}
    shared = [cell for cell in cells if cell["seed"] in without]
    if not shared:
        return "–"
    difference = np.mean(
        [np.subtract(cell["validation_ndcg"], without[cell["seed"]]) for cell in shared], axis=0
    )
    error = 2 * float(difference.std(ddof=1)) / len(difference) ** 0.5
    return f"{difference.mean():+.4f} ± {error:.4f}"
