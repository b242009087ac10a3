from __future__ import annotations

import sys

import pytest
from crossrec import hookspecs
from crossrec.errors import PluginError
from crossrec.plugins.found import FoundPlugin, find_plugins
from crossrec.plugins.loader import hook_names, load_plugins
from crossrec.plugins.registration import KINDS

GOOD = """
    @hookimpl
    def register_encoders(register):
        register("good", "builtins:object", summary="works")
    """


def test_hooks_are_those_of_hookspecs_in_their_order():
    assert hook_names() == tuple(n for n in vars(hookspecs) if n.startswith("register_"))
    assert hook_names()[0] == "register_encoders"
    assert hook_names()[-1] == "register_commands"


def test_every_kind_has_its_hook_and_every_hook_but_commands_its_kind():
    assert [f"register_{kind}" for kind in KINDS] == list(hook_names()[:-1])


def test_a_good_plugin_is_loaded_with_what_it_registered_and_where_it_comes_from(plugins):
    plugins.add("good", GOOD, distribution="crossrec-good", version="2.1")
    one = plugins.load()["good"]
    assert one.state.status == "loaded"
    assert (one.state.distribution, one.state.version) == ("crossrec-good", "2.1")
    assert one.state.hooks == ("register_encoders",)
    assert one.state.components == ("encoders:good",)
    assert one.state.error == ""
    (registration,) = one.registrations
    assert (registration.plugin, registration.distribution) == ("good", "crossrec-good")
    assert registration.summary == "works"


def test_the_engines_own_plugin_comes_first_then_by_distribution(plugins):
    plugins.add("zebra", GOOD, distribution="aaa-first")
    plugins.add("ant", GOOD, distribution="zzz-last")
    names = [p.name for p in find_plugins() if p.name in ("builtin", "zebra", "ant")]
    assert names == ["builtin", "zebra", "ant"]


def test_two_distributions_may_use_one_entry_point_name(plugins, encoder_plugin):
    plugins.add("same", encoder_plugin("one"), distribution="crossrec-one")
    plugins.add("same", encoder_plugin("two"), distribution="crossrec-two")
    states = [one.state for one in load_plugins(p for p in find_plugins() if p.name == "same")]
    assert [(s.status, s.components) for s in states] == [
        ("loaded", ("encoders:one",)),
        ("loaded", ("encoders:two",)),
    ]


BROKEN = {
    "missing module": ("import no_such_library_at_all\n", "ModuleNotFoundError", "no_such_library"),
    "syntax": ("def broken(:\n", "SyntaxError", "invalid syntax"),
    "exit": ("raise SystemExit(3)\n", "SystemExit", "3"),
    "plain": ("raise RuntimeError('no licence\\nsecond line')\n", "RuntimeError", "no licence"),
    "base": (
        "class Panic(BaseException): pass\nraise Panic('rust panicked')\n",
        "Panic",
        "rust panicked",
    ),
}


