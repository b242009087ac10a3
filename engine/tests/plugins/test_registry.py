from __future__ import annotations

import logging

import pytest
from crossrec.errors import PluginError, UsageError
from crossrec.plugins.registration import KINDS
from crossrec.plugins.registry import Registry, load_registry
from crossrec.plugins.unknown import singular, unknown_name

SCENARIO = """
    from crossrec.scenario import EventType, ItemSchema, Scenario, Surface

    built = []

    def make():
        built.append(1)
        return Scenario(
            name="chess", summary="games", events=(EventType("play"),),
            items=ItemSchema(fields=(), text_template="{title}"),
            surfaces=(Surface("home"),), pipeline="x:y.toml",
            default_event="play", main_surface="home",
        )

    @hookimpl
    def register_scenarios(register):
        register("chess", make)
        register("empty", dict)
        register("raises", lambda: 1 / 0)
        register("gone", "no_such_module:make")
    """


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.delenv("CROSSREC_PLUGINS", raising=False)
    monkeypatch.delenv("CROSSREC_STRICT_PLUGINS", raising=False)
    load_registry(fresh=True, warn=False)
    yield
    monkeypatch.undo()
    load_registry(fresh=True, warn=False)


@pytest.fixture
def registry_of(plugins):
    return lambda: Registry(plugins.load().values())


def test_gets_what_was_registered(registry_of, plugins, encoder_plugin):
    plugins.add("one", encoder_plugin("minilm"))
    found = registry_of().get("encoders", "minilm")
    assert (found.kind, found.name, found.distribution) == ("encoders", "minilm", "crossrec-one")


def test_all_lists_one_kind_in_the_order_of_loading(registry_of, plugins, encoder_plugin):
    plugins.add("zz", encoder_plugin("a"), distribution="dist-1")
    plugins.add("aa", encoder_plugin("b"), distribution="dist-2")
    registry = registry_of()
    assert [r.name for r in registry.all("encoders")] == ["a", "b"]
    assert registry.names("encoders") == ["a", "b"]
    assert {r.kind for r in registry.all("rankers")} == {"rankers"}


def test_package_and_name_resolve_explicitly(registry_of, plugins, encoder_plugin):
    plugins.add("one", encoder_plugin("minilm"), distribution="crossrec-aaa")
    plugins.add("two", encoder_plugin("minilm"), distribution="crossrec-bbb")
    registry = registry_of()
    assert registry.get("encoders", "minilm").distribution == "crossrec-aaa"
    assert registry.get("encoders", "crossrec-aaa:minilm").distribution == "crossrec-aaa"
    assert registry.get("encoders", "crossrec-bbb:minilm").distribution == "crossrec-bbb"
    assert registry.get("encoders", "two:minilm").distribution == "crossrec-bbb"
    assert [r.distribution for r in registry.all("encoders")] == ["crossrec-aaa"]


def test_a_failed_plugin_offers_nothing(registry_of, plugins, encoder_plugin):
    plugins.add("bad", encoder_plugin("lost") + "    raise OSError('x')\n")
    registry = registry_of()
    with pytest.raises(UsageError, match="unknown encoder 'crossrec-bad:lost'"):
        registry.get("encoders", "crossrec-bad:lost")


def test_an_unknown_name_is_answered_with_the_nearest(registry_of):
    with pytest.raises(UsageError) as caught:
        registry_of().get("rankers", "weigthed")
    assert str(caught.value).startswith("unknown ranker 'weigthed': did you mean 'weighted'?")
    assert "installed: best, linear, rrf, weighted" in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_kind_is_answered_with_the_kinds(registry_of):
    with pytest.raises(UsageError) as caught:
        registry_of().get("encoder", "x")
    assert all(kind in str(caught.value) for kind in KINDS)


def test_a_scenario_is_built_once(registry_of, plugins):
    module = plugins.add("chess", SCENARIO)
    registry = registry_of()
    scenario = registry.scenario("chess")
    assert scenario.name == "chess"
    assert registry.scenario("chess") is scenario
    assert registry.scenario("crossrec-chess:chess") is scenario
    assert __import__(module).built == [1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "is not a crossrec Scenario but a dict"),
        ("raises", "cannot be built: ZeroDivisionError"),
        ("gone", "No module named 'no_such_module'"),
    ],
)
def test_a_scenario_that_is_none_names_its_package(registry_of, plugins, name, message):
    plugins.add("chess", SCENARIO)
    with pytest.raises(PluginError, match=message) as caught:
        registry_of().scenario(name)
    assert "crossrec-chess" in str(caught.value)


def test_mark_failed_takes_everything_back(registry_of, plugins, encoder_plugin):
    plugins.add("one", encoder_plugin("minilm"))
    registry = registry_of()
    state = next(s for s in registry.plugins if s.name == "one")
    failed = registry.mark_failed(state, ValueError("later"))
    assert (failed.status, failed.error) == ("failed", "ValueError: later")
    assert failed in registry.plugins
    assert registry.all("encoders") == []


