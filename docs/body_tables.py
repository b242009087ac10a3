"""The table of what pretraining a body is worth, from the cells of ``benchmarks/body.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from crossrec.evaluation.significance import bootstrap_means, bootstrap_p, interval
from markdown_table import table

Cell = dict[str, Any]
WITH, WITHOUT = "body", "body-without-pretraining"
ALPHA = 0.05


def body_table(cells: Sequence[Cell]) -> str:
    """Return a row for each target, the smallest budget first; "" without cells."""
    levels = sorted({cell["level"] for cell in cells}, key=_order)
    rows = []
    for target in dict.fromkeys(cell["target"] for cell in cells):
        own = [cell for cell in cells if cell["target"] == target]
        at = [[cell for cell in own if cell["level"] == level] for level in levels]
        rows.append((target, *(_figures(some) for some in at)))
    if not rows:
        return ""
    heads = [f"{level:,} events" if isinstance(level, int) else "all events" for level in levels]
    users = max(cell["users"] for cell in cells)
    sources = max((cell["sources"] for cell in cells), key=len)
    return (
        f"At most {users:,} test users, up to {len(sources)} other sets; recall@10 / ndcg@10 of "
        "the body, and its ndcg@10 less that of the same source without pretraining, with the "
        "paired 95 % interval; mean over seeds\n\n" + table(("target", *heads), rows)
    )


def _figures(cells: Sequence[Cell]) -> str:
    """Return the figures and the verdict of one budget, over its seeds."""
    if not cells:
        return "–"
    recall = np.mean([cell["recall@10"][WITH] for cell in cells])
    ndcg = {name: np.mean([cell["ndcg@10"][name] for cell in cells], 0) for name in (WITH, WITHOUT)}
    moved = (ndcg[WITH] - ndcg[WITHOUT])[:, None]
    samples = bootstrap_means(moved)[:, 0]
    mean = float(moved.mean())
    low, high = interval(samples)
    verdict = "no difference"
    if mean and bootstrap_p(mean, samples) <= ALPHA:
        verdict = "helps" if mean > 0 else "hurts"
    return (
        f"{recall:.4f} / {ndcg[WITH].mean():.4f}; {verdict} {mean:+.4f} ({low:+.4f} … {high:+.4f})"
    )


def _order(level: int | str) -> float:
    return float("inf") if isinstance(level, str) else level
