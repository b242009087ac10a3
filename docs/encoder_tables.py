"""The tables of text encoders, from the results of ``benchmarks/encoders.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markdown_table import table

#: Forms of a cell → what the page calls them.
FORMS = {
    "vectors alone": "vectors alone, no events",
    "consensus": "text consensus, no events",
    "text-behaviour": "`text-behaviour`, all events",
}
BEFORE = "transformer"


def encoder_tables(result: Mapping[str, Any], part: str) -> str:
    """Return one part, "speed", "quality" or "pipelines"; "" where it was not measured."""
    if part == "speed":
        return speed_table(result.get("speed") or {})
    if part == "pipelines":
        return pipelines_table(result.get("pipelines", ()))
    cells = result.get("cells", ())
    sets = dict.fromkeys(cell["data"] for cell in cells)
    return "\n".join(set_table([cell for cell in cells if cell["data"] == name]) for name in sets)


def set_table(cells: list[Mapping[str, Any]]) -> str:
    """Return the encoders on one set, with the paired difference to `BEFORE` of each form."""
    first = cells[0]
    rows = []
    for cell in cells:
        figures = [figure(cell["figures"].get(form)) for form in FORMS]
        name = "words alone" if cell["encoder"] == "none" else f"`{cell['encoder']}`"
        rows.append([name, *figures])
    head = (
        f"**{first['data']}**: {first['items']:,} items, {first['events']:,} events, "
        f"{first['users']:,} users; ndcg@10 on validation items\n\n"
    )
    return head + table(("encoder", *FORMS.values()), rows)


def pipelines_table(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Return the default pipelines, a row for each set and amount of events."""
    if not outcomes:
        return ""
    names = list(dict.fromkeys(one["encoder"] for one in outcomes))
    found = {(one["data"], one["events"], one["encoder"]): one for one in outcomes}
    rows = []
    for data, events in dict.fromkeys((one["data"], one["events"]) for one in outcomes):
        figures = [found.get((data, events, name)) for name in names]
        shown = [figure(one and one["figures"]["default pipeline"]) for one in figures]
        rows.append([data, f"{events:,}", *shown])
    columns = ["words alone" if name == "none" else f"`{name}`" for name in names]
    return table(("set", "events", *columns), rows)


def figure(value: Mapping[str, Any] | None) -> str:
    """Return a figure with its difference, in bold where that is beyond two standard errors."""
    if value is None:
        return "–"
    if "difference" not in value:
        return f"{value['ndcg@10']:.4f}"
    difference, error = value["difference"], value["error"]
    text = f"{difference:+.4f} ± {error:.4f}"
    sure = abs(difference) > 2 * error
    return f"{value['ndcg@10']:.4f} ({f'**{text}**' if sure else text})"


def speed_table(speed: Mapping[str, Any]) -> str:
    """Return texts per CPU second, the ratio to the peer and sizes; "" where nothing was timed."""
    if not speed:
        return ""
    rows = []
    for name, one in speed["encoders"].items():
        label = name if name.startswith("sentence") else f"`{name}`"
        rows.append([label, one["texts_per_second"], one["ratio"], *sizes(one)])
    columns = ("encoder", "texts/s", "ratio", "weights, MiB", "libraries, MiB")
    head = (
        f"{speed['texts']:,} texts of 4 to 60 words, one thread, by CPU time; median of "
        f"{speed['rounds']} rounds in turns\n\n"
    )
    return head + table(columns, rows)


def sizes(one: Mapping[str, Any]) -> list[object]:
    """Return the sizes of weights and libraries, "–" for none."""
    return ["–" if one[key] is None else one[key] for key in ("weights_mib", "libraries_mib")]
