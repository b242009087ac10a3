from __future__ import annotations

import subprocess
import sys

import pytest
from crossrec.plugins.found import find_plugins
from crossrec.plugins.loader import load_plugins
from crossrec.plugins.registration import resolve
from crossrec.plugins.registry import Registry


@pytest.fixture(scope="module")
def engine():
    return Registry(load_plugins(p for p in find_plugins() if p.name == "builtin"))


def test_the_engine_registers_its_own_through_the_hooks(engine):
    (state,) = engine.plugins
    assert (state.name, state.distribution, state.status) == ("builtin", "crossrec", "loaded")
    assert set(state.components) >= {
        "rankers:rrf",
        "rankers:weighted",
        "rankers:best",
        "rankers:linear",
        "features:item_facts",
        "language_models:template",
        "policies:availability",
        "stores:sqlite",
        "executors:local",
    }
    assert "register_commands" not in state.hooks, "its commands work without loading plugins"


@pytest.mark.parametrize(
    "kind", ["rankers", "features", "policies", "language_models", "executors"]
)
def test_everything_it_registers_can_be_built(engine, kind):
    for registration in engine.all(kind):
        assert registration.build() is not None
        assert registration.summary


def test_its_store_is_a_class_that_opens_a_path(engine, tmp_path):
    store = resolve(engine.get("stores", "sqlite").factory)
    assert callable(store.create)


def test_it_is_loaded_in_every_subset():
    found = [p for p in find_plugins() if p.name == "builtin"]
    (one,) = load_plugins(found, chosen=frozenset())
    assert one.state.status == "loaded"


def test_it_imports_nothing_heavy():
    code = (
        "import sys, crossrec.builtin; from crossrec.plugins.registry import load_registry; "
        "import os; os.environ['CROSSREC_PLUGINS'] = ''; load_registry(); "
        "print([m for m in ('numpy', 'pandas', 'scipy', 'torch', 'click', 'pydantic', 'rich') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
