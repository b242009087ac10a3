"""The tables of one person in two scenarios, from the results of ``benchmarks/person.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markdown_table import table

COLUMNS = ("own events", "people", "model", "ndcg@10", "gain over the target alone")
ALONE = "target only"


def person_tables(result: Mapping[str, Any]) -> str:
    """Return a table for each direction; "" where nothing is measured."""
    return "\n".join(direction_table(one) for one in result.get("directions", ()))


def direction_table(one: Mapping[str, Any]) -> str:
    """Return one direction: every model at every number of own events."""
    limit = one["report"]["serves_up_to"]
    served = f"up to {limit} own events" if limit >= 0 else "nobody"
    head = (
        f"**{one['name']}**: learnt from {one['report']['learnt_from']:,} people, measured on "
        f"{one['hidden']:,} others; it answers {served}; {one['cpu_seconds']:.0f} s of CPU time"
    )
    rows = [row for moment in one["moments"] for row in moment_rows(moment)]
    return f"{head}\n\n{table(COLUMNS, rows)}"


def moment_rows(moment: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the models at one number of own events, the best figure in bold."""
    best = max(model["ndcg@10"] for model in moment["models"])
    rows: list[tuple[str, ...]] = []
    for at, model in enumerate(moment["models"]):
        figure = f"{model['ndcg@10']:.4f}"
        gain = f"{model['gain']:+.4f} ± {model['noise']:.4f}"
        rows.append(
            (
                "" if at else str(moment["own_events"]),
                "" if at else f"{moment['people']:,}",
                model["model"],
                f"**{figure}**" if model["ndcg@10"] == best else figure,
                "–" if model["model"] == ALONE else gain,
            )
        )
    return rows
