"""The tables of surfaces on real data, from the results of ``benchmarks/surfaces.py``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markdown_table import table

#: Metrics of the lists and how their columns are headed.
_OF_LISTS = {
    "hit": "hit",
    "filled": "filled",
    "coverage": "coverage",
    "diversity": "diversity",
    "new_items": "new",
    "creator_gini": "creator Gini",
}
_SIGNS = {"better": " +", "worse": " −"}


def surface_table(result: Mapping[str, Any], name: str) -> str:
    """Return what was measured on one set; "" where there is none of that name."""
    one = next((one for one in result.get("sets", ()) if one["set"] == name), None)
    if one is None:
        return ""
    k = one["k"]
    columns = ["surface", "queries", f"recall@{k}", "popularity", "similarity"]
    columns += [f"ndcg@{k}", "popularity", "similarity", *_OF_LISTS.values()]
    rows = [_row(surface, k) for surface in one["surfaces"] if surface["report"] is not None]
    head = (
        f"**{name}**, {one['scenario']}: {one['all_users']:,} users, {one['items']:,} items, "
        f"{one['events']:,} events; {one['protocol']}, {one['users']:,} test users; "
        f"{'; '.join(one['notes'])}"
    )
    left_out = [
        f"* `{surface['surface']}` is not measured: {surface['reason']}"
        for surface in one["surfaces"]
        if surface["report"] is None
    ]
    notes = list(_notes(one))
    return "\n".join([head, "", table(columns, rows), *left_out, *notes, ""])


def _row(surface: Mapping[str, Any], k: int) -> list[str]:
    """Return one surface, its baselines in the columns behind it."""
    report = surface["report"]
    own, *baselines = report["results"]
    verdicts = {
        (pair["against"], pair["metric"]): _SIGNS.get(pair["verdict"], "")
        for pair in report["comparisons"]
    }
    cells = [f"`{surface['surface']}`", f"{report['users']:,}"]
    for metric in (f"recall@{k}", f"ndcg@{k}"):
        low, high = own["ci95"][metric]
        cells.append(f"**{own['metrics'][metric]:.4f}** ± {(high - low) / 2:.4f}")
        for row in (*baselines, None)[:2]:
            cells.append("–" if row is None else _beside(row, metric, verdicts))
    return cells + [_figure(own["metrics"][f"{name}@{k}"]) for name in _OF_LISTS]


def _beside(row: Mapping[str, Any], metric: str, verdicts: Mapping[tuple[str, str], str]) -> str:
    """Return a baseline's figure with the verdict; the latest own items are named as such."""
    name = f"{row['model']} " if row["model"] == "repeat-last" else ""
    return f"{name}{row['metrics'][metric]:.4f}{verdicts.get((row['model'], metric), '')}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _notes(one: Mapping[str, Any]) -> Iterator[str]:
    """Yield what has to be known of the figures of a set, a line each."""
    for surface in one["surfaces"]:
        if surface["report"] is None:
            continue
        said = [*surface["report"]["notes"], *[surface["reason"]][: bool(surface["reason"])]]
        if "takes again" in surface["question"]:
            said.insert(0, surface["question"])
        yield from (f"* `{surface['surface']}`: {text}" for text in said)


def times_table(result: Mapping[str, Any]) -> str:
    """Return how long requests on each surface take; "" where nothing was measured."""
    rows = [
        (
            scenario,
            f"`{name}`",
            f"{one['p50_ms']:.1f}",
            f"{one['p99_ms']:.1f}",
            f"{one['cpu_p50_ms']:.1f}",
            f"{one['items']:.1f}",
            f"{one['dropped']:.1f}",
        )
        for scenario, measured in result.get("scenarios", {}).items()
        for name, one in measured["surfaces"].items()
    ]
    if not rows:
        return ""
    columns = ("scenario", "surface", "p50, ms", "p99, ms", "CPU p50, ms", "items", "dropped")
    lists = "; ".join(
        f"{rate:,.0f} of `{name}` ({scenario})"
        for scenario, measured in result["scenarios"].items()
        for name, rate in measured["lists_per_second"].items()
    )
    loads = [measured["load"] for measured in result["scenarios"].values()]
    machine = f"{result['machine']['cores']} cores, {result['machine']['machine']}"
    return (
        f"{table(columns, rows)}\n{result['requests']} requests of each surface, "
        f"{result['items']:,} items; limits: p50 {result['p50_limit_ms']:g} ms, p99 "
        f"{result['p99_limit_ms']:g} ms; measured by `{result['command']}` ({machine}, load "
        f"{min(loads):g} to {max(loads):g}). Lists a second, as an export makes them (at least "
        f"{result['least_lists_per_second']:g}): {lists}.\n"
    )
