"""A backbone joins a pipeline as one more source."""

from __future__ import annotations

from crossrec.pipeline.config import parse_config, with_backbone


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


def test_a_second_backbone_takes_the_place_of_the_first():
    once = with_backbone(config(), "old", "music")
    twice = with_backbone(once, "new", "music")
    assert [source.name for source in twice.sources] == ["backbone", "ease", "popularity"]
    assert twice.sources[0].settings["backbone"] == "new"


def test_everything_else_is_left_as_it_was():
    before = config(history="keep", candidates=50, item_sources=["ease"])
    after = with_backbone(before, "base", "music")
    assert (after.history, after.candidates) == ("keep", 50)
    assert after.item_sources == ("ease",)
    assert before.sources == config().sources
