"""A pipeline's names looked up once: plans of surfaces, settings, and what cannot be used."""

from __future__ import annotations

import pytest
from crossrec.components.fusion import RrfConfig
from crossrec.errors import CrossrecError, UsageError
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.resolved import BASELINES, resolve_pipeline


@pytest.fixture
def resolve(registry):
    def resolve(main="", **values):
        sources = [{"name": "popular"}, {"name": "together"}]
        return resolve_pipeline(parse_config({"sources": sources, **values}, "t"), registry, main)

    return resolve


def test_the_main_surface_is_the_one_that_is_named(resolve):
    surfaces = {"like": {"input": "item"}, "home": {}, "shelf": {}}
    assert resolve("shelf", surfaces=surfaces).main == "shelf"
    assert resolve("shelf", surfaces=surfaces).main_surface.name == "shelf"
    assert resolve("", surfaces=surfaces).main == "home", "the first that is about users"
    assert resolve("gone", surfaces=surfaces).main == "home"
    assert resolve("", surfaces={"like": {"input": "item"}}).main == "like"
    assert resolve("like", surfaces=surfaces).main == "like"


def test_a_surface_takes_the_pipelines_ranker_with_its_settings(resolve):
    found = resolve(ranker="rrf", ranker_settings={"constant": 3.0}).surfaces
    assert found["user"].ranker == "rrf"
    assert list(found["user"].rankers) == list(BASELINES)
    assert found["user"].rankers["rrf"].build().config.constant == 3.0
    assert found["user"].rankers["weighted"].build().config.passes == 3


def test_a_surface_about_items_does_not(resolve):
    """The pipeline's ranker is chosen for lists about a user."""
    found = resolve(ranker="inverted").surfaces
    assert (found["user"].ranker, found["item"].ranker) == ("inverted", "auto")
    assert list(found["user"].rankers) == [*BASELINES, "inverted"]
    assert list(found["item"].rankers) == list(BASELINES)
    assert (found["user"].about_items, found["item"].about_items) == (False, True)


def test_a_surface_may_name_a_ranker_of_its_own(resolve):
    own = {"item": {"input": "item", "ranker": "rrf", "ranker_settings": {"constant": 7.0}}}
    found = resolve(ranker="inverted", surfaces={"user": {}, **own}).surfaces
    assert found["item"].ranker == "rrf"
    assert found["item"].rankers["rrf"].build().config.constant == 7.0
    assert found["user"].rankers["rrf"].build().config == RrfConfig()


def test_policies_are_the_pipelines_unless_a_surface_names_its_own(resolve):
    surfaces = {"user": {}, "none": {"policies": []}, "own": {"policies": ["drops-first"]}}
    found = resolve(policies=["availability", "drops-first"], surfaces=surfaces).surfaces
    assert list(found["user"].policies) == ["availability", "drops-first"]
    assert list(found["none"].policies) == []
    assert list(found["own"].policies) == ["drops-first"]


def test_a_policy_twice_has_two_labels(resolve):
    names = ["drops-first", "raises", "drops-first", "drops-first"]
    assert list(resolve(policies=names).surfaces["user"].policies) == [
        "drops-first", "raises", "drops-first #2", "drops-first #3",
    ]  # fmt: skip


def test_sources_and_the_rule_for_known_items_are_those_of_the_plan(resolve):
    surfaces = {"user": {"sources": ["together"], "history": "keep"}, "item": {"input": "item"}}
    found = resolve(history="exclude", item_sources=["popular"], surfaces=surfaces).surfaces
    assert (found["user"].sources, found["user"].history) == (("together",), "keep")
    assert (found["item"].sources, found["item"].history) == (("popular",), "exclude")


def test_capabilities_are_those_of_the_registrations(resolve):
    assert resolve().capabilities == {
        "popular": frozenset({"explain"}), "together": frozenset({"explain"}),
    }  # fmt: skip


def test_with_fewer_sources_every_plan_loses_them(resolve):
    surfaces = {"user": {}, "item": {"input": "item", "sources": ["together"]}}
    found = resolve(surfaces=surfaces).with_sources(("popular",))
    assert list(found.sources) == ["popular"]
    assert found.surfaces["user"].sources == ("popular",)
    assert found.surfaces["item"].sources == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sources": [{"name": "populr"}]}, "populr"),
        ({"encoder": "transfomer"}, "transfomer"),
        ({"ranker": "wieghted"}, "wieghted"),
        ({"ranker": "rrf", "ranker_settings": {"constant": -1}}, "constant"),
        ({"policies": ["availabilty"]}, "availabilty"),
        ({"surfaces": {"user": {"ranker": "wieghted"}}}, "wieghted"),
        ({"surfaces": {"user": {}, "like": {"input": "item", "ranker": "bst"}}}, "bst"),
        ({"surfaces": {"user": {"policies": ["availabilty"]}}}, "availabilty"),
    ],
)
def test_what_cannot_be_used_is_kept_and_refused_before_a_fit(resolve, values, message):
    found = resolve(**values)
    with pytest.raises(UsageError, match=message):
        found.refuse_unusable()


def test_a_source_whose_library_is_missing_is_no_reason(make_registry):
    class NeedsLibrary:
        def __init__(self):
            raise ImportError("no such library")

    registry = make_registry(
        candidate_generators={"heavy": NeedsLibrary}, policies={"strict": NeedsLibrary}
    )
    config = parse_config({"sources": [{"name": "heavy"}, {"name": "popular"}]}, "t")
    found = resolve_pipeline(config, registry)
    found.refuse_unusable()
    with pytest.raises(CrossrecError, match="no such library"):
        found.sources["heavy"].build()
    config = parse_config({"sources": [{"name": "popular"}], "policies": ["strict"]}, "t")
    with pytest.raises(CrossrecError, match="no such library"):
        resolve_pipeline(config, registry).refuse_unusable()
