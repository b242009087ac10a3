"""The tables of what policies cost: variety in ndcg, and each of them in time."""

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


def time_table(measured: Mapping[str, Any]) -> str:
    """Return a row for each policy of the result of ``benchmarks/policies.py``; "" for none."""
    if not measured:
        return ""
    rows = [
        (f"`{name}`" if not by else f"`{name}`, {by}", *(f"{value:.2f}" for value in one.values()))
        for label, one in measured["policies"].items()
        for name, _, by in [label.partition(", ")]
    ]
    heads = (f"{measured['pool']} candidates, ms", "of the limit")
    heads = (*heads, f"{measured['longest_pool']:,} candidates, ms")
    text = table(("policy", *heads), rows)
    cores, machine = measured["machine"]["cores"], measured["machine"]["machine"]
    return (
        f"{text}\nCPU time, median of {measured['requests']} requests, {measured['items']:,} "
        f"items, k {measured['k']}; measured by `{measured['command']}` ({cores} cores, "
        f"{machine}). Reading a thousand impressions from the decision log, once a request "
        f"that has `fatigue` or `rotation`: {measured['impressions_of_1000_ms']:.1f} ms.\n"
    )
