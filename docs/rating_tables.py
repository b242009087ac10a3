"""The tables of predicted ratings, from the reports of ``benchmarks/rating.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from markdown_table import table

METRICS = ("mse", "mae", "auc")
AGAINST = "user-item-bias"

Report = Mapping[str, Any]


def rating_tables(result: Mapping[str, Any]) -> str:
    """Return a table for each protocol; "" where nothing was measured."""
    by_protocol: dict[str, list[Report]] = {}
    for report in result.get("reports", ()):
        by_protocol.setdefault(report["protocol"], []).append(report)
    return "\n".join(one_protocol(result["set"], part) for part in by_protocol.values())


def one_protocol(name: str, reports: Sequence[Report]) -> str:
    """Return means over the seeds, and each seed's difference to the biases with its interval."""
    first = reports[0]
    sizes = first["sizes"]
    rows = []
    for at, row in enumerate(first["results"]):
        figures = [
            fmean(report["results"][at]["metrics"][metric] for report in reports)
            for metric in METRICS
        ]
        model = f"{row['model']} *" if row["baseline"] else row["model"]
        rows.append([model, *(f"{figure:.4f}" for figure in figures), differences(row, reports)])
    many = f"mean of {len(reports)} seeds" if len(reports) > 1 else "1 seed"
    columns = ["model", "MSE", "MAE", "AUC of liking", "MSE less that of the biases, by seed"]
    return (
        f"**{name}**, {first['protocol']}: {sizes['test']:,} test ratings of {sizes['users']:,} "
        f"users, {sizes['liked']:,} of them liked; {first['unit']}; {many}; * baseline\n\n"
        + table(columns, rows)
    )


def differences(row: Mapping[str, Any], reports: Sequence[Report]) -> str:
    """Return the differences of the seeds, those that are equal once."""
    found = []
    for report in reports:
        for pair in report["comparisons"]:
            if (pair["model"], pair["against"], pair["metric"]) == (row["model"], AGAINST, "mse"):
                low, high = pair["ci95"]
                mark = "" if pair["verdict"] == "no difference" else f" {pair['verdict']}"
                found.append(f"{pair['difference']:+.4f} [{low:+.3f}, {high:+.3f}]{mark}")
    return " · ".join(dict.fromkeys(found)) or "–"
