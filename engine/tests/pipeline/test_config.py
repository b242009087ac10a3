"""Pipeline files: what a user's keys replace, and what is said of a wrong one."""

import dataclasses
import sys

import pytest
from crossrec.errors import ConfigError
from crossrec.pipeline.config import PolicyConfig, SurfaceConfig
from crossrec.pipeline.config_files import load_config, parse_config
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
[surfaces.home]
sources = ["b"]
ranker = "weighted"
ranker_settings = {passes = 1}
fallback = ["newest", "a", "most_popular"]
k = 7
fresh = 2
[surfaces.up_next]
input = "session"
weighs = 0.5
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
        (Surface("home", k=12), Surface("shelf", "item", k=5)),
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
    assert config.history == "auto"


def test_a_users_key_replaces_the_whole_key(load):
    config = load('policies = []\nhistory = "keep"\n')
    assert config.policies == ()
    assert config.history == "keep"
    assert config.candidates == 50
    assert config.item_sources == ("a",)


def test_every_surface_of_the_scenario_has_a_plan_and_so_has_every_one_of_the_file(scenario):
    surfaces = load_config(scenario).surfaces
    assert list(surfaces) == ["home", "shelf", "up_next"]
    assert surfaces["home"] == SurfaceConfig(
        sources=("b",),
        ranker="weighted",
        ranker_settings={"passes": 1},
        fallback=("newest", "a", "most_popular"),
        k=7,
        fresh=2.0,
    )
    assert surfaces["shelf"] == SurfaceConfig(input="item", k=5), "as the scenario declares it"
    assert surfaces["up_next"] == SurfaceConfig(input="session", weighs=0.5)


def test_a_users_surface_replaces_single_keys(load):
    config = load('[surfaces.home]\nk = 3\nhistory = "keep"\npolicies = ["quota"]\n')
    home = config.surfaces["home"]
    assert (home.k, home.history, home.fresh, home.sources) == (3, "keep", 2.0, ("b",))
    assert home.policies == (PolicyConfig(name="quota"),)
    assert home.ranker_settings == {"passes": 1}
    assert config.surfaces["up_next"].weighs == 0.5
    assert config.policies[0].name == "availability", "the pipeline's own stay for the others"


def test_another_ranker_of_a_surface_does_not_get_the_settings_of_the_old_one(load):
    assert load('[surfaces.home]\nranker = "rrf"').surfaces["home"].ranker_settings == {}
    both = load('[surfaces.home]\nranker = "rrf"\nranker_settings = {constant = 3}')
    assert both.surfaces["home"].ranker_settings == {"constant": 3}
    same = load("[surfaces.home]\nranker_settings = {passes = 9}").surfaces["home"]
    assert (same.ranker, same.ranker_settings) == ("weighted", {"passes": 9})


def test_a_user_may_add_a_surface(load):
    surfaces = load('[surfaces.cart]\ninput = "items"\nsources = ["a"]').surfaces
    assert list(surfaces) == ["home", "shelf", "up_next", "cart"]
    assert surfaces["cart"].input == "items"


def test_own_sources_take_the_sources_out_of_the_defaults_plans(load):
    config = load('sources = [{name = "c"}]')
    home = config.surfaces["home"]
    assert home.sources == ()
    assert home.fallback == ("newest", "most_popular"), "what needs no source stays"
    assert (home.k, home.fresh) == (7, 2.0)
    own = load('sources = [{name = "c"}]\n[surfaces.home]\nsources = ["c"]\nfallback = ["c"]')
    assert own.surfaces["home"].sources == own.surfaces["home"].fallback == ("c",)


def test_a_plan_whose_fallbacks_are_all_gone_has_the_usual_one(scenario, tmp_path, load):
    path = tmp_path / "config_resources" / "default.toml"
    path.write_text('sources = [{name = "a"}]\n[surfaces.home]\nfallback = ["a"]\n')
    assert load_config(scenario).surfaces["home"].fallback == ("a",)
    assert load('sources = [{name = "c"}]').surfaces["home"].fallback == ("most_popular",)


