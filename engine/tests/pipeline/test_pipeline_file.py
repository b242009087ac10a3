"""A pipeline as text: it reads back as the same pipeline, and every key says what it means."""

import datetime
import sys
import tomllib
from types import SimpleNamespace

import pytest
from crossrec.errors import UsageError
from crossrec.pipeline.config import PipelineConfig, PolicyConfig, SourceConfig, SurfaceConfig
from crossrec.pipeline.config_files import load_config, parse_config
from crossrec.pipeline.pipeline_file import effective, key_text, pipeline_text, toml_value
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.plugins.meanings import meanings
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

SCENARIO = Scenario(
    "shop", "", (EventType("view"),), ItemSchema((ItemField("title"),), "{title}"),
    (Surface("home", k=7), Surface("like this", "item")), "shop_file_resources:pipeline.toml",
    "view", "home",
)  # fmt: skip
DEFAULT = """
policies = ["drops-first"]
sources = ["popular", "together"]
[surfaces.home]
ranker = "weighted"
fallback = ["newest", "together"]
"""


@pytest.fixture(scope="module", autouse=True)
def resources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resources")
    package = folder / "shop_file_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pipeline.toml").write_text(DEFAULT.replace('"popular", "together"', (
        '{name = "popular"}, {name = "together"}'
    )))  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield
    sys.modules.pop("shop_file_resources", None)


class Inner(BaseModel):
    """Inside.

    Attributes
    ----------
    depth : int
        How deep.
    """

    model_config = ConfigDict(extra="forbid")
    depth: int = 3


class Knobs(BaseModel):
    """Settings with groups.

    Attributes
    ----------
    power : float
        How strong.
    shape : tuple of int
        How wide and high.
    limit : int or None
        None for none.
    inner : Inner
        What lies within.
    """

    model_config = ConfigDict(extra="forbid")
    power: float = 0.5
    shape: tuple[int, int] = (2, 3)
    limit: int | None = None
    inner: Inner = Field(default_factory=Inner)


def again(registry, text, tmp_path):
    """Read a text as the user's file over the scenario's default."""
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return resolve_pipeline(load_config(SCENARIO, path), registry, SCENARIO.main_surface)


def default(registry, path=None):
    return resolve_pipeline(load_config(SCENARIO, path), registry, SCENARIO.main_surface)


def test_the_default_is_written_out_and_reads_back(registry, tmp_path):
    resolved = default(registry)
    text = pipeline_text(resolved, ["The pipeline of shop."], {})
    assert text.startswith("# The pipeline of shop.\n\n# Registered encoder")
    back = again(registry, text, tmp_path)
    assert effective(back) == effective(resolved)
    assert pipeline_text(back, ["The pipeline of shop."], {}) == text
    home = tomllib.loads(text)["surfaces"]["home"]
    assert home["sources"] == ["popular", "together"]
    assert (home["k"], home["ranker"], home["fallback"]) == (7, "weighted", ["newest", "together"])
    assert home["policies"] == ["drops-first"]
    like = tomllib.loads(text)["surfaces"]["like this"]
    assert (like["input"], like["ranker"], like["history"]) == ("item", "auto", "auto")


def test_what_is_shown_resolves_to_the_same_plans(registry, tmp_path):
    own = tmp_path / "first.toml"
    own.write_text('ranker = "weighted"\nhistory = "keep"\nitem_sources = ["together"]\n')
    resolved = default(registry, own)
    back = again(registry, pipeline_text(resolved, [], {}), tmp_path)
    for name, plan in resolved.surfaces.items():
        other = back.surfaces[name]
        assert (other.sources, other.history, other.ranker) == (
            plan.sources, plan.history, plan.ranker,
        )  # fmt: skip
        assert list(other.policies) == list(plan.policies)
        assert list(other.rankers) == list(plan.rankers)


