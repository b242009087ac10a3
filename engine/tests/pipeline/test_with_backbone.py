"""A backbone joins a pipeline as one more source."""

from __future__ import annotations

import pytest
from crossrec.errors import ConfigError
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.with_backbone import with_backbone, with_thorough


def config(**values):
    sources = values.pop("sources", [{"name": "ease"}, {"name": "popularity"}])
    return parse_config({"sources": sources, **values}, "test")


def test_it_comes_first_and_the_others_stay():
    joined = with_backbone(config(encoder="transformer"), "base", "music")
    assert [source.label for source in joined.sources] == ["backbone", "ease", "popularity"]


def test_it_knows_its_name_its_family_and_the_pipelines_encoder():
    (source, *_) = with_backbone(config(encoder="mine"), "base", "music").sources
    assert source.settings["backbone"] == "base"
    assert source.settings["family"] == "music"
    assert source.settings["text"] == {"encoder": "mine"}


def test_titles_are_encoded_only_where_there_is_an_encoder():
    assert with_backbone(config(encoder="mine"), "base", "x").title_vectors
    assert not with_backbone(config(encoder=""), "base", "x").title_vectors


def test_a_backbone_that_the_pipeline_has_is_not_replaced():
    """Neither one that was added, nor one that a pipeline file names, under whatever label."""
    own = {"name": "backbone", "label": "mine", "settings": {"backbone": "old"}}
    for before in (with_backbone(config(), "old", "music"), config(sources=[own])):
        with pytest.raises(ConfigError, match="the backbone new cannot be added: .*has one alread"):
            with_backbone(before, "new", "music")


def test_another_source_under_its_label_is_not_replaced():
    labelled = config(sources=[{"name": "ease", "label": "backbone"}, {"name": "popularity"}])
    with pytest.raises(ConfigError, match="'ease' is labelled 'backbone': give it another label"):
        with_backbone(labelled, "base", "music")
    assert [source.name for source in labelled.sources] == ["ease", "popularity"]


def test_everything_else_is_left_as_it_was():
    before = config(history="keep", candidates=50, item_sources=["ease"])
    after = with_backbone(before, "base", "music")
    assert (after.history, after.candidates) == ("keep", 50)
    assert after.item_sources == ("ease",)
    assert before.sources == config().sources


def test_it_joins_surfaces_about_a_user_that_list_no_sources():
    surfaces = {
        "home": {"input": "user"},
        "session": {"input": "session"},
        "own": {"input": "user", "sources": ["ease"]},
        "similar": {"input": "item"},
        "cart": {"input": "items", "sources": ["popularity"]},
    }
    joined = with_backbone(config(surfaces=surfaces), "base", "music")
    assert {name: joined.sources_of(name) for name in surfaces} == {
        "home": ("backbone", "ease", "popularity"),
        "session": ("backbone", "ease", "popularity"),
        "own": ("ease",),
        "similar": ("ease", "popularity"),
        "cart": ("popularity",),
    }


def test_a_source_of_one_surface_stays_on_it():
    own = {"name": "due", "listed_only": True}
    surfaces = {"home": {}, "due": {"sources": ["due"]}, "like": {"input": "item"}}
    before = config(encoder="mine", sources=[{"name": "ease"}, own], surfaces=surfaces)
    joined = with_backbone(before, "base", "music")
    assert joined.sources_of("home") == ("backbone", "ease")
    assert joined.sources_of("due") == ("due",)
    assert joined.sources_of("like") == ("ease",)


def test_a_pipeline_file_may_ask_for_it_on_any_surface():
    sources = [{"name": "backbone", "settings": {"backbone": "base"}}, {"name": "ease"}]
    wanted = config(
        sources=sources, surfaces={"similar": {"input": "item", "sources": ["backbone"]}}
    )
    assert wanted.sources_of("similar") == ("backbone",)


def test_what_comes_of_it_is_validated():
    """As many candidates as no file may ask for stay refused."""
    wrong = config().model_copy(update={"candidates": 10**6})
    with pytest.raises(ConfigError, match="the pipeline with a backbone: candidates"):
        with_backbone(wrong, "base", "music")


def test_a_body_joins_behind_as_the_source_that_it_belongs_to() -> None:
    joined = with_backbone(config(encoder="mine"), "rings", "music", "transformer")
    *others, last = joined.sources
    assert (last.name, last.settings) == ("transformer", {"pretrained": "rings", "encoder": "mine"})
    assert last.effort == "quick"  # whoever names it wants it tried
    assert [one.name for one in others] == [one.name for one in config().sources]
    assert not joined.title_vectors  # it reads texts, no titles
    assert joined.item_sources == tuple(one.label for one in config().sources)


def test_a_source_that_is_there_already_is_not_changed() -> None:
    own = {"name": "transformer", "label": "mine", "settings": {"layers": 1}}
    with pytest.raises(ConfigError, match="the source 'mine': change its setting `pretrained`"):
        with_backbone(config(sources=[own]), "rings", "music", "transformer")
    labelled = config(sources=[{"name": "popularity", "label": "transformer"}])
    with pytest.raises(ConfigError, match="'popularity' is labelled 'transformer'"):
        with_backbone(labelled, "rings", "music", "transformer")
    backbone = config(sources=["popularity", {"name": "backbone"}])  # another source is no reason
    joined = with_backbone(backbone, "rings", "music", "transformer")
    assert [one.name for one in joined.sources] == ["popularity", "backbone", "transformer"]


def test_what_thorough_fits_try_comes_last_and_leaves_surfaces_about_items_alone() -> None:
    before = config(encoder="mine", surfaces={"similar": {"input": "item"}})
    joined = with_thorough(before, ["deep", "wide"])
    assert [one.name for one in joined.sources] == ["ease", "popularity", "deep", "wide"]
    assert [one.effort for one in joined.sources] == ["quick", "quick", "thorough", "thorough"]
    assert joined.sources[-1].settings == {"encoder": "mine"}
    assert joined.sources_of("similar") == ("ease", "popularity")


def test_what_thorough_fits_try_is_not_there_twice() -> None:
    body = with_backbone(config(), "rings", "music", "deep")
    labelled = config(sources=[{"name": "ease", "label": "deep"}])
    for before in (body, labelled, with_thorough(config(), ["deep"])):
        assert with_thorough(before, ["deep"]) == before