@pytest.mark.parametrize(("source", "kind", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_plugin_that_cannot_be_imported_affects_no_other(plugins, source, kind, message):
    plugins.add("aaabroken", source)
    plugins.add("good", GOOD)
    loaded = plugins.load()
    state = loaded["aaabroken"].state
    assert state.status == "failed"
    assert state.error.startswith(kind)
    assert message in state.error
    assert "\n" not in state.error
    assert loaded["good"].state.status == "loaded"
    assert loaded["builtin"].state.status == "loaded"


def test_ctrl_c_while_a_plugin_is_imported_is_not_swallowed(plugins):
    plugins.add("slow", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        plugins.load()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("register_encoder", "register_encoders"),
        ("register_candidates_generators", "register_candidate_generators"),
        ("register_scenario", "register_scenarios"),
        ("register_command", "register_commands"),
    ],
)
def test_a_mistyped_hook_is_an_error_that_names_the_real_one(plugins, written, meant):
    plugins.add("typo", f"@hookimpl\ndef {written}(register): register('x', 'builtins:object')\n")
    state = plugins.load()["typo"].state
    assert state.status == "failed"
    assert repr(written) in state.error
    assert f"did you mean {meant!r}?" in state.error


def test_a_hook_that_resembles_none_is_answered_with_the_list(plugins):
    plugins.add("odd", "@hookimpl\ndef qqq(register): pass\n")
    error = plugins.load()["odd"].state.error
    assert "unknown hook 'qqq'" in error
    assert all(name in error for name in hook_names())


def test_a_mistyped_hook_beside_a_good_one_fails_the_whole_plugin(plugins):
    plugins.add("half", GOOD + "\n    @hookimpl\n    def register_ranker(register): pass\n")
    one = plugins.load()["half"]
    assert one.state.status == "failed"
    assert one.registrations == ()


def test_a_wrong_argument_of_a_hook_is_an_error(plugins):
    plugins.add("argument", "@hookimpl\ndef register_encoders(registrar): pass\n")
    state = plugins.load()["argument"].state
    assert state.status == "failed"
    assert "registrar" in state.error or "register_encoders" in state.error


def test_a_hook_without_arguments_is_called(plugins):
    module = plugins.add(
        "bare", "called = []\n@hookimpl\ndef register_encoders(): called.append(1)\n"
    )
    assert plugins.load()["bare"].state.status == "loaded"
    assert sys.modules[module].called == [1]


def test_a_hook_under_another_function_name_is_called(plugins):
    plugins.add(
        "specname",
        """
        @hookimpl(specname="register_encoders")
        def my_encoders(register):
            register("spec", "builtins:object")
        """,
    )
    assert plugins.load()["specname"].state.components == ("encoders:spec",)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def register_encoders(register): pass\n", "put @crossrec.hookimpl above it"),
        ("x = 1\n", "implements no hook"),
        ("@hookimpl(wrapper=True)\ndef register_encoders(register): return (yield)\n", "wrapper"),
    ],
)
def test_a_plugin_that_would_do_nothing_fails(plugins, source, message):
    plugins.add("silent", source)
    state = plugins.load()["silent"].state
    assert state.status == "failed"
    assert message in state.error


def test_a_raising_hook_takes_back_what_its_plugin_had_registered(plugins):
    plugins.add(
        "raiser",
        """
        @hookimpl
        def register_encoders(register):
            register("early", "builtins:object")

        @hookimpl
        def register_rankers(register):
            register("late", "builtins:object")
            raise ValueError("no GPU")
        """,
    )
    plugins.add("zgood", GOOD)
    loaded = plugins.load()
    assert loaded["raiser"].state.status == "failed"
    assert loaded["raiser"].state.error == "ValueError: no GPU"
    assert loaded["raiser"].registrations == ()
    assert loaded["zgood"].state.status == "loaded"


def test_a_name_that_was_given_back_is_free_for_the_next_plugin(plugins):
    plugins.add("araiser", GOOD + "        raise OSError('half-way')\n")
    plugins.add("bgood", GOOD)
    loaded = plugins.load()
    assert loaded["araiser"].state.status == "failed"
    assert loaded["bgood"].state.status == "loaded"


def test_the_same_name_in_two_kinds_is_no_collision(plugins, encoder_plugin):
    plugins.add("one", encoder_plugin("rrf"))
    assert plugins.load()["one"].state.status == "loaded"


def test_an_incompatible_plugin_is_not_even_imported(plugins):
    module = plugins.add("future", GOOD, requires=("crossrec>=99",))
    state = plugins.load()["future"].state
    assert state.status == "incompatible"
    assert state.error == "needs crossrec>=99, but crossrec 0.1.0 is installed"
    assert module not in sys.modules


def test_a_heavy_import_is_a_warning_that_names_the_library(plugins):
    (plugins.folder / "tensorflow.py").write_text("")
    plugins.add("heavy", "import tensorflow\n" + GOOD.replace("\n    ", "\n"))
    try:
        state = plugins.load()["heavy"].state
    finally:
        sys.modules.pop("tensorflow", None)
    assert state.status == "loaded"
    assert state.warnings == ("imports tensorflow when it is loaded: do that in the factory",)


def test_what_a_plugin_prints_does_not_reach_stdout(plugins, capsys):
    plugins.add(
        "chatty", "print('hello at import')\n" + GOOD.replace("\n    ", "\n") + "    print('hi')\n"
    )
    assert plugins.load()["chatty"].state.status == "loaded"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "hello at import" in printed.err
    assert "hi" in printed.err


@pytest.mark.parametrize(
    "source",
    ["raise RuntimeError('x')\n", "@hookimpl\ndef register_encoder(register): pass\n"],
)
def test_authors_can_ask_for_the_exception(plugins, source):
    plugins.add("mine", source)
    with pytest.raises(PluginError, match="plugin mine of crossrec-mine failed"):
        plugins.load(strict=True)


