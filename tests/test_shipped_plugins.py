"""What is shipped: a plugin for every hook, none broken, and a true table of what they bring."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from crossrec.plugins.found import find_plugins
from crossrec.plugins.known import EXTRAS, PROVIDERS
from crossrec.plugins.loader import hook_names, load_plugins
from crossrec.plugins.registration import KINDS
from crossrec.plugins.registry import load_registry

ROOT = Path(__file__).resolve().parent.parent
HOOKS = hook_names()


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_implemented_by_a_shipped_plugin(hook):
    shipped = {"crossrec", *shipped_distributions()}
    implementers = [
        state.distribution
        for state in load_registry().plugins
        if state.status == "loaded" and hook in state.hooks and state.distribution in shipped
    ]
    assert implementers, f"no shipped plugin implements {hook}"


def test_every_installed_plugin_is_loaded():
    from crossrec.cli.plugins import plugin_states

    assert [f"{s.name}: {s.error}" for s in plugin_states() if s.broken] == []


def test_no_shipped_plugin_warns():
    shipped = {"crossrec", *shipped_distributions()}
    warned = [s for s in load_registry().plugins if s.distribution in shipped and s.warnings]
    assert warned == []


def shipped_distributions() -> list[str]:
    """Return the names of the distributions here that register anything, the engine's aside."""
    files = [*ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("scenarios/*/pyproject.toml")]
    projects = [tomllib.loads(path.read_text())["project"] for path in files]
    return sorted(one["name"] for one in projects if "crossrec" in one["entry-points"])


@pytest.mark.parametrize("distribution", shipped_distributions())
def test_the_table_of_providers_is_what_the_packages_register(distribution):
    """The table answers for packages that are *not* installed, so it has to be written down."""
    state = next((s for s in load_registry().plugins if s.distribution == distribution), None)
    if state is None:
        pytest.skip(f"{distribution} is not installed")
    listed = {f"{kind}:{name}" for (kind, name), of in PROVIDERS.items() if of == distribution}
    assert listed == set(state.components)


def test_the_table_of_providers_names_shipped_packages_only():
    assert set(PROVIDERS.values()) <= set(shipped_distributions())
    assert {kind for kind, _ in PROVIDERS} <= set(KINDS)


def test_the_extras_in_hints_exist():
    declared = {"crossrec": ROOT / "engine"} | {
        tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"]: folder
        for folder in [*ROOT.glob("plugins/*"), *ROOT.glob("scenarios/*")]
        if (folder / "pyproject.toml").exists()
    }
    for wanted in EXTRAS.values():
        name, _, extra = wanted.rstrip("]").partition("[")
        project = tomllib.loads((declared[name] / "pyproject.toml").read_text())["project"]
        assert not extra or extra in project["optional-dependencies"], wanted


def test_loading_everything_twice_gives_the_same():
    first = [one.state for one in load_plugins(find_plugins())]
    assert [one.state for one in load_plugins(find_plugins())] == first
