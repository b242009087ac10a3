from __future__ import annotations

import json


def states(done):
    return {state["name"]: state for state in json.loads(done.stdout)}


def test_list_shows_every_state(plugins, encoder_plugin):
    plugins.add("good", encoder_plugin("minilm"))
    plugins.add("bad", "import no_such_library\n")
    plugins.add("future", encoder_plugin("x"), requires=("crossrec>=99",))
    done = plugins.crossrec("plugins", "list")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["PLUGIN", "PACKAGE", "VERSION", "STATUS", "COMPONENTS"]
    assert ["good", "crossrec-good", "1.0", "loaded", "minilm"] in [line.split() for line in lines]
    assert ["bad", "crossrec-bad", "1.0", "failed"] in [line.split() for line in lines]
    assert (
        "bad (crossrec-bad) is failed: ModuleNotFoundError: No module named 'no_such_library'"
        in lines
    )
    assert (
        "future (crossrec-future) is incompatible: needs crossrec>=99, "
        "but crossrec 0.1.0 is installed" in lines
    )


def test_list_as_json(plugins, encoder_plugin):
    plugins.add(
        "good", "print('noise')\n" + encoder_plugin("minilm").replace("\n            ", "\n")
    )
    found = states(plugins.crossrec("plugins", "list", "--json"))
    assert found["good"] == {
        "name": "good",
        "distribution": "crossrec-good",
        "version": "1.0",
        "status": "loaded",
        "hooks": ["register_encoders"],
        "components": ["encoders:minilm"],
        "error": "",
        "warnings": [],
        "collisions": [],
    }
    assert found["builtin"]["status"] == "loaded"


def test_list_by_hook(plugins, encoder_plugin):
    plugins.add("good", encoder_plugin("minilm"))
    by_encoders = states(
        plugins.crossrec("plugins", "list", "--json", "--hook", "register_encoders")
    )
    assert "good" in by_encoders
    assert "builtin" not in by_encoders
    assert plugins.crossrec("plugins", "list", "--hook", "encoders").returncode == 2


def test_a_subset_is_shown_as_blocked(plugins, encoder_plugin):
    plugins.add("good", encoder_plugin("minilm"))
    plugins.add("other", encoder_plugin("tfidf"))
    found = states(plugins.crossrec("plugins", "list", "--json", CROSSREC_PLUGINS="good"))
    assert found["good"]["status"] == "loaded"
    assert {
        state["status"] for name, state in found.items() if name not in ("good", "builtin")
    } == {"blocked"}


def test_check_of_sound_plugins_is_0(plugins, encoder_plugin):
    plugins.add("good", encoder_plugin("minilm"))
    done = plugins.crossrec("plugins", "check", CROSSREC_PLUGINS="good")
    assert (done.returncode, done.stdout) == (0, "2 loaded, 0 broken\n")


def test_check_of_a_broken_plugin_is_1(plugins):
    plugins.add("bad", "1 / 0\n")
    done = plugins.crossrec("plugins", "check", CROSSREC_PLUGINS="bad")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "bad (crossrec-bad) is failed: ZeroDivisionError: division by zero",
        "1 loaded, 1 broken",
    ]
    report = json.loads(plugins.crossrec("plugins", "check", "--json").stdout)
    assert report["ok"] is False


def test_check_of_an_incompatible_plugin_is_1(plugins, encoder_plugin):
    plugins.add("future", encoder_plugin("x"), requires=("no-such-dist",))
    assert plugins.crossrec("plugins", "check", CROSSREC_PLUGINS="future").returncode == 1


def test_a_heavy_import_is_a_warning_and_no_failure(plugins, encoder_plugin):
    (plugins.folder / "tensorflow.py").write_text("")
    source = "import tensorflow\n" + encoder_plugin("x").replace("\n            ", "\n")
    plugins.add("heavy", source)
    done = plugins.crossrec("plugins", "check", CROSSREC_PLUGINS="heavy")
    assert done.returncode == 0
    assert "heavy (crossrec-heavy) warns: imports tensorflow when it is loaded" in done.stdout