def test_the_cause_of_a_strict_failure_is_the_plugins_own_exception(plugins):
    plugins.add("mine", "raise RuntimeError('the cause')\n")
    with pytest.raises(PluginError) as caught:
        plugins.load(strict=True)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_strict_raises_for_an_incompatible_plugin(plugins):
    plugins.add("future", GOOD, requires=("crossrec>=99",))
    with pytest.raises(PluginError, match="needs crossrec>=99"):
        plugins.load(strict=True)


def test_a_subset_blocks_the_others_without_importing_them(plugins, encoder_plugin):
    other = plugins.add("other", encoder_plugin("a"))
    plugins.add("wanted", encoder_plugin("b"))
    plugins.add("third", encoder_plugin("c"), distribution="crossrec-third-dist")
    mine = [p for p in find_plugins() if p.name in {*plugins.names, "builtin"}]
    chosen = frozenset({"wanted", "crossrec-third-dist"})
    status = {one.state.name: one.state.status for one in load_plugins(mine, chosen=chosen)}
    assert status == {
        "builtin": "loaded",
        "other": "blocked",
        "wanted": "loaded",
        "third": "loaded",
    }
    assert other not in sys.modules


def test_a_plugin_may_be_any_object_with_hooks():
    from crossrec import hookimpl

    class Plugin:
        @hookimpl
        def register_policies(self, register):
            register("mine", object, capabilities=set())

    found = FoundPlugin("object", "dist", "1", Plugin)
    (one,) = load_plugins([found])
    assert one.state.components == ("policies:mine",)


def test_loading_twice_gives_the_same(plugins):
    plugins.add("good", GOOD)
    plugins.add("bad", "1 / 0\n")
    first = {name: one.state for name, one in plugins.load().items()}
    assert {name: one.state for name, one in plugins.load().items()} == first


def test_the_command_hook_is_kept_for_the_command_line(plugins):
    module = plugins.add(
        "commands",
        "called = []\n@hookimpl\ndef register_commands(cli): called.append(cli)\n",
    )
    one = plugins.load()["commands"]
    assert one.state.status == "loaded"
    assert len(one.commands) == 1
    assert sys.modules[module].called == []


def test_damaged_metadata_is_listed_and_the_plugin_used(plugins):
    plugins.add("gap", GOOD)
    (metadata,) = plugins.folder.glob("*.dist-info/METADATA")
    metadata.write_text("nothing of use")
    state = plugins.load()["gap"].state
    assert state.status == "loaded"
    assert state.distribution == "unknown"


def test_an_entry_point_that_is_no_import_path_fails_alone(plugins):
    plugins.add("path", GOOD)
    (entry,) = plugins.folder.glob("*.dist-info/entry_points.txt")
    entry.write_text("[crossrec]\npath = !!!\n")
    assert plugins.load()["path"].state.status == "failed"


@pytest.mark.parametrize(
    "damage",
    [b"[crossrec]\nno equals sign\n", b"[crossrec]\nbad = \xff\xfe\x00\n"],
    ids=["line", "encoding"],
)
@pytest.mark.parametrize("name", ["crossrec-damaged", "somebody-else"])
def test_a_damaged_list_of_entry_points_affects_no_other(plugins, damage, name):
    plugins.add("damaged", GOOD, distribution=name, version="3")
    (entry,) = plugins.folder.glob("*.dist-info/entry_points.txt")
    entry.write_bytes(damage)
    plugins.add("good", GOOD)
    found = {p.distribution: p for p in find_plugins()}
    assert {"crossrec", "crossrec-good"} <= set(found)
    assert (name in found) is (name == "crossrec-damaged")
    states = {one.state.distribution: one.state for one in load_plugins(found.values())}
    assert states["crossrec-good"].status == "loaded"
    if name == "crossrec-damaged":
        assert states[name].status == "failed"
        assert states[name].version == "3"
        assert states[name].error.startswith("its list of entry points cannot be read")


def test_a_requirement_on_a_version_that_is_none_is_reported(plugins):
    plugins.add("odd", GOOD, distribution="odd-version", version="not.a.version")
    plugins.add("needs", GOOD.replace('"good"', '"x"'), requires=("odd-version>=1",))
    state = plugins.load()["needs"].state
    assert state.broken
    assert "odd-version" in state.error or "not.a.version" in state.error
