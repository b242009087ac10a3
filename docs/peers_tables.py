"""The tables of crossrec beside other libraries, from the cells of ``benchmarks/peers``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markdown_table import table

OURS = "crossrec"
QUALITY = ("recall@10", "ndcg@10")
#: What is compared → the head of its column and how it is written.
COSTS = {
    "fit_seconds": ("fit, s", ",.1f"),
    "peak_mib": ("peak, MiB", ",.0f"),
    "answers_per_second": ("answers/s", ",.0f"),
}

Cell = Mapping[str, Any]


def peers_tables(cells: Iterable[Cell], name: str) -> str:
    """Return a table for each set, or for the one called `name`; "" where there is no cell."""
    by_set: dict[str, list[Cell]] = {}
    for cell in cells:
        if name in (cell["set"], "all"):
            by_set.setdefault(cell["set"], []).append(cell)
    return "\n".join(one_set(set_name, part) for set_name, part in by_set.items())


def one_set(name: str, cells: Sequence[Cell]) -> str:
    """Return the table of one set, by ndcg; what did not run stands last and says why."""
    measured = sorted((cell for cell in cells if "failed" not in cell), key=ndcg, reverse=True)
    failed = [cell for cell in cells if "failed" in cell]
    head = f"**{name}**\n\n"
    if measured:
        first = measured[0]
        head = (
            f"**{name}**: {first['users']:,} test users, {first['items']:,} items, "
            f"{first['events']:,} events\n\n"
        )
    ours = next((cell for cell in measured if cell["model"] == OURS), None)
    best = {m: max(cell["metrics"][m] for cell in measured) for m in QUALITY if measured}
    rows = [row(cell, ours, best) for cell in measured]
    rows += [(cell["model"], "–", "–", "–", "–", "–", "–", failure(cell)) for cell in failed]
    columns = ("model", *QUALITY, "ndcg to ours", *(head for head, _ in COSTS.values()), "note")
    return head + table(columns, rows)


def ndcg(cell: Cell) -> float:
    """Return what rows are sorted by."""
    return float(cell["metrics"]["ndcg@10"])


def row(cell: Cell, ours: Cell | None, best: Mapping[str, float]) -> tuple[str, ...]:
    """Return the row of a measured cell."""
    figures = [quality(cell, metric, best[metric]) for metric in QUALITY]
    ratio = "–" if ours is None or not ndcg(ours) else f"{ndcg(cell) / ndcg(ours):.2f} ×"
    costs = [cost(cell, key, form) for key, (_, form) in COSTS.items()]
    notes = [cell["note"], *cell["remarks"]]
    return (cell["model"], *figures, ratio, *costs, "; ".join(filter(None, notes)))


def quality(cell: Cell, metric: str, best: float) -> str:
    """Return a figure with its interval; the best of the table in bold."""
    value, (low, high) = cell["metrics"][metric], cell["ci95"][metric]
    text = f"**{value:.4f}**" if value == best else f"{value:.4f}"
    return f"{text} ({low:.3f}–{high:.3f})"


def cost(cell: Cell, key: str, form: str) -> str:
    """Return a cost, and as a multiple of our own run beside it where there was one."""
    text, beside = format(cell[key], form), cell.get("beside")
    return f"{text} ({ratio_text(cell[key] / beside[key])} ×)" if beside else text


def ratio_text(ratio: float) -> str:
    """Return a ratio with two digits that say something."""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"


def failure(cell: Cell) -> str:
    """Return why a cell was not measured."""
    return f"did not run: {cell['failed']}"
