"""The tables of modalities: from ``benchmarks/modalities.py`` and ``benchmarks/sports.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markdown_table import table

_JUDGED = "ndcg@10"


def modalities_table(name: str, report: Mapping[str, Any]) -> str:
    """Return the rows of one set with their weights, and a line on each modality."""
    rows = []
    for row in report["rows"]:
        cells = [
            f"{row['metrics'][metric]:.4f} ({low:.3f}–{high:.3f})"
            for metric, (low, high) in row["ci95"].items()
        ]
        weights = ", ".join(f"{source} {weight:g}" for source, weight in row["weights"].items())
        rows.append((row["name"], *cells, weights))
    head = (
        f"**{name}**: {report['users']:,} test users, {report['items']:,} items, "
        f"{report['events']:,} events; {report['protocol']}, candidates {report['candidates']}\n\n"
    )
    verdicts = "\n".join(f"- {one}: {text}" for one, text in report["verdicts"].items())
    columns = ("sources", *report["rows"][0]["metrics"], "weights in the fusion")
    return f"{head}{table(columns, rows)}\n{verdicts}\n"


def maps_table(sets: Mapping[str, Any]) -> str:
    """Return how well held-out pictures find their texts, beside shuffled pairs."""
    rows = []
    for name, report in sets.items():
        for title, one in report.get("maps", {}).items():
            own, control = one["map"], one["shuffled"]
            rows.append(
                (
                    f"{name}: {title}",
                    str(own["items"]),
                    f"{own['percentile']:.3f} / {control['percentile']:.3f}",
                    f"{own['recall']['10']:.3f} / {control['recall']['10']:.3f}",
                )
            )
    columns = (
        "map",
        "items",
        "share of other texts behind the own one",
        "own text in the first 10",
    )
    return table(columns, rows)


def sports_table(report: Mapping[str, Any]) -> str:
    """Return texts alone beside the published figures."""
    metrics = list(next(iter(report["test"].values())))

    def cells(figures: Mapping[str, float | None]) -> list[str]:
        values = [figures[metric] for metric in metrics]
        return ["–" if value is None else f"{value:.4f}" for value in values]

    rows = [(f"crossrec: {name}", *cells(one)) for name, one in report["test"].items()]
    rows += [(f"{name} (published)", *cells(one)) for name, one in report["published"].items()]
    best = report["choice"]["best"]
    return (
        f"{report['users']:,} users, {report['items']:,} items, {report['events']:,} events; "
        f"chosen on validation: λ {best['reg']:g}, weight of events {best['kappa']:g} "
        f"({metrics[0]} {best[metrics[0]]:.4f} there)\n\n{table(('model', *metrics), rows)}"
    )
