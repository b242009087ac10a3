from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from crossrec.data.catalog import Catalog, render
from crossrec.data.vocabulary import Vocabulary
from crossrec.data.weights import event_weights
from crossrec.pipeline.config import load_config
from crossrec.plugins.registry import load_registry
from crossrec_social.scenario import EVENTS, ITEMS, SCENARIO, scenario

IMPORTERS = ("deskdrop", "stackexchange", "yelp-s3rec")
SOURCES = ("content", "ease", "covisitation", "popularity-decayed")
SURFACES = {"home_feed": "user", "similar_posts": "item"}


def weight(name: str, value: float = np.nan) -> float:
    """Return what one event of this name counts."""
    event = SCENARIO.event(name)
    assert event is not None
    types = np.array([EVENTS.index(event)])
    return round(float(event_weights(types, np.array([value]), SCENARIO)[0]), 6)


# The names under which X, Reddit, Mastodon, DeskDrop, Stack Exchange and Yelp know the events.
@pytest.mark.parametrize(
    ("public", "name"),
    [
        ("favorite", "like"),
        ("LIKE", "like"),
        ("upvote", "like"),
        ("retweet", "repost"),
        ("reblog", "repost"),
        ("boost", "repost"),
        ("quote_tweet", "quote"),
        ("COMMENT CREATED", "reply"),
        ("comment", "reply"),
        ("VIEW", "click"),
        ("open post", "click"),
        ("BOOKMARK", "bookmark"),
        ("FOLLOW", "follow_author"),
        ("share_dm", "share"),
        ("copy-link", "share"),
        ("CONTENT SHARED", "post"),
        ("ask", "post"),
        ("answer", "answer"),
        ("check-in", "review"),
        ("stars", "rating"),
        ("see less", "not_interested"),
        ("downvote", "not_interested"),
        ("block", "block_author"),
        ("mute", "mute_author"),
        ("spam", "report"),
        ("unfollow", "unfollow_author"),
    ],
)
def test_public_names(public: str, name: str) -> None:
    event = SCENARIO.event(public)
    assert event is not None
    assert event.name == name


@pytest.mark.parametrize("unknown", ["", "teleport", "likes of others"])
def test_unknown_names(unknown: str) -> None:
    assert SCENARIO.event(unknown) is None


def test_the_ladder_of_engagement() -> None:
    ladder = ("impression", "photo_expand", "click", "like", "repost", "reply", "follow_author")
    weights = [weight(name) for name in ladder]
    assert weights == sorted(set(weights))


def test_the_ladder_of_dislike() -> None:
    ladder = ("not_interested", "mute_author", "block_author")
    weights = [weight(name) for name in ladder]
    assert weights == sorted(set(weights), reverse=True)
    assert weight("report") == weight("block_author")


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 0), (3, 0.1), (15, 0.5), (30, 1), (3600, 1), (np.nan, 1)]
)
def test_dwelling_counts_up_to_half_a_minute(seconds: float, expected: float) -> None:
    assert weight("dwell", seconds) == expected


@pytest.mark.parametrize(("portion", "expected"), [(0, 0), (0.5, 0.75), (1, 1.5), (1.2, 1.5)])
def test_watching_counts_by_its_portion(portion: float, expected: float) -> None:
    assert weight("video_watch", portion) == expected


@pytest.mark.parametrize(("stars", "expected"), [(1, -3), (3, 0), (5, 3)])
def test_stars(stars: float, expected: float) -> None:
    assert weight("rating", stars) == expected


@pytest.mark.parametrize(("event", "undo"), [("like", "unlike"), ("follow", "unfollow")])
def test_taking_back_weighs_as_much(event: str, undo: str) -> None:
    assert weight(event) + weight(undo) == 0