def test_every_key_is_explained(registry):
    lines = pipeline_text(default(registry), [], {}).splitlines()
    keys = [at for at, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert len(keys) > 25
    assert [lines[at] for at in keys if not lines[at - 1].startswith("# ")] == []


@pytest.mark.parametrize("model", [PipelineConfig, SurfaceConfig, SourceConfig, PolicyConfig])
def test_the_models_say_what_each_key_means(model):
    assert {name for name in model.model_fields if not meanings(model).get(name)} == set()


def test_settings_are_written_with_their_defaults_and_groups(make_registry, tmp_path):
    from crossrec.testing.toy_sources import Popular

    class Tuned(Popular):
        def __init__(self, config=None):
            self.config = config

    Tuned.Config = Knobs
    registry = make_registry(candidate_generators={"tuned": Tuned})
    registration = registry.get("candidate_generators", "tuned")
    object.__setattr__(registration, "config", Knobs)
    own = tmp_path / "first.toml"
    own.write_text('sources = [{name = "tuned", settings = {inner = {depth = 9}}}]\n')
    resolved = default(registry, own)
    text = pipeline_text(resolved, [], {})
    start = text.index("[sources.settings]")
    assert text[start : text.index("\n\n", start)].splitlines() == [
        "[sources.settings]",
        "# How strong.", "power = 0.5", "# How wide and high.", "shape = [2, 3]",
        "# How deep.", "inner.depth = 9",
    ]  # fmt: skip
    assert effective(again(registry, text, tmp_path)) == effective(resolved)
    own.write_text('sources = [{name = "tuned", settings = {powr = 1}}]\n')
    with pytest.raises(UsageError, match="powr"):
        pipeline_text(default(registry, own), [], {})


def test_what_is_unknown_is_refused_and_what_is_broken_is_named(registry, tmp_path):
    own = tmp_path / "first.toml"
    own.write_text('sources = [{name = "popluar"}]\n')
    with pytest.raises(UsageError, match="popluar"):
        pipeline_text(default(registry, own), [], {})
    text = pipeline_text(default(registry), [], {"popular": ["left out: too large"], "home": ["x"]})
    assert "# left out: too large\n[[sources]]" in text
    assert "# x\n[surfaces.home]" in text


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | text | st.floats(allow_nan=False)
    | st.datetimes(), lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(text, inner, max_size=3), max_leaves=8,
)  # fmt: skip


@given(text, values)
def test_any_value_reads_back(key, value):
    assert tomllib.loads(f"{key_text(key)} = {toml_value(value)}") == {key: value}


def test_values_of_other_types():
    assert tomllib.loads(f"x = {toml_value(datetime.date(2020, 1, 2))}")["x"].year == 2020
    assert toml_value({"a": None, "b": (1, 2.5)}) == "{ b = [1, 2.5] }"
    assert toml_value(float("-inf")) == "-inf"
    assert toml_value(float("nan")) == "nan"


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
surface = st.fixed_dictionaries(
    {},
    optional={
        "input": st.sampled_from(["user", "item", "items", "session", "nothing"]),
        "sources": st.lists(st.sampled_from(["popular", "together"]), unique=True),
        "ranker": st.sampled_from(["", "auto", "rrf", "best", "inverted"]),
        "policies": st.none() | st.lists(st.sampled_from(["drops-first", "raises"]), max_size=3),
        "fallback": st.lists(st.sampled_from(["most_popular", "newest", "popular"]), max_size=3),
        "k": st.integers(1, 2000),
        "history": st.sampled_from([None, "auto", "keep", "last", "exclude"]),
        "fresh": st.floats(0, 10),
        "weighs": st.floats(0, 1),
    },
)
pipelines = st.fixed_dictionaries(
    {"surfaces": st.dictionaries(names, surface, min_size=1, max_size=3)},
    optional={
        "title_vectors": st.booleans(),
        "candidates": st.integers(1, 2000),
        "history": st.sampled_from(["auto", "keep", "last", "exclude"]),
        "ranker": st.sampled_from(["auto", "rrf", "weighted"]),
        "policies": st.lists(st.sampled_from(["drops-first", "raises"]), max_size=2),
        "item_sources": st.lists(st.sampled_from(["popular", "together"]), unique=True),
    },
)


@settings(max_examples=60)
@given(pipelines)
def test_any_pipeline_reads_back_over_any_default(registry, tmp_path_factory, given_values):
    sources = [{"name": "popular"}, {"name": "together"}]
    config = parse_config({"sources": sources, **given_values}, "test")
    resolved = resolve_pipeline(config, registry)
    back = again(registry, pipeline_text(resolved, [], {}), tmp_path_factory.mktemp("files"))
    wanted, found = effective(resolved), effective(back)
    declared = {surface.name for surface in SCENARIO.surfaces}
    for name in set(found.surfaces) - declared | set(wanted.surfaces):
        assert found.surfaces[name] == wanted.surfaces[name]
    rest = SimpleNamespace(**{**found.model_dump(), "surfaces": None})
    assert rest == SimpleNamespace(**{**wanted.model_dump(), "surfaces": None})
