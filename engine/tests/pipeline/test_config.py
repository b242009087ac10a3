"""Pipeline files: what a user's keys replace, and what is said of a wrong one."""

import dataclasses
import sys

import pytest
from crossrec.errors import ConfigError
from crossrec.pipeline.config import load_config, parse_config
from crossrec.scenario import EventType, ItemSchema, Scenario, Surface

DEFAULT = """
candidates = 50
encoder = "clever"
encoder_settings = {size = 3}
ranker = "weighted"
ranker_settings = {passes = 2}
policies = ["availability", {name = "quota", settings = {n = 2}}]
item_sources = ["a"]
[[sources]]
name = "a"
settings = {reg = 1.5}
[[sources]]
name = "b"
"""


@pytest.fixture
def scenario(tmp_path, monkeypatch):
    package = tmp_path / "config_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "default.toml").write_text(DEFAULT)
    monkeypatch.syspath_prepend(tmp_path)
    yield Scenario(
        "toy",
        "a toy",
        (EventType("view"),),
        ItemSchema((), "{title}"),
        (Surface("home"),),
        "config_resources:default.toml",
        "view",
        "home",
    )
    sys.modules.pop("config_resources", None)


@pytest.fixture
def load(scenario, tmp_path):
    def load(text):
        path = tmp_path / "own.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(scenario, path)

    return load


def test_the_default_alone(scenario):
    config = load_config(scenario)
    assert config.candidates == 50
    assert [s.name for s in config.sources] == ["a", "b"]
    assert config.sources[0].settings == {"reg": 1.5}
    assert [(p.name, p.settings) for p in config.policies] == [
        ("availability", {}),
        ("quota", {"n": 2}),
    ]
    assert config.item_sources == ("a",)
    assert config.history == "exclude"


def test_a_users_key_replaces_the_whole_key(load):
    config = load('policies = []\nhistory = "keep"\n')
    assert config.policies == ()
    assert config.history == "keep"
    assert config.candidates == 50
    assert config.item_sources == ("a",)


def test_own_sources_leave_nothing_of_the_defaults_choice(load):
    config = load('sources = [{name = "c"}]')
    assert [s.label for s in config.sources] == ["c"]
    assert config.item_sources == ()
    assert config.ranker_settings == {"passes": 2}


def test_another_ranker_or_encoder_does_not_get_the_settings_of_the_old_one(load):
    config = load('ranker = "rrf"\nencoder = "plain"\n')
    assert config.ranker_settings == {}
    assert config.encoder_settings == {}
    both = load('ranker = "rrf"\nranker_settings = {constant = 3}\n')
    assert both.ranker_settings == {"constant": 3}
    assert both.encoder_settings == {"size": 3}


def test_an_empty_file_changes_nothing(load, scenario):
    assert load("# nothing\n") == load_config(scenario)


def test_one_generator_twice_needs_labels(load):
    text = 'sources = [{name = "a"}, {name = "a", label = "again", settings = {reg = 9}}]'
    config = load(text)
    assert [(s.name, s.label) for s in config.sources] == [("a", "a"), ("a", "again")]
    with pytest.raises(ConfigError, match="two sources are called 'a': give one a label"):
        load('sources = [{name = "a"}, {name = "a"}]')


def test_the_name_of_the_whole_is_not_free(load):
    with pytest.raises(ConfigError, match="cannot be called 'pipeline'"):
        load('sources = [{name = "pipeline"}]')
    assert load('sources = [{name = "pipeline", label = "mine"}]').sources[0].label == "mine"


def test_what_windows_editors_put_in_front_is_no_error(load):
    assert load(b"\xef\xbb\xbfcandidates = 7\r\n").candidates == 7


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"candidates = 7 # caf\xe9", "own.toml is not UTF-8 text"),
        ("candidates = = 7", "own.toml is not valid TOML"),
        ("candidates = 7\ncandidates = 8", "own.toml is not valid TOML"),
        ("candidates = 2001", "candidates: "),
        ('candidates = "many"', "candidates: "),
        ("colour = 1", "colour: "),
        ("sources = []", "at least one source"),
        ('sources = ["a"]', "sources: 0: "),
        ("sources = [{}]", "sources: 0: name"),
        ('sources = [{name = "a", settngs = {}}]', "sources: 0: settngs"),
        ("policies = [{settings = {}}]", "policies: 0: name"),
        ("policies = [3]", "policies: 0: "),
        ('item_sources = ["z"]', "item_sources names 'z', which is no source"),
        ('title_vectors = "perhaps"', "title_vectors"),
    ],
)
def test_a_wrong_file_is_one_line_with_the_place(load, text, complaint):
    with pytest.raises(ConfigError, match=r"own\.toml") as caught:
        load(text)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value).removesuffix("\n")


def test_a_folder_is_no_pipeline_file(scenario, tmp_path):
    with pytest.raises(ConfigError, match="there is no pipeline file"):
        load_config(scenario, tmp_path)


def test_a_file_that_may_not_be_read(load, scenario, tmp_path, monkeypatch):
    from pathlib import Path

    (tmp_path / "own.toml").write_text("")

    def refuse(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    text = load_config(scenario)
    assert text.candidates == 50
    read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda p, **m: refuse() if p.name == "own.toml" else read(p, **m)
    )
    with pytest.raises(ConfigError, match=r"cannot read .*own.toml: Permission denied"):
        load_config(scenario, tmp_path / "own.toml")


@pytest.mark.parametrize(
    "target", ["", "config_resources", "config_resources:none.toml", "no_such_package:x.toml"]
)
def test_a_default_that_is_not_there_names_the_scenario(scenario, target):
    lost = dataclasses.replace(scenario, pipeline=target)
    with pytest.raises(ConfigError, match="default pipeline of toy .* cannot be read"):
        load_config(lost)


def test_a_default_that_is_wrong_names_the_scenario(scenario, tmp_path):
    (tmp_path / "config_resources" / "default.toml").write_text("candidates = 3\nsources = 7\n")
    with pytest.raises(ConfigError, match="default pipeline of toy: sources: "):
        load_config(scenario)


def test_a_configuration_survives_json():
    config = parse_config(
        {"sources": [{"name": "a", "settings": {"x": [1, 2.5, "y"]}}], "policies": ["p"]}, "t"
    )
    assert parse_config(config.model_dump(mode="json"), "again") == config


def test_a_configuration_cannot_be_changed():
    config = parse_config({"sources": [{"name": "a"}]}, "t")
    with pytest.raises(ValueError, match="frozen"):
        config.candidates = 3


@pytest.mark.parametrize("candidates", [1, 2000])
def test_the_ends_of_the_pools_size_are_allowed(candidates):
    assert parse_config({"sources": [{"name": "a"}], "candidates": candidates}, "t")
