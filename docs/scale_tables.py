"""The tables of how fits and requests grow, from the cells of ``benchmarks/scale.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markdown_table import table

Cell = Mapping[str, Any]

COLUMNS = (
    "items",
    "events",
    "ingest, s",
    "fit, s",
    "fit, CPU s",
    "fit, MiB",
    "p50, ms",
    "p99, ms",
    "p50, CPU ms",
    "serving MiB",
    "sources that serve",
    "left out by the plan",
)


def scale_tables(measured: Mapping[str, Any], name: str) -> str:
    """Return the growth table or, for ``checks``, the limits; "" where nothing is measured."""
    if not measured.get("cells"):
        return ""
    if name == "checks":
        rows = [(c["check"], c["limit"], c["got"], f"{c['ratio']:.2f}") for c in measured["checks"]]
        return table(("figure", "limit", "measured", "of the limit"), rows)
    cells = sorted(measured["cells"], key=lambda one: (one["items"], one["events"]))
    machine = ", ".join(f"{key} {value}" for key, value in measured["machine"].items())
    return (
        table(COLUMNS, [row(one) for one in cells])
        + f"\nMeasured by `{measured['command']}` ({machine}).\n"
    )


def row(one: Cell) -> tuple[str, ...]:
    """Return the row of one size."""
    return (
        f"{one['items']:,}",
        f"{one['events']:,}",
        f"{one['ingest_seconds']:.0f}",
        f"{one['fit_seconds']:.0f}",
        f"{one['fit_cpu_seconds']:.0f}",
        f"{one['fit_memory_mib']:,}",
        f"{one['p50_ms']:.1f}",
        f"{one['p99_ms']:.1f}",
        f"{one['p50_cpu_ms']:.1f}",
        f"{one['serve_memory_mib']:,}",
        ", ".join(one["sources"]),
        ", ".join(one["left_out"]) or "–",
    )
