"""The table of whom to follow, from the results of ``benchmarks/follows.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markdown_table import table


def follow_table(result: Mapping[str, Any]) -> str:
    """Return the test figures of each set; "" where nothing was measured."""
    if not result.get("sets"):
        return ""
    chosen = result["chosen"]
    rows = [
        (name, f"{one['left_out']:,}", f"`{label}`", found["recall@10"], found["ndcg@10"])
        for name, one in result["sets"].items()
        for label, found in one["test"].items()
    ]
    head = (
        "Edges of two follow graphs that were left out, one of each person with five follows or "
        f"more. Chosen on validation edges: through {chosen['through']:g}, back "
        f"{chosen['back']:g}.\n\n"
    )
    return head + table(("graph", "edges left out", "ranked by", "recall@10", "ndcg@10"), rows)