def test_a_factory_that_imports_a_heavy_library_is_not_imported_for_help(plugins):
    (plugins.folder / "heavy_factory.py").write_text("import torch\n")
    plugins.add(
        "lazy",
        """
        @hookimpl
        def register_encoders(register):
            register("lazy", "heavy_factory:Encoder")
        """,
    )
    done = plugins.python(
        "import sys\nfrom crossrec.cli import main\n"
        "try:\n    main(['plugins', 'list'])\nexcept SystemExit:\n    pass\n"
        "print('torch' in sys.modules, 'heavy_factory' in sys.modules)\n"
    )
    assert "lazy" in done.stdout
    assert done.stdout.splitlines()[-1] == "False False"


def test_list_and_check_show_whose_name_is_taken(plugins, encoder_plugin):
    plugins.add("one", encoder_plugin("minilm"), distribution="crossrec-aaa")
    plugins.add("two", encoder_plugin("minilm"), distribution="crossrec-bbb")
    line = (
        "encoders 'minilm' of crossrec-bbb (two) is already registered by crossrec-aaa (one), "
        "which stays; write 'crossrec-bbb:minilm' for this one"
    )
    listed = plugins.crossrec("plugins", "list", CROSSREC_PLUGINS="one,two").stdout.splitlines()
    rows = [row.split() for row in listed]
    assert ["one", "crossrec-aaa", "1.0", "loaded", "minilm"] in rows
    assert ["two", "crossrec-bbb", "1.0", "loaded", "crossrec-bbb:minilm"] in rows
    assert listed[-1] == line
    done = plugins.crossrec("plugins", "check", CROSSREC_PLUGINS="one,two")
    assert (done.returncode, done.stdout.splitlines()) == (1, [line, "3 loaded, 0 broken"])


UNSOUND = """
    from pydantic import BaseModel

    class NeedsOne(BaseModel):
        size: int
        more: int = 2

    class Base:
        def fit(self, dataset, run): ...
        def generate(self, queries, k): ...
        def state(self): ...
        def restore(self, state, catalog): ...

    class Raises(Base):
        def __init__(self):
            raise OSError("no licence")

    class Exits(Base):
        def __init__(self):
            raise SystemExit(1)

    class Mute(Base):
        generate = None

    @hookimpl
    def register_candidate_generators(register):
        register("sound", Base)
        register("needs", lambda config: Base(), config=NeedsOne)
        register("raises", Raises)
        register("exits", Exits)
        register("declares", Base, capabilities={"score", "explain"})
        register("mute", Mute)
        register("missing", "no_such_module:Source")
    """


def test_check_builds_everything_and_has_one_line_for_each_problem(plugins):
    plugins.add("unsound", UNSOUND)
    done = plugins.crossrec("plugins", "check", CROSSREC_PLUGINS="unsound")
    assert done.returncode == 1
    of = "of crossrec-unsound"
    assert done.stdout.splitlines() == [
        f"candidate_generators 'needs' {of}: its setting 'size' has no default",
        f"candidate_generators 'raises' {of}: cannot be built: OSError: no licence",
        f"candidate_generators 'exits' {of}: cannot be built: SystemExit: 1",
        f"candidate_generators 'declares' {of}: declares the capability 'explain' and has no "
        "such method",
        f"candidate_generators 'declares' {of}: declares the capability 'score' and has no such "
        "method",
        f"candidate_generators 'mute' {of}: has no method 'generate'",
        f"candidate_generators 'missing' {of}: cannot be built: missing of crossrec-unsound cannot "
        "be loaded: No module named 'no_such_module'",
        "2 loaded, 0 broken, 7 problems of components",
    ]
    report = json.loads(
        plugins.crossrec("plugins", "check", "--json", CROSSREC_PLUGINS="unsound").stdout
    )
    assert report["ok"] is False
    assert [one["name"] for one in report["problems"]] == [
        "needs", "raises", "exits", "declares", "declares", "mute", "missing",
    ]  # fmt: skip
