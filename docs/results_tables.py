"""The tables of the main job on real sets, from ``benchmarks/results/foundation.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from markdown_table import table

SHOWN = ("recall@10", "ndcg@10", "mrr@10", "coverage@10")
OVER_SEEDS = SHOWN[:2]


def results_tables(sets: Iterable[Mapping[str, Any]], name: str) -> str:
    """Return a table for each report of one set, or of all; "" where there is none."""
    chosen = [one for one in sets if name in (one["set"], "all")]
    return "\n".join(report_table(one, report) for one in chosen for report in one["reports"])


def report_table(one: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """Return one evaluation as a table; the best figure of each column in bold."""
    rows = report["results"]
    names = [metric for metric in SHOWN if any(metric in row["metrics"] for row in rows)]
    best = {m: max((row["metrics"].get(m) or 0.0) for row in rows) for m in names}

    def cell(row: Mapping[str, Any], metric: str) -> str:
        value = row["metrics"].get(metric)
        if value is None:
            return "–"
        text = f"{value:.4f}"
        low, high = (row.get("ci95") or {}).get(metric) or (None, None)
        text = f"**{text}**" if value == best[metric] else text
        return text if low is None else f"{text} ({low:.3f}–{high:.3f})"

    body = [
        (row["model"], *(cell(row, metric) for metric in names), f"{row['fit_seconds']:.1f}")
        for row in rows
    ]
    peak = one.get("fit_memory_mib")
    memory = f", at most {peak:,} MiB" if peak else ""
    head = (
        f"**{one['set']}** ({one['scenario']}): {report['protocol']}, candidates "
        f"{report['candidates']}, {report['users']:,} test users, {one['items']:,} items, "
        f"{one['events']:,} events; fitted in {one['fit_seconds']:.0f} s{memory}\n\n"
    )
    return head + table(("model", *names, "fit, s"), body)


def seeds_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the pipeline's figures of every set over the seeds."""
    cells = [
        (
            row["set"],
            row["candidates"],
            "training and validation" if row["refit"] else "training",
            len(row["seeds"]),
            *(spread(row[metric]) for metric in OVER_SEEDS),
        )
        for row in rows
    ]
    return table(("set", "candidates", "fitted on", "seeds", *OVER_SEEDS), cells)


def spread(values: list[float]) -> str:
    """Return a mean, with the lowest and the highest value where there are several."""
    text = f"{fmean(values):.4f}"
    return text if len(values) == 1 else f"{text} ({min(values):.4f}–{max(values):.4f})"
