"""Write the generated parts of the documentation, or check that they are fresh.

Command: ``python docs/generate.py [--check]``. Written whole: ``docs/cli.md``,
``docs/components.md`` and ``docs/rooms.svg``. Rewritten in place, in README.md and in all of docs/:
the text between ``<!-- generated: NAME -->`` and ``<!-- end -->``, where NAME is ``results SET``,
``results over seeds``, ``demo``, ``figures FILE``, ``peers SET``, ``scale growth``,
``scale checks``, ``deep GROUP``, ``encoders PART``, ``rating``, ``language``, ``baskets PART``,
``follows``, ``transfer TARGET``, ``body NAME``, ``cold PROTOCOL``, ``media SET``,
``rooms PACKAGE``, ``keys TABLE`` (of a pipeline file), ``fading``, ``surfaces SCENARIO``,
``surface-figures SET``, ``surface-times``, ``scenarios``, ``plugins``, ``policies``,
``diversity``, ``policy-times``, ``person`` or ``workspace``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from basket_tables import basket_table
from body_tables import body_table
from components_page import components_page, kind_section, plugins_region, scenarios_region
from deep_tables import deep_tables
from demo_excerpt import demo_excerpt
from encoder_tables import encoder_tables
from follow_tables import follow_table
from language_tables import language_tables
from markdown_table import NOTE, table
from media_tables import maps_table, modalities_table, sports_table
from peers_tables import peers_tables
from person_tables import person_tables
from pipeline_pages import fading_region, keys_region, surfaces_region
from policy_tables import diversity_table, time_table
from rating_tables import rating_tables
from results_tables import results_tables, seeds_table
from rooms import picture, rooms_region
from scale_tables import scale_tables
from settings_tables import settings_tables
from surface_tables import surface_table, times_table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
REGION = re.compile(r"(<!-- generated: ([^>]*?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command of the click tree with its full name, groups before their commands."""
    import click
    from crossrec.cli import main

    def walk(name: str, command: click.Command, parent: click.Context | None) -> Iterator[Any]:
        settings = {**command.context_settings, "terminal_width": 96, "max_content_width": 96}
        context = click.Context(command, info_name=name, parent=parent, **settings)
        yield context.command_path, command, context
        if isinstance(command, click.Group):
            for child in command.list_commands(context):
                found = command.get_command(context, child)
                if found is not None and not found.hidden:
                    yield from walk(child, found, context)

    for path, command, context in walk("crossrec", main, None):
        yield path, command.get_help(context)


def cli_page() -> str:
    """Return the page with the ``--help`` of every command."""
    parts = [f"{NOTE}\n\n# Command line\n"]
    parts += [f"## `{path}`\n\n```text\n{text.rstrip()}\n```\n" for path, text in commands()]
    return "\n".join(parts)


def results_region(name: str) -> str:
    """Return the tables of one data set of the foundation run, or of all of them."""
    path = RESULTS / "foundation.json"
    if not path.is_file():
        return "Not measured yet: run `make real`.\n"
    measured = json.loads(path.read_text(encoding="utf-8"))
    if name == "over seeds":
        return seeds_table(measured["over_seeds"])
    found = results_tables(measured["sets"], name)
    if not found:
        raise SystemExit(f"{path.name} has no set {name!r}")
    return found


def transfer_region(name: str) -> str:
    """Return the curves of every target of the transfer run: means over the seeds, and verdicts."""
    path = RESULTS / "transfer.json"
    if not path.is_file():
        return "Not measured yet: run `python benchmarks/transfer.py --cache FOLDER`.\n"
    reports = json.loads(path.read_text(encoding="utf-8"))
    chosen = [one for one in reports if name in (one["target"], "all")]
    return "\n".join(transfer_table(one) for one in chosen)


def transfer_table(report: dict[str, Any]) -> str:
    """Return one target as two tables: recall@10/ndcg@10 by budget, and the verdicts."""
    means = report["means"]
    levels = list(dict.fromkeys(row["events"] for row in means))
    figures_of = {(row["method"], row["events"]): row for row in means}
    methods = list(dict.fromkeys(row["method"] for row in means))

    def cell(method: str, level: Any) -> str:
        row = figures_of[method, level]
        if row.get("no_scores"):
            return "–"
        return f"{row['metrics']['recall@10']:.4f} / {row['metrics']['ndcg@10']:.4f}"

    def verdict(level: Any, against: str) -> str:
        row = next(v for v in report["verdicts"] if (v["events"], v["against"]) == (level, against))
        low, high = row["ci95"]
        return f"{row['verdict']} {row['difference']:+.4f} ({low:+.4f} … {high:+.4f})"

    heads = [f"{level:,} events" if isinstance(level, int) else "all events" for level in levels]
    figures = [(method, *(cell(method, level) for level in levels)) for method in methods]
    others = list(dict.fromkeys(row["against"] for row in report["verdicts"]))
    verdicts = [(other, *(verdict(level, other) for level in levels)) for other in others]
    return (
        f"**{report['target']}**, candidates {report['candidates']}, {report['users']:,} users, "
        f"pretrained on {', '.join(report['sources'])}; recall@10 / ndcg@10, mean over seeds\n\n"
        + table(("method", *heads), figures)
        + "\nndcg@10 of crossrec less that of the other method, with the paired 95 % interval\n\n"
        + table(("against", *heads), verdicts)
    )


