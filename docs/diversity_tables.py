"""The table of what variety costs, from the result of ``benchmarks/diversity.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markdown_table import table

_COLUMNS = ("set", "users", "ndcg@10", "diversity@10", "policy", "Δ ndcg@10 (95 %)", "Δ diversity")


def diversity_table(measured: Mapping[str, Any]) -> str:
    """Return a row for each set and policy, with the setting that validation chose; "" for none."""
    rows = []
    for one in measured.get("sets", ()):
        head = (one["set"], f"{one['users']:,}", f"{one['ndcg@10']:.4f}")
        head = (*head, f"{one['diversity@10']:.3f}")
        for name, policy in one["policies"].items():
            rows.append((*head, *_chosen(name, policy["chosen"])))
            head = ("", "", "", "")
    return table(_COLUMNS, rows) if rows else ""


def _chosen(name: str, row: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Return the policy with its setting, and what it changes on the test items."""
    if row is None:
        return f"`{name}`", "–", "–"
    setting, value = next((k, v) for k, v in row.items() if k not in ("validation", "test"))
    test = row["test"]
    low, high = test["ndcg_ci95"]
    gains = f"{test['ndcg']:+.1%} ({low:+.1%} … {high:+.1%})"
    return f"`{name}`, {setting} = {value:g}", gains, f"{test['diversity']:+.1%}"
