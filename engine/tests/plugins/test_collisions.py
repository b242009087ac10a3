"""Two plugins that register one name: the newcomer loses it, and nothing else."""

from __future__ import annotations

import pytest
from crossrec.errors import PluginError
from crossrec.plugins.registry import Registry, load_registry

THREE = """
    @hookimpl
    def register_encoders(register):
        for name in {names}:
            register(name, "builtins:object")
    """


def test_a_collision_names_both_and_the_first_stays(plugins, encoder_plugin):
    plugins.add("one", encoder_plugin("minilm"), distribution="crossrec-aaa")
    plugins.add("two", encoder_plugin("minilm"), distribution="crossrec-bbb")
    loaded = plugins.load()
    assert loaded["one"].state.status == loaded["two"].state.status == "loaded"
    assert loaded["one"].state.collisions == ()
    assert loaded["two"].state.collisions == (
        "encoders 'minilm' of crossrec-bbb (two) is already registered by crossrec-aaa (one), "
        "which stays; write 'crossrec-bbb:minilm' for this one",
    )
    assert loaded["two"].state.components == ("encoders:crossrec-bbb:minilm",)


def test_only_the_component_whose_name_is_taken_loses_it(plugins, caplog):
    """The rest of the newcomer's stay, and one warning names both plugins."""
    plugins.add("one", THREE.format(names=["a", "b", "c"]), distribution="crossrec-aaa")
    plugins.add("two", THREE.format(names=["b", "new", "c"]), distribution="crossrec-bbb")
    loaded = plugins.load()
    registry = Registry(loaded.values())
    owners = {name: registry.get("encoders", name).distribution for name in ("a", "b", "c", "new")}
    assert owners == {
        "a": "crossrec-aaa", "b": "crossrec-aaa", "c": "crossrec-aaa", "new": "crossrec-bbb",
    }  # fmt: skip
    assert registry.get("encoders", "crossrec-bbb:b").distribution == "crossrec-bbb"
    (line,) = loaded["two"].state.collisions
    assert "encoders 'b', encoders 'c' of crossrec-bbb (two) are already" in line
    with caplog.at_level("WARNING"):
        load_registry(fresh=True)
        load_registry()
    mine = [r for r in caplog.records if r.name == "crossrec.plugins"]
    assert [r.getMessage() for r in mine] == [line]


def test_a_collision_with_the_first_does_not_free_the_name_for_the_third(plugins, encoder_plugin):
    for name, distribution in (("one", "crossrec-a"), ("two", "crossrec-b"), ("six", "crossrec-c")):
        plugins.add(name, encoder_plugin("x"), distribution=distribution)
    loaded = plugins.load()
    assert Registry(loaded.values()).get("encoders", "x").distribution == "crossrec-a"
    assert all("by crossrec-a (one)" in loaded[n].state.collisions[0] for n in ("two", "six"))


def test_where_strict_a_collision_is_raised(plugins, encoder_plugin):
    plugins.add("one", encoder_plugin("x"), distribution="crossrec-a")
    plugins.add("two", encoder_plugin("x"), distribution="crossrec-b")
    with pytest.raises(PluginError, match="already registered by crossrec-a"):
        plugins.load(strict=True)


def test_no_plugin_replaces_a_component_of_the_engine(plugins):
    plugins.add(
        "hijack",
        """
        @hookimpl
        def register_stores(register):
            register("sqlite", "builtins:object")
        """,
        distribution="AAA-hijack",
    )
    loaded = plugins.load()
    registry = Registry(loaded.values())
    assert registry.get("stores", "sqlite").distribution == "crossrec"
    assert "already registered by crossrec (builtin)" in loaded["hijack"].state.collisions[0]
