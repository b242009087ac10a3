"""Small shops that are scenarios: items with a title, people who play them, real files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from crossrec.hookspecs import Register, hookimpl
from crossrec.plugins import registry as registry_module
from crossrec.plugins.found import FoundPlugin, find_plugins
from crossrec.plugins.loader import load_plugins
from crossrec.plugins.registry import Registry
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

#: Package of the default pipeline while the shops are installed.
_RESOURCES = "titled_shop_resources"


def titled_shop(name: str, pipeline: str = "") -> Scenario:
    """Return a scenario whose items have a title, and whose one event is ``play``."""
    return Scenario(
        name=name,
        summary="a shop",
        events=(EventType("play"),),
        items=ItemSchema((ItemField("title"),), "{title}", categories=""),
        surfaces=(Surface("home"),),
        pipeline=pipeline,
        default_event="play",
        main_surface="home",
    )


def write_shop(
    folder: Path, name: str, titles: Sequence[str], histories: Iterable[Iterable[int]]
) -> tuple[str, str]:
    """Write items and events as CSV and return the two files.

    Item 3 of the shop ``old`` is ``old3``; the first history is that of ``u0``.
    """
    items = [f"{name}{at},{title}" for at, title in enumerate(titles)]
    events = [f"u{at},{name}{item}" for at, history in enumerate(histories) for item in history]
    files = folder / f"{name}-items.csv", folder / f"{name}-events.csv"
    files[0].write_text("\n".join(["item_id,title", *items, ""]))
    files[1].write_text("\n".join(["user_id,item_id", *events, ""]))
    return str(files[0]), str(files[1])


@contextmanager
def installed_shops(
    folder: Path,
    names: Sequence[str],
    pipeline: str,
    *,
    beside: Sequence[str],
    plugin: ModuleType | None = None,
) -> Iterator[None]:
    """Let the shops be all scenarios that are installed within the block.

    Parameters
    ----------
    pipeline : str
        TOML of the default pipeline of each.
    beside : sequence of str
        Entry points of the installed plugins that stay; the others are gone.
    plugin : module, optional
        With further hooks.
    """
    resources = folder / _RESOURCES
    resources.mkdir()
    (resources / "__init__.py").write_text("")
    (resources / "pipeline.toml").write_text(pipeline)
    plugin = plugin or ModuleType("shops_plugin")

    @hookimpl
    def register_scenarios(register: Register) -> None:
        for name in names:
            shop = partial(titled_shop, name, f"{_RESOURCES}:pipeline.toml")
            register(name, shop, summary="a shop")

    plugin.register_scenarios = register_scenarios  # type: ignore[attr-defined]
    found = [one for one in find_plugins() if one.name in beside]
    found.append(FoundPlugin("shops", "crossrec-shops", "1", lambda: plugin))
    registry = Registry(load_plugins(found, strict=True))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(folder))
            # below `load_registry`, which modules have by name from their first import on
            patch.setattr(registry_module, "_registry", lambda subset, strict: registry)
            yield
    finally:
        sys.modules.pop(_RESOURCES, None)
