"""The tables of baskets, from the results of ``benchmarks/baskets.py`` and ``orders.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markdown_table import table


def basket_table(result: Mapping[str, Any], part: str) -> str:
    """Return one part: ``validation``, ``test``, ``next``, ``together`` or ``again``; "" if none.

    Raises
    ------
    SystemExit
        If there is no such part.
    """
    writers = {"next": next_table, "together": together_table, "again": again_table}
    if part in ("validation", "test"):
        return tafeng_table(result, part)
    if part not in writers:
        raise SystemExit(f"there is no part {part!r} of the baskets")
    return "\n".join(writers[part](one) for one in result.get("sets", ()))


def tafeng_table(result: Mapping[str, Any], part: str) -> str:
    """Return the models of one part, the best figure of each column in bold."""
    if not result.get(part):
        return ""
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
    return f"{head}\n\n{models(result[part])}"


def next_table(one: Mapping[str, Any]) -> str:
    """Return the first basket of each user after the cut, of one set."""
    chosen = one["next"][-1]["weights"]
    head = (
        f"**{one['set']}**: {one['purchases']:,} purchases in {one['baskets']:,} baskets; chosen: "
        f"what follows {chosen['following']:g}, popularity {chosen['popular']:g}"
    )
    return f"{head}\n\n{models(one['next'])}"


def together_table(one: Mapping[str, Any]) -> str:
    """Return how well sources complete later orders, of one set."""
    names = [name for name in one["together"][0] if name != "source"]
    best = {name: max(row[name] for row in one["together"]) for name in names}
    rows = [
        (row["source"], *(bold(f"{row[name]:.4f}", row[name] == best[name]) for name in names))
        for row in one["together"]
    ]
    return f"**{one['set']}**\n\n" + table(("source", *names), rows)


def again_table(one: Mapping[str, Any]) -> str:
    """Return predicted and real shares of what is bought again, of one set."""
    again = one["again"]
    rows = [
        (f"{row['from']:g} to {row['to']:g}", f"{row['pairs']:,}", *shares(row))
        for row in again["bins"]
    ]
    rows.append(("all", f"{again['pairs']:,}", *shares(again)))
    due = again["due"]
    return (
        f"**{one['set']}**: {again['learnt'][0]}; of {due['shown']:,} items shown as due "
        f"{due['bought']:.1%} were bought\n\n"
        + table(("predicted probability", "user and item", "predicted", "happened"), rows)
    )


def shares(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return what was predicted and what happened."""
    return f"{row['predicted']:.4f}", f"{row['happened']:.4f}"


def models(rows: list[Mapping[str, Any]]) -> str:
    """Return models with their metrics and gains, the best figure of each column in bold."""
    names = list(rows[0]["metrics"])
    best = {name: max(row["metrics"][name] for row in rows) for name in names}
    body = []
    for row in rows:
        cells = [cell(row, name, best=row["metrics"][name] == best[name]) for name in names]
        body.append((row["model"], *cells, gain(row)))
    return table(("model", *names, "gain in ndcg@10"), body)


def bold(text: str, best: bool) -> str:
    """Return the best figure in bold."""
    return f"**{text}**" if best else text


def cell(row: Mapping[str, Any], name: str, *, best: bool) -> str:
    """Return one figure with its interval, where it has one."""
    text = bold(f"{row['metrics'][name]:.4f}", best)
    low, high = row["ci95"].get(name, (None, None))
    return text if low is None else f"{text} ({low:.3f}–{high:.3f})"


def gain(row: Mapping[str, Any]) -> str:
    """Return the paired difference to the best plain count; "–" for a plain count."""
    if "gain" not in row:
        return "–"
    own = row["gain"]["ndcg@10"]
    low, high = own["ci95"]
    return f"{own['mean']:+.4f} ({low:+.4f} to {high:+.4f})"