def test_what_is_never_shown_again() -> None:
    hard = {event.name for event in EVENTS if event.consumes == "hard"}
    assert hard == {
        "repost",
        "quote",
        "post",
        "not_interested",
        "mute_author",
        "block_author",
        "report",
    }


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            {"title": "Is it real?", "categories": ["qubits", "noise"], "text": "I wonder."},
            "Is it real?. qubits noise. I wonder",
        ),
        ({"text": "Just words", "author": "Ann"}, "Just words"),
        ({"title": "A place", "categories": ["Delis"]}, "A place. Delis"),
        ({}, ""),
    ],
)
def test_text_of_a_post(row: dict[str, object], text: str) -> None:
    assert render(ITEMS.text_template, row) == text


def test_catalog_of_records() -> None:
    records = {"p1": {"title": "Owls", "categories": "birds|night", "author": "Ann", "score": 3}}
    catalog = Catalog.from_records(Vocabulary(["p1", "p2"]), records, ITEMS)
    assert catalog.titles == ("Owls", "")
    assert catalog.categories == (("birds", "night"), ())
    assert catalog.creators == ("Ann", "")
    assert catalog.known.tolist() == [True, False]


def test_no_name_means_two_events() -> None:
    names = [
        name.lower().replace("-", "_").replace(" ", "_")
        for event in EVENTS
        for name in (event.name, *event.aliases)
    ]
    assert len(names) == len(set(names))


def test_strengths_have_the_sign_of_their_polarity() -> None:
    for event in EVENTS:
        assert np.sign(event.strength) == event.polarity, event.name


def test_soft_consumption_wears_off() -> None:
    for event in EVENTS:
        assert (event.half_life_days is not None) == (event.consumes == "soft"), event.name


def test_values_have_what_they_are_scaled_by() -> None:
    for event in EVENTS:
        assert (event.value_range is not None) == (event.value == "rating"), event.name
        assert (event.value_cap is not None) == (event.value == "seconds"), event.name


def test_fields_named_by_schema_and_relations_exist() -> None:
    for name in (ITEMS.title, ITEMS.categories, ITEMS.creator):
        assert ITEMS.field(name) is not None
    for relation in SCENARIO.relations:
        assert ITEMS.field(relation.field) is not None, relation


def test_no_field_name_means_two_fields() -> None:
    names = [name for field in ITEMS.fields for name in (field.name, *field.aliases)]
    assert len(names) == len(set(names))


def test_surfaces() -> None:
    assert {s.name: s.input for s in SCENARIO.surfaces} == SURFACES
    assert SCENARIO.surface(SCENARIO.main_surface) is not None
    assert SCENARIO.surface("sidebar") is None


def test_default_event() -> None:
    event = SCENARIO.event(SCENARIO.default_event)
    assert event is not None
    assert event.polarity == 1


def test_default_pipeline() -> None:
    config = load_config(SCENARIO)
    assert tuple(source.name for source in config.sources) == SOURCES
    assert config.history == "exclude"
    assert not any(label.startswith("popularity") for label in config.item_sources)


def test_everything_in_the_default_pipeline_is_installed() -> None:
    config = load_config(SCENARIO)
    registry = load_registry()
    assert config.encoder in registry.names("encoders")
    assert {source.name for source in config.sources} <= set(registry.names("candidate_generators"))
    assert {policy.name for policy in config.policies} <= set(registry.names("policies"))
    assert config.sources[0].settings["encoder"] == config.encoder


def test_registered() -> None:
    registry = load_registry()
    assert registry.scenario("social") is SCENARIO
    assert scenario() is SCENARIO
    mine = {r.name for r in registry.all("importers") if r.plugin == "social"}
    assert mine == set(IMPORTERS)


@pytest.mark.parametrize("name", IMPORTERS)
def test_importers_can_be_built(name: str) -> None:
    registration = load_registry().get("importers", name)
    assert callable(registration.build())
    assert registration.summary


def test_the_plugin_is_light() -> None:
    code = (
        "import sys, crossrec_social.plugin; "
        "print(*({'pandas', 'torch', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
