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
from crossrec_video.scenario import EVENTS, ITEMS, SCENARIO, scenario

IMPORTERS = ("microlens", "ml1m-sequences", "movielens")
SOURCES = ("content", "ease", "covisitation", "popularity")
SURFACES = {"top_picks": "user", "more_like_this": "item"}


def weight(name: str, value: float = np.nan) -> float:
    """Return what one event of this name counts."""
    event = SCENARIO.event(name)
    assert event is not None
    types = np.array([EVENTS.index(event)])
    return round(float(event_weights(types, np.array([value]), SCENARIO)[0]), 6)


# The names under which Amazon Personalize, Google's media API and Recombee know the events.
@pytest.mark.parametrize(
    ("public", "name"),
    [
        ("Watch", "watch"),
        ("SetViewPortion", "watch"),
        ("Click", "click"),
        ("view-item", "click"),
        ("media-play", "play"),
        ("media-complete", "complete"),
        ("finished", "complete"),
        ("AddBookmark", "add_to_watchlist"),
        ("AddRating", "rating"),
        ("stars", "rating"),
        ("thumbs up", "like"),
        ("thumbs-down", "dislike"),
        ("subscribe", "subscribe_channel"),
        ("not interested", "not_interested"),
        ("block_channel", "dont_recommend_channel"),
        ("IMPRESSION", "impression"),
        ("survey", "survey"),
        ("share", "share"),
    ],
)
def test_public_names(public: str, name: str) -> None:
    event = SCENARIO.event(public)
    assert event is not None
    assert event.name == name


@pytest.mark.parametrize("unknown", ["", "teleport", "watching"])
def test_unknown_names(unknown: str) -> None:
    assert SCENARIO.event(unknown) is None


@pytest.mark.parametrize(
    ("portion", "expected"), [(0, 0), (0.1, 0.3), (0.5, 1.5), (1, 3), (1.5, 3), (np.nan, 3)]
)
def test_watching_counts_by_its_portion(portion: float, expected: float) -> None:
    assert weight("watch", portion) == expected


def test_a_whole_watch_is_a_complete_one() -> None:
    assert weight("watch", 1.0) == weight("complete")


# MovieLens: half a star to five.
@pytest.mark.parametrize(
    ("stars", "expected"), [(0.5, -3), (1.625, -1.5), (2.75, 0), (5, 3), (0, -3), (10, 3)]
)
def test_stars(stars: float, expected: float) -> None:
    assert weight("rating", stars) == expected


@pytest.mark.parametrize("stars", [3, 3.5, 4, 4.5, 5])
def test_three_stars_and_more_are_for_the_film(stars: float) -> None:
    assert weight("rating", stars) > 0


@pytest.mark.parametrize("stars", [0.5, 1, 1.5, 2, 2.5])
def test_two_and_a_half_stars_and_less_are_against_it(stars: float) -> None:
    assert weight("rating", stars) < 0


@pytest.mark.parametrize(("answer", "expected"), [(1, -4), (3, 0), (5, 4)])
def test_survey(answer: float, expected: float) -> None:
    assert weight("survey", answer) == expected


def test_the_ladder_of_dislike() -> None:
    ladder = ("dislike", "not_interested", "dont_recommend_channel")
    weights = [weight(name) for name in ladder]
    assert weights == sorted(set(weights), reverse=True)
    assert max(weights) < 0


def test_what_is_never_shown_again() -> None:
    hard = {event.name for event in EVENTS if event.consumes == "hard"}
    assert hard == {"complete", "dislike", "rating", "not_interested", "dont_recommend_channel"}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            {
                "title": "Jumanji (1995)",
                "categories": ["Adventure", "Children's"],
                "creator": ["Joe Johnston"],
                "description": "left out",
                "persons": ["Robin Williams"],
            },
            "Jumanji (1995). Adventure Children's. Joe Johnston",
        ),
        ({"title": "Jumanji (1995)", "categories": ["Adventure"]}, "Jumanji (1995). Adventure"),
        ({"title": "Pumpkin armour"}, "Pumpkin armour"),
        ({}, ""),
    ],
)
def test_text_of_a_title(row: dict[str, object], text: str) -> None:
    assert render(ITEMS.text_template, row) == text


def test_catalog_of_records() -> None:
    records = {"v1": {"title": "Jaws", "categories": "Thriller|Sea", "creator": ["S. S.", "X"]}}
    catalog = Catalog.from_records(Vocabulary(["v1", "v2"]), records, ITEMS)
    assert catalog.titles == ("Jaws", "")
    assert catalog.categories == (("Thriller", "Sea"), ())
    assert catalog.creators == ("S. S. X", "")
    assert catalog.known.tolist() == [True, False]


# Required item columns of Amazon Personalize's VIDEO_ON_DEMAND domain and of Google's media schema.
@pytest.mark.parametrize(
    ("public", "field"),
    [
        ("genres", "categories"),
        ("creation_timestamp", "created_at"),
        ("duration", "duration_s"),
        ("media_duration", "duration_s"),
        ("media_available_time", "available_at"),
        ("director", "creator"),
        ("movie_title", "title"),
        ("release_year", "production_year"),
    ],
)
def test_public_fields(public: str, field: str) -> None:
    found = next(f for f in ITEMS.fields if public in (f.name, *f.aliases))
    assert found.name == field


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
    assert registry.scenario("video") is SCENARIO
    assert scenario() is SCENARIO
    mine = {r.name for r in registry.all("importers") if r.plugin == "video"}
    assert mine == set(IMPORTERS)


@pytest.mark.parametrize("name", IMPORTERS)
def test_importers_can_be_built(name: str) -> None:
    registration = load_registry().get("importers", name)
    assert callable(registration.build())
    assert registration.summary


def test_the_plugin_is_light() -> None:
    code = (
        "import sys, crossrec_video.plugin; "
        "print(*({'pandas', 'torch', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
