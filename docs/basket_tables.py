"""The tables of the next basket, from the result of ``benchmarks/baskets.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markdown_table import table


def basket_table(result: Mapping[str, Any], part: str) -> str:
    """Return the models of one part, the best figure of each column in bold; "" without any."""
    rows = result.get(part, ())
    if not rows:
        return ""
    names = list(rows[0]["metrics"])
    best = {name: max(row["metrics"][name] for row in rows) for name in names}
    body = []
    for row in rows:
        cells = [cell(row, name, bold=row["metrics"][name] == best[name]) for name in names]
        body.append((row["model"], *cells, gain(row)))
    seconds = result["seconds"]
    what = {"validation": "the last basket of the history", "test": "the basket after it"}[part]
    head = (
        f"**{result['set']}**, {what}: {result['users']:,} users, {result['items']:,} items, "
        f"{result['purchases']:,} purchases in {result['baskets']:,} baskets"
    )
    if part == "test":
        head += (
            f"; next-basket fitted in {seconds['fit of next-basket']:.1f} s, a list in "
            f"{seconds['milliseconds a list']:.1f} ms"
        )
    return f"{head}\n\n" + table(("model", *names, "gain in ndcg@10"), body)


def cell(row: Mapping[str, Any], name: str, *, bold: bool) -> str:
    """Return one figure with its interval, where it has one."""
    text = f"{row['metrics'][name]:.4f}"
    text = f"**{text}**" if bold else text
    low, high = row["ci95"].get(name, (None, None))
    return text if low is None else f"{text} ({low:.3f}–{high:.3f})"


def gain(row: Mapping[str, Any]) -> str:
    """Return the paired difference to the best plain count; "–" for a plain count."""
    if "gain" not in row:
        return "–"
    own = row["gain"]["ndcg@10"]
    low, high = own["ci95"]
    return f"{own['mean']:+.4f} ({low:+.4f} to {high:+.4f})"
