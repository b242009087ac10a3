"""A hook without documentation or without an example that is run fails."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec import hookspecs
from crossrec.components.candidates import Pool
from crossrec.components.live_items import LiveItems
from crossrec.components.policy_context import PolicyContext
from crossrec.components.protocols import (
    CandidateGenerator,
    Encoder,
    FeatureSource,
    LanguageModel,
    Policy,
    Ranker,
)
from crossrec.components.query import Query
from crossrec.components.ranked import Ranked
from crossrec.components.run import RunOptions
from crossrec.components.user_state import UserState
from crossrec.components.wording import WordingRequest, in_english
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import DataError
from crossrec.plugins.found import find_plugins
from crossrec.plugins.loader import hook_names, load_plugins
from crossrec.plugins.registry import Registry
from crossrec.scenario import ItemSchema
from crossrec.store.base import Store

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
HOOKS = hook_names()
_BLOCK = re.compile(r"```\w+\n# (crossrec_example/[\w/]+\.\w+)\n(.*?)```", re.DOTALL)
#: Hook → the class of the kit that its example passes, and what the kit cannot find out by itself.
KITS = {
    "register_encoders": ("EncoderTests", {}),
    "register_candidate_generators": ("CandidateGeneratorTests", {"personalised": False}),
    "register_features": ("FeatureTests", {}),
    "register_rankers": ("RankerTests", {"learns": False}),
    "register_policies": ("PolicyTests", {}),
    "register_pretrained": ("PretrainedTests", {}),
    "register_scenarios": ("ScenarioTests", {}),
    "register_language_models": ("LanguageModelTests", {}),
}


def signature(hook: str) -> str:
    return f"{hook}({', '.join(inspect.signature(getattr(hookspecs, hook)).parameters)})"


def section(hook: str) -> str:
    """Return what the page says of one hook."""
    _, found, rest = PAGE.partition(f"\n## `{signature(hook)}`\n")
    assert found, f"docs/hooks.md has no section '## `{signature(hook)}`'"
    return rest.partition("\n## ")[0]


def install_metadata(folder: Path) -> None:
    """Write what pip would: the metadata and the entry point of the example's distribution."""
    info = folder / "crossrec_example-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: crossrec-example\nVersion: 0.1.0\n"
        "Requires-Dist: crossrec>=0.1,<0.2\n"
    )
    (info / "entry_points.txt").write_text("[crossrec]\nexample = crossrec_example.plugin\n")


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Return a function that installs the example of one hook and loads it as a plugin."""

    def install(hook: str):
        files = dict(_BLOCK.findall(section(hook)))
        package = tmp_path / "crossrec_example"
        package.mkdir()
        for path, code in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(code, encoding="utf-8")
        install_metadata(tmp_path)
        monkeypatch.syspath_prepend(str(tmp_path))
        (found,) = (p for p in find_plugins() if p.distribution == "crossrec-example")
        (loaded,) = load_plugins([found], strict=True)
        return loaded

    yield install
    for name in [name for name in sys.modules if name.partition(".")[0] == "crossrec_example"]:
        del sys.modules[name]


SCHEMA = ItemSchema(fields=(), text_template="{title}", creator="by")


def dataset() -> Dataset:
    """Return three users who turn to items of six, the last at time 50."""
    records = {
        f"i{j}": {"title": title, "by": by}
        for j, (title, by) in enumerate(
            [
                ("red bean soup", "ann"),
                ("Red BEAN stew", "ann"),
                ("apple tart", "bob"),
                ("", ""),
                ("plum tart", "bob"),
                ("never seen", "cy"),
            ]
        )
    }
    catalog = Catalog.from_records(Vocabulary(records), records, SCHEMA)
    events = Events.from_columns([0, 0, 1, 1, 2], [0, 1, 2, 3, 4], [10, 20, 30, 40, 50])
    return Dataset.build(Vocabulary(["u0", "u1", "u2"]), catalog, events, has_clock=True)


def queries(data: Dataset):
    from crossrec.components.query import QueryBatch

    return QueryBatch.from_histories(data.sequences)


def exercise_encoders(component, tmp_path):
    encoder = component.build({"dim": 64})
    assert isinstance(encoder, Encoder)
    vectors = encoder.encode(dataset().catalog, RunOptions())
    assert vectors.dtype == np.float32
    assert vectors.shape == (6, 64)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0, 1, 1], rtol=1e-6)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def exercise_candidate_generators(component, tmp_path):
    source, data = component.build(), dataset()
    assert isinstance(source, CandidateGenerator)
    source.fit(data, RunOptions())
    found = source.generate(queries(data), 3)
    assert found.row(0).tolist() == [4, 3, 2]
    assert found.row(2).tolist() == [3, 2, 1]
    assert 5 not in source.generate(queries(data), 99).index
    fresh = component.build()
    fresh.restore(source.state(), data.catalog)
    np.testing.assert_array_equal(fresh.generate(queries(data), 3).index, found.index)
    index = np.array([[4, -1, 5]] * 3)
    scores = fresh.score(queries(data), index)
    assert scores[0, 0] == found.score[0, 0]
    assert np.isnan(scores[:, 1:]).all()
    assert len(fresh.explain(queries(data).take(np.array([0])), np.array([4, 3]))) == 2


def exercise_rankers(component, tmp_path):
    ranker, data = component.build(), dataset()
    assert isinstance(ranker, Ranker)
    zeros = np.zeros((3, 2), np.float32)
    index = np.array([[0, 1, -1]] * 3)
    ranks = np.array([[[0, -1], [1, 0], [-1, -1]]] * 3)
    pool = Pool(index, np.zeros((3, 3, 2), np.float32), ranks, ("a", "b"), zeros, zeros + 1)
    scores = ranker.score(queries(data), pool)
    assert scores.tolist() == [[1.5, 2.75, -np.inf]] * 3
    component.build().restore(ranker.state(), data.catalog)


def exercise_policies(component, tmp_path):
    policy, data = component.build(), dataset()
    assert isinstance(policy, Policy)
    context = PolicyContext(
        query=Query(),
        user=UserState(),
        surface="home",
        items=LiveItems(data.catalog, SCHEMA),
        now=60.0,
        seed=0,
        k=2,
    )
    answer = policy.apply(Ranked.of(np.arange(5), 1 - np.arange(5) / 10), context)
    assert answer.index.tolist() == [0, 2, 3]
    assert [(c.item, c.code, c.values) for c in answer.changes] == [
        (1, "creator_is_above", {"creator": "ann"}),
        (4, "creator_is_above", {"creator": "bob"}),
    ]
    assert in_english("creator_is_above", {}) == "creator is above"


def exercise_features(component, tmp_path):
    features, data = component.build(), dataset()
    assert isinstance(features, FeatureSource)
    features.fit(data, RunOptions())
    index = np.array([[0, 2, -1]] * 3)
    values = features.compute(queries(data), index, LiveItems(data.catalog, SCHEMA))
    np.testing.assert_array_equal(values[0, :, 0], [2, 0, np.nan])
    np.testing.assert_array_equal(values[2, :, 0], [0, 1, np.nan])


def exercise_language_models(component, tmp_path):
    model = component.build()
    assert isinstance(model, LanguageModel)
    prompts = [WordingRequest("de", "popular: 3 people").prompt(), "Name a colour."]
    assert model.complete(prompts, max_tokens=9, seed=0) == ["because: popular: 3 people", ""]


def exercise_scenarios(component, tmp_path):
    scenario = component.build()
    assert scenario.name == component.name == "recipes"
    assert scenario.event("click").name == "view"
    assert scenario.surface(scenario.main_surface) is not None
    assert scenario.event(scenario.default_event) is not None


def exercise_importers(component, tmp_path):
    (tmp_path / "pairs.txt").write_text("u1 i1\nu1 i2\n\nu2 i1\n")
    frames = component.build()(tmp_path)
    assert frames.events.values.tolist() == [["u1", "i1"], ["u1", "i2"], ["u2", "i1"]]
    assert frames.note == "3 pairs, no times"
    with pytest.raises(DataError, match=r"pairs\.txt"):
        component.build()(tmp_path / "crossrec_example")


def exercise_stores(component, tmp_path):
    store = component.build({}, tmp_path / "store.db")
    try:
        assert isinstance(store, Store)
        assert store.add_items("recipes", {"i1": {"title": "soup"}, "i2": {}}) == 2
        assert store.add_items("recipes", {"i1": {"title": "stew"}}) == 0
        assert store.added == 2
        assert store.counts("recipes").items == 2
    finally:
        store.close()


def exercise_executors(component, tmp_path):
    begun = []
    results = component.build().map(lambda job: (begun.append(job), job * 2)[1], [1, 2, 3])
    assert results == [2, 4, 6]
    assert begun == [3, 2, 1]


def exercise_commands(loaded):
    from crossrec.cli.extend import collect_commands
    from crossrec.commands import LazyGroup

    registry, cli = Registry([loaded]), LazyGroup(name="crossrec")
    collect_commands(registry, cli)
    assert [state.error for state in registry.plugins] == [""]
    assert "Greet a person." in CliRunner().invoke(cli, ["--help"]).output
    assert CliRunner().invoke(cli, ["greet", "you"]).output == "Hello you\n"


def exercise_pretrained(component, tmp_path):
    from crossrec.pipeline.pretrained import survey_pretrained
    from crossrec.plugins.loader import LoadedPlugin
    from crossrec.plugins.registry import Registry
    from crossrec.plugins.state import PluginState

    folder = component.build()
    assert folder == tmp_path / "crossrec_example" / "recipes"
    state = PluginState("example", "crossrec-example", "0.1.0", "loaded")
    (found,) = survey_pretrained(None, Registry([LoadedPlugin(state, (component,))])).found
    assert (found.name, found.path, found.default) == ("recipes", folder, False)


EXERCISES = {
    "register_encoders": exercise_encoders,
    "register_candidate_generators": exercise_candidate_generators,
    "register_features": exercise_features,
    "register_language_models": exercise_language_models,
    "register_rankers": exercise_rankers,
    "register_policies": exercise_policies,
    "register_pretrained": exercise_pretrained,
    "register_scenarios": exercise_scenarios,
    "register_importers": exercise_importers,
    "register_stores": exercise_stores,
    "register_executors": exercise_executors,
}


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_with_its_signature_and_an_example(hook):
    text = section(hook)
    assert len(text.partition("```")[0].split()) > 15, "says what it is for and when it is called"
    files = dict(_BLOCK.findall(text))
    assert f"def {signature(hook)}:" in files["crossrec_example/plugin.py"]


def test_the_page_documents_no_hook_that_is_not_there():
    assert re.findall(r"^## `(register_\w+)\(", PAGE, re.MULTILINE) == list(HOOKS)


def test_the_page_tells_every_capability_and_argument_of_register():
    from crossrec.hookspecs import Register
    from crossrec.plugins.registration import CAPABILITIES

    for name in CAPABILITIES:
        assert f"`{name}`" in PAGE
    for name in list(inspect.signature(Register.__call__).parameters)[1:]:
        assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook != "register_commands"])
def test_every_hook_is_exercised_by_its_documented_example(hook, example, tmp_path):
    loaded = example(hook)
    assert loaded.state.hooks == (hook,)
    (component,) = loaded.registrations
    assert component.kind == hook.removeprefix("register_")
    EXERCISES[hook](component, tmp_path)


def test_every_example_of_a_kind_with_a_kit_passes_it(tmp_path):
    """All in one process of pytest, as their author would run them."""
    plugins, tests = [], ["from crossrec.testing import *"]
    for hook, (kit, traits) in KITS.items():
        files = dict(_BLOCK.findall(section(hook)))
        plugins.append(files.pop("crossrec_example/plugin.py"))
        for path, code in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(code, encoding="utf-8")
        (name,) = re.findall(r'register\(\s*"([^"]+)"', plugins[-1])
        lines = [f"{key} = {value!r}" for key, value in {"component": name, **traits}.items()]
        tests.append(f"class Test{kit}({kit}):\n    " + "\n    ".join(lines))
    (tmp_path / "crossrec_example" / "plugin.py").write_text("\n".join(plugins), encoding="utf-8")
    (tmp_path / "test_examples.py").write_text("\n".join(tests), encoding="utf-8")
    install_metadata(tmp_path)
    paths = [str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_examples.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    for kit, _ in KITS.values():
        assert f"Test{kit}" in "\n".join(tests)
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 60


def test_every_kind_with_a_kit_has_an_example_that_is_tested_by_it():
    import crossrec.testing as kit

    kinds = {
        one.kind
        for name in kit.__all__
        if isinstance(one := getattr(kit, name), type) and getattr(one, "kind", "")
    }
    assert {f"register_{kind}" for kind in kinds} == set(KITS)


def test_the_command_hook_is_exercised_by_its_documented_example(example):
    exercise_commands(example("register_commands"))


@pytest.mark.parametrize("hook", HOOKS)
def test_the_plugin_module_of_every_example_imports_nothing_heavy(hook):
    code = dict(_BLOCK.findall(section(hook)))["crossrec_example/plugin.py"]
    assert re.findall(r"^(?:import|from) .*", code, re.MULTILINE) == [
        "from crossrec import hookimpl"
    ]


def test_the_python_in_the_page_on_plugins_runs(capsys):
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "docs/plugins.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("builtin crossrec 0.1.0 loaded")
    assert lines[-1] == "[1, 2]"