def measured_by(name: str) -> dict[str, Any]:
    """Return the result of a benchmark; empty where it was not run yet."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def cold_region(name: str) -> str:
    """Return the cold starts of every target under one protocol: ``items`` or ``users``."""
    measured = measured_by("cold")
    if not measured.get(name):
        return "Not measured yet: run `python benchmarks/cold.py --cache FOLDER`.\n"
    return "\n".join(cold_table(one) for one in measured[name])


def media_region(name: str) -> str:
    """Return a set of the report on modalities, the ``maps`` of all sets, or ``sports``."""
    path = RESULTS / ("sports.json" if name == "sports" else "modalities.json")
    if not path.is_file():
        return f"Not measured yet: run `python benchmarks/{path.stem}.py --cache FOLDER`.\n"
    measured = json.loads(path.read_text(encoding="utf-8"))
    if name == "sports":
        return sports_table(measured)
    sets = measured["sets"]
    return maps_table(sets) if name == "maps" else modalities_table(name, sets[name])


def cold_table(report: dict[str, Any]) -> str:
    """Return one target: recall@20 by group of items, or by how much a user has shown."""
    methods = report["methods"]
    columns = list(next(iter(methods.values())))

    def cell(figures: dict[str, Any]) -> str:
        mean, ci = figures["recall@20"]["mean"], figures["recall@20"].get("ci95")
        return f"{mean:.4f}" if ci is None else f"{mean:.4f} ({ci[0]:.3f}–{ci[1]:.3f})"

    rows = [(name, *(cell(row[column]) for column in columns)) for name, row in methods.items()]
    head = f"**{report['target']}**: {report['protocol']}; recall@20, {report['seeds']} seeds\n\n"
    if "ratio to" not in report:
        return head + table(("method", *(f"{column} shown" for column in columns)), rows)
    ratios = ", ".join(f"{value:.2f} × {name}" for name, value in report["ratio to"].items())
    return (
        head
        + table(("method", *columns), rows)
        + f"\ncrossrec, cold among cold: {ratios}; to reach: {report['limit']} × each of them\n"
    )


def figures_region(name: str) -> str:
    """Return the figures of one benchmark of speed or memory as a table."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return "Not measured yet: run `make bench`.\n"
    values = json.loads(path.read_text(encoding="utf-8"))
    command, machine = values.pop("command", ""), values.pop("machine", {})
    where = ", ".join(f"{key} {value}" for key, value in machine.items())
    text = table(("figure", name), [(key, shown(value)) for key, value in flat(values)])
    return f"{text}\nMeasured by `{command}` ({where}).\n"


def peers_region(name: str) -> str:
    """Return the tables of crossrec beside other libraries, of one set or of all."""
    cells = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((RESULTS / "peers").glob("*.json"))
    ]
    return peers_tables(cells, name) or "Not measured yet: run `make peers`.\n"


def scale_region(name: str) -> str:
    """Return how fits and requests grow, or what their limits are."""
    measured = measured_by("scale")
    return scale_tables(measured, name) or "Not measured yet: run `python benchmarks/scale.py`.\n"


def body_region(body: str) -> str:
    """Return what pretraining one body is worth, from the cells of ``benchmarks/body.py``."""
    cells = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((RESULTS / "body").glob(f"{body}.*.json"))
    ]
    missing = "Not measured yet: run `python benchmarks/body.py --cache FOLDER`.\n"
    return body_table(cells) or missing


def deep_region(group: str) -> str:
    """Return the tables of one group of neural trials."""
    cells = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((RESULTS / "deep").glob("*.json"))
    ]
    return deep_tables(cells, group) or "Not measured yet: run `make deep`.\n"


def encoders_region(part: str) -> str:
    """Return a table of text encoders."""
    measured = measured_by("encoders")
    found = encoder_tables(measured, part)
    return found or "Not measured yet: run `python benchmarks/encoders.py`.\n"


def language_region() -> str:
    """Return the tables of the language features."""
    path = RESULTS / "language.json"
    if not path.is_file():
        return "Not measured yet: run `python benchmarks/language.py`.\n"
    measured = json.loads(path.read_text(encoding="utf-8"))
    return f"{language_tables(measured)}\nMeasured by `{measured['command']}`.\n"