def test_a_list_that_may_be_empty_stays_so_with_other_sources(tmp_path, load):
    path = tmp_path / "config_resources" / "default.toml"
    path.write_text('sources = [{name = "a"}]\n[surfaces.home]\nsources = ["a"]\nfallback = []\n')
    assert load('sources = [{name = "c"}]').surfaces["home"].fallback == ()


def test_what_is_listed_only_answers_where_it_is_listed():
    sources = ["a", "b", {"name": "own", "listed_only": True}]
    surfaces = {"user": {}, "list": {"sources": ["own"]}, "item": {"input": "item"}}
    config = parse_config({"sources": sources, "surfaces": surfaces}, "test")
    assert config.sources_of("user") == config.sources_of("item") == ("a", "b")
    assert config.sources_of("list") == ("own",)
    about = parse_config({"sources": sources, "surfaces": surfaces, "item_sources": ["own"]}, "x")
    assert about.sources_of("item") == ("own",), "item_sources list it"
    with pytest.raises(ConfigError, match="surface 'user' lists no sources, and all are"):
        parse_config({"sources": sources[2:], "surfaces": surfaces}, "test")


def test_a_surface_of_its_own_source_is_gone_without_it(tmp_path, load):
    path = tmp_path / "config_resources" / "default.toml"
    path.write_text(
        'sources = [{name = "a"}, {name = "due", listed_only = true}]\n'
        '[surfaces.home]\n[surfaces.shelf]\nsources = ["due"]\nhistory = "keep"\n'
    )
    assert load("candidates = 50").sources_of("shelf") == ("due",)
    other = load('sources = [{name = "c"}]')
    assert "shelf" not in other.surfaces
    assert "home" in other.surfaces
    planned = load('sources = [{name = "c"}]\n[surfaces.shelf]\nsources = ["c"]')
    assert planned.sources_of("shelf") == ("c",)
    assert planned.surfaces["shelf"].history == "keep", "the rest of its plan stays"


def test_sources_of_a_surface_are_its_own_else_those_about_items_else_all(load):
    config = load(
        '[surfaces.cart]\ninput = "items"\n[surfaces.like]\ninput = "item"\nsources = ["b", "a"]'
    )
    assert config.sources_of("home") == ("b",)
    assert config.sources_of("up_next") == ("a", "b"), "a session is no item surface"
    assert config.sources_of("shelf") == config.sources_of("cart") == ("a",)
    assert config.sources_of("like") == ("a", "b"), "in the order of the file"
    without = load("item_sources = []")
    assert without.sources_of("shelf") == ("a", "b")


def test_the_rule_for_known_items_is_the_surfaces_else_the_pipelines(load):
    config = load('history = "exclude"\n[surfaces.home]\nhistory = "auto"')
    assert config.history_of("home") == "auto"
    assert config.history_of("shelf") == "exclude"
    assert load("").history_of("shelf") == "auto"


def test_what_is_not_said_is_not_said_after_json_either(load):
    """A surface that leaves the rule to the pipeline must do so in an artifact too."""
    config = load('history = "exclude"\n[surfaces.home]\nhistory = "last"')
    again = parse_config(config.model_dump(mode="json"), "again")
    assert again == config
    for name in config.surfaces:
        assert again.history_of(name) == config.history_of(name)
        assert again.sources_of(name) == config.sources_of(name)
    assert again.surfaces["shelf"].policies is None


def test_a_pipeline_without_a_scenario_has_one_surface_about_users_and_one_about_items():
    config = parse_config({"sources": [{"name": "a"}]}, "t")
    assert {name: one.input for name, one in config.surfaces.items()} == {
        "user": "user", "item": "item",
    }  # fmt: skip
    assert config.surfaces["user"].fallback == ("most_popular",)
    assert config.surfaces["user"].policies is None
    assert config.surfaces["user"].history is None


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


