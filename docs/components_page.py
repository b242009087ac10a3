"""The page of plugins, scenarios and components, and its tables for other pages."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from markdown_table import NOTE, table
from settings_tables import settings_tables

ROOT = Path(__file__).resolve().parent.parent
KINDS = {
    "candidate_generators": "Candidate generators",
    "features": "Feature sets",
    "rankers": "Rankers",
    "policies": "Policies",
    "encoders": "Encoders",
    "importers": "Importers",
    "language_models": "Language models",
    "stores": "Stores",
    "executors": "Executors",
}
_INTRODUCTION = """\
What the packages of this repository register. Settings are given in a pipeline file, as in

```toml
sources = ["popularity", { name = "ease", settings = { reg = 200.0 } }]
```

and a group of settings as a table of its own: `settings = { prior = { reg = 20.0 } }`.
"""


def ours() -> frozenset[str]:
    """Return the names of this repository's distributions: others are not documented here."""
    found = (path for pattern in ("engine", "plugins/*", "scenarios/*")
             for path in ROOT.glob(f"{pattern}/pyproject.toml"))  # fmt: skip
    return frozenset(tomllib.loads(path.read_text())["project"]["name"] for path in found)


def registered(kind: str) -> list[Any]:
    """Return this repository's components of one kind."""
    from crossrec.plugins.registry import load_registry

    own = ours()
    return [one for one in load_registry().all(kind) if one.distribution in own]


def components_page() -> str:
    """Return the page with all plugins, components and scenarios."""
    parts = [f"{NOTE}\n\n# Plugins and components\n", _INTRODUCTION, plugins_region()]
    parts += ["## Scenarios\n", scenarios_region()]
    for kind, title in KINDS.items():
        parts.append(f"## {title}\n\n{kind_section(kind)}")
    return "\n".join(parts)


def kind_section(kind: str) -> str:
    """Return the table of all components of a kind, and those of their settings."""
    from crossrec.plugins.registration import resolve

    found = registered(kind)
    able = [", ".join(sorted(one.capabilities)) for one in found]
    columns = ["name", "package", "what it is"]
    rows = [[f"`{one.name}`", one.distribution, one.summary] for one in found]
    if any(able):
        columns.append("can also")
        rows = [[*row, more] for row, more in zip(rows, able, strict=True)]
    models = [(one.name, resolve(one.config)) for one in found if one.config is not None]
    settings = settings_tables(models)
    return table(columns, rows) + (f"\n{settings}" if settings else "")


def plugins_region() -> str:
    """Return the table of this repository's plugins."""
    from crossrec.plugins.registry import load_registry

    own = ours()
    rows = []
    for state in load_registry().plugins:
        if state.distribution in own:
            if state.broken:
                raise SystemExit(f"plugin {state.name} is broken: {state.error}")
            names = ", ".join(f"`{name.partition(':')[2]}`" for name in state.components)
            rows.append((state.distribution, names))
    return table(("package", "brings"), rows)


def scenarios_region() -> str:
    """Return the table of this repository's scenarios."""
    rows = []
    for registration in registered("scenarios"):
        scenario = registration.build()
        surfaces = ", ".join(f"`{surface.name}`" for surface in scenario.surfaces)
        events = ", ".join(f"`{event.name}`" for event in scenario.events)
        name, package = f"`{scenario.name}`", registration.distribution
        rows.append((name, package, scenario.summary, surfaces, events))
    return table(("scenario", "package", "what it is", "surfaces", "events"), rows)