def rating_region() -> str:
    """Return the tables of predicted ratings."""
    measured = measured_by("rating")
    return rating_tables(measured) or "Not measured yet: run `python benchmarks/rating.py`.\n"


def diversity_region() -> str:
    """Return what variety costs on each set."""
    measured = measured_by("diversity")
    missing = "Not measured yet: run `python benchmarks/diversity.py --cache FOLDER`.\n"
    return diversity_table(measured) or missing


def baskets_region(part: str) -> str:
    """Return one table of the next basket (validation, test) or of orders (the others)."""
    name = "baskets" if part in ("validation", "test") else "orders"
    measured = measured_by(name)
    missing = f"Not measured yet: run `python benchmarks/{name}.py`.\n"
    return basket_table(measured, part) or missing


def surface_figures_region(name: str) -> str:
    """Return how well the surfaces of one set find what people took."""
    measured = measured_by("surfaces")
    return (
        surface_table(measured, name) or "Not measured yet: run `python benchmarks/surfaces.py`.\n"
    )


def surface_times_region() -> str:
    """Return how long requests on the surfaces take."""
    measured = measured_by("surface_latency")
    return (
        times_table(measured) or "Not measured yet: run `python benchmarks/surface_latency.py`.\n"
    )


def follows_region() -> str:
    """Return how well accounts to follow are found."""
    measured = measured_by("follows")
    return follow_table(measured) or "Not measured yet: run `python benchmarks/follows.py`.\n"


def person_region() -> str:
    """Return what a history in one scenario is worth in another."""
    measured = measured_by("person")
    return person_tables(measured) or "Not measured yet: run `python benchmarks/person.py`.\n"


def policy_times_region() -> str:
    """Return how long each policy takes."""
    measured = measured_by("policies")
    return time_table(measured) or "Not measured yet: run `python benchmarks/policies.py`.\n"


def flat(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings with their path."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from flat(value, f"{prefix}{key} · ")
    else:
        yield prefix.removesuffix(" · ").replace("_", " "), values


def shown(value: Any) -> str:
    """Return a figure for people."""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)


def demo_region(_: str) -> str:
    """Return a part of the recorded demo."""
    path = RESULTS / "demo.txt"
    if not path.is_file():
        return "Not recorded yet: run `python benchmarks/demo.py`.\n"
    return demo_excerpt(path.read_text(encoding="utf-8"))


def workspace_region() -> str:
    """Return the tables of all keys of ``crossrec.toml``."""
    from crossrec.workspace_settings import FILE, WorkspaceSettings

    return settings_tables([(FILE, WorkspaceSettings)])


WRITERS: dict[str, Callable[[str], str]] = {
    "results": results_region,
    "demo": demo_region,
    "figures": figures_region,
    "peers": peers_region,
    "scale": scale_region,
    "body": body_region,
    "deep": deep_region,
    "encoders": encoders_region,
    "rating": lambda _: rating_region(),
    "language": lambda _: language_region(),
    "baskets": baskets_region,
    "follows": lambda _: follows_region(),
    "transfer": transfer_region,
    "cold": cold_region,
    "media": media_region,
    "plugins": lambda _: plugins_region(),
    "policies": lambda _: kind_section("policies"),
    "diversity": lambda _: diversity_region(),
    "policy-times": lambda _: policy_times_region(),
    "person": lambda _: person_region(),
    "rooms": rooms_region,
    "keys": keys_region,
    "fading": lambda _: fading_region(),
    "surfaces": surfaces_region,
    "surface-figures": surface_figures_region,
    "surface-times": lambda _: surface_times_region(),
    "scenarios": lambda _: scenarios_region(),
    "workspace": lambda _: workspace_region(),
}


def refreshed(text: str) -> str:
    """Return a page with every generated region written anew."""

    def write(match: re.Match[str]) -> str:
        kind, _, name = match[2].partition(" ")
        if kind not in WRITERS:
            raise SystemExit(f"unknown region {match[2]!r}: there are {', '.join(WRITERS)}")
        return f"{match[1]}{WRITERS[kind](name.strip())}{match[4]}"

    return REGION.sub(write, text)


def pages() -> dict[Path, str]:
    """Return every page that is generated wholly or in part, as it should be."""
    docs = ROOT / "docs"
    wanted = {
        docs / "cli.md": cli_page(),
        docs / "components.md": components_page(),
        docs / "rooms.svg": picture(),
    }
    for path in (ROOT / "README.md", *sorted(docs.glob("*.md"))):
        if path not in wanted and path.is_file():
            text = path.read_text(encoding="utf-8")
            if REGION.search(text):
                wanted[path] = refreshed(text)
    return wanted


def main() -> int:
    """Write what is stale; with ``--check`` name it and return 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if stale")
    check = parser.parse_args().check
    stale = []
    for path, text in pages().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path}: {'stale, run `make docs`' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