def test_the_registry_is_made_once_for_each_environment(plugins, encoder_plugin, monkeypatch):
    plugins.add("one", encoder_plugin("minilm"))
    before = load_registry(fresh=True)
    assert load_registry() is before
    monkeypatch.setenv("CROSSREC_PLUGINS", "")
    alone = load_registry()
    assert alone is not before
    assert {s.name for s in alone.plugins if s.status == "loaded"} == {"builtin"}
    assert next(s for s in alone.plugins if s.name == "one").status == "blocked"
    monkeypatch.delenv("CROSSREC_PLUGINS")
    assert load_registry() is before


@pytest.mark.parametrize("value", ["one", " one , ", "crossrec-one", "one,builtin"])
def test_a_subset_is_loaded(plugins, encoder_plugin, monkeypatch, value):
    plugins.add("one", encoder_plugin("minilm"))
    plugins.add("two", encoder_plugin("other"))
    monkeypatch.setenv("CROSSREC_PLUGINS", value)
    registry = load_registry(fresh=True)
    assert {s.name for s in registry.plugins if s.status == "loaded"} == {"builtin", "one"}
    assert registry.names("encoders") == ["minilm"]


def test_a_subset_with_a_name_that_is_not_there_is_refused(plugins, encoder_plugin, monkeypatch):
    plugins.add("pianola", encoder_plugin("minilm"))
    monkeypatch.setenv("CROSSREC_PLUGINS", "pianolla")
    with pytest.raises(UsageError, match="did you mean 'pianola'?"):
        load_registry(fresh=True)


def test_strict_by_environment(plugins, monkeypatch):
    plugins.add("bad", "1 / 0\n")
    monkeypatch.setenv("CROSSREC_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="bad of crossrec-bad failed: ZeroDivisionError"):
        load_registry(fresh=True)
    monkeypatch.setenv("CROSSREC_STRICT_PLUGINS", "0")
    assert load_registry(fresh=True, warn=False).plugins


def test_a_broken_plugin_is_warned_of_once(plugins, caplog, monkeypatch):
    plugins.add("bad", "1 / 0\n")
    monkeypatch.setenv("CROSSREC_PLUGINS", "bad")
    with caplog.at_level(logging.WARNING, "crossrec.plugins"):
        load_registry(fresh=True)
        load_registry()
    assert [r.getMessage() for r in caplog.records] == [
        "Skipped plugin bad (crossrec-bad): ZeroDivisionError: division by zero"
    ]


def test_many_broken_plugins_take_one_line(plugins, caplog, monkeypatch):
    plugins.add("bad", "1 / 0\n")
    plugins.add("worse", "import no_such_library\n")
    monkeypatch.setenv("CROSSREC_PLUGINS", "bad,worse")
    with caplog.at_level(logging.WARNING, "crossrec.plugins"):
        load_registry(fresh=True)
    assert [r.getMessage() for r in caplog.records] == [
        "Skipped 2 plugins (bad, worse): see `crossrec plugins check`"
    ]


def test_the_error_of_an_unknown_name_of_a_shipped_package_names_it():
    message = unknown_name("scenarios", "musik", ["video"], [])
    assert message == (
        "unknown scenario 'musik': did you mean 'music'? installed: video; "
        "'music' comes with crossrec-music: run `crossrec install crossrec-music`"
    )


def test_the_exact_name_of_a_shipped_package_is_not_guessed_at():
    message = unknown_name("scenarios", "music", [], [])
    assert message.startswith("unknown scenario 'music'; installed: none; 'music' comes with")


def test_an_installed_name_is_not_to_be_installed_again():
    message = unknown_name("scenarios", "musik", ["music"], [])
    assert message == "unknown scenario 'musik': did you mean 'music'? installed: music"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("failed", "comes with crossrec-music, which failed to load: ImportError: libfoo"),
        ("incompatible", "comes with crossrec-music, which is incompatible: ImportError: libfoo"),
        ("blocked", "comes with crossrec-music, which CROSSREC_PLUGINS leaves out"),
    ],
)
def test_a_package_that_is_installed_but_unusable_is_explained(status, message):
    from crossrec.plugins.state import PluginState

    error = "" if status == "blocked" else "ImportError: libfoo"
    state = PluginState("music", "crossrec-music", "0.1.0", status, error=error)
    assert message in unknown_name("scenarios", "music", [], [state])


def test_a_long_list_is_cut():
    names = [f"name{i}" for i in range(40)]
    message = unknown_name("encoders", "zzzzzz", names, [])
    assert message.endswith("and 28 more")


@pytest.mark.parametrize(
    ("kind", "one"),
    [
        ("encoders", "encoder"),
        ("candidate_generators", "source"),
        ("policies", "policy"),
        ("scenarios", "scenario"),
        ("stores", "store"),
    ],
)
def test_singular(kind, one):
    assert singular(kind) == one