@pytest.mark.parametrize("own", ['ranker = "rrf"', "ranker_settings = {passes = 9}"])
def test_the_ranker_for_all_surfaces_goes_before_the_plans_of_the_default(load, own):
    home = load(own).surfaces["home"]
    assert (home.ranker, home.ranker_settings) == ("", {}), "the pipeline's"
    assert home.sources == ("b",), "the rest of its plan stays"
    kept = load(f'{own}\n[surfaces.home]\nranker = "weighted"\nranker_settings = {{passes = 4}}')
    assert kept.surfaces["home"].ranker_settings == {"passes": 4}


def test_an_empty_file_changes_nothing(load, scenario):
    assert load("# nothing\n") == load_config(scenario)


def test_a_source_may_be_its_name_alone(load):
    first, second = load('sources = ["a", {name = "c", settings = {reg = 2.0}}]').sources
    assert (first.name, first.label, first.settings) == ("a", "a", {})
    assert (second.name, second.label, second.settings) == ("c", "c", {"reg": 2.0})


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
        ("sources = [3]", "sources: 0: "),
        ("sources = [{}]", "sources: 0: name"),
        ('sources = [{name = "a", settngs = {}}]', "sources: 0: settngs"),
        ("policies = [{settings = {}}]", "policies: 0: name"),
        ("policies = [3]", "policies: 0: "),
        ('item_sources = ["z"]', "item_sources names 'z', which is no source"),
        ('title_vectors = "perhaps"', "title_vectors"),
        ('history = "forget"', "history: "),
        ("surfaces = 3", "surfaces are tables: write [surfaces.NAME]"),
        ("surfaces = [1]", "surfaces are tables: write [surfaces.NAME]"),
        ("[surfaces]\nhome = 3", "surfaces are tables: write [surfaces.NAME]"),
        ("[surfaces.home]\ncolour = 1", "surfaces: home: colour: "),
        ('[surfaces.home]\ninput = "mood"', "surfaces: home: input: "),
        ("[surfaces.home]\nk = 0", "surfaces: home: k: "),
        ("[surfaces.home]\nk = 2001", "surfaces: home: k: "),
        ("[surfaces.home]\nfresh = -1", "surfaces: home: fresh: "),
        ("[surfaces.home]\nweighs = 1.5", "surfaces: home: weighs: "),
        ('[surfaces.home]\nhistory = "forget"', "surfaces: home: history: "),
        ("[surfaces.home]\npolicies = [3]", "surfaces: home: policies: 0: "),
        ('[surfaces.home]\nsources = ["z"]', "surface 'home' names 'z', which is no source"),
        (
            '[surfaces.home]\nfallback = ["most_loved"]',
            "surface 'home': the fallback 'most_loved' is no source and none of most_popular",
        ),
        (
            "[surfaces.shelf]\nranker_settings = {passes = 1}",
            "surfaces: shelf: ranker_settings belong to a ranker: name it beside them",
        ),
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


def test_surfaces_of_a_default_that_are_wrong_name_the_scenario(scenario, tmp_path, load):
    path = tmp_path / "config_resources" / "default.toml"
    for text in ("surfaces = 3", "[surfaces]\nhome = 3"):
        path.write_text(f'{text}\n[[sources]]\nname = "a"\n')
        for call in (lambda: load_config(scenario), lambda: load('sources = [{name = "c"}]')):
            with pytest.raises(ConfigError, match="default pipeline of toy: surfaces are tables"):
                call()


def test_a_pipeline_without_any_surface_is_refused(scenario):
    with pytest.raises(ConfigError, match="at least one surface"):
        parse_config({"sources": [{"name": "a"}], "surfaces": {}}, "t")
    bare = dataclasses.replace(scenario, surfaces=(), main_surface="")
    assert list(load_config(bare).surfaces) == ["home", "up_next"], "those of the file remain"


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


def test_a_source_may_be_a_name_alone():
    config = parse_config({"sources": ["a", {"name": "b", "settings": {"n": 1}}]}, "test")
    assert [(one.name, one.label, one.settings) for one in config.sources] == [
        ("a", "a", {}), ("b", "b", {"n": 1}),
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="two sources are called 'a'"):
        parse_config({"sources": ["a", "a"]}, "test")
