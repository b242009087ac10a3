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
from crossrec_music.scenario import EVENTS, ITEMS, SCENARIO, scenario

IMPORTERS = ("hetrec-lastfm", "llara-lastfm")
SOURCES = ("content", "ease", "covisitation", "popularity")
SURFACES = {"songs_for_you": "user", "similar_tracks": "item"}


def weight(name: str, value: float = np.nan) -> float:
    """Return what one event of this name counts."""
    event = SCENARIO.event(name)
    assert event is not None
    types = np.array([EVENTS.index(event)])
    return round(float(event_weights(types, np.array([value]), SCENARIO)[0]), 6)


# The names under which Last.fm, Spotify's logs, Recombee and players know the events.
@pytest.mark.parametrize(
    ("public", "name"),
    [
        ("scrobble", "play"),
        ("listen", "play"),
        ("stream", "play"),
        ("playcount", "play_count"),
        ("plays", "play_count"),
        ("trackdone", "complete"),
        ("fwdbtn", "skip"),
        ("Love", "save_track"),
        ("like", "save_track"),
        ("AddBookmark", "save_track"),
        ("playlist-add", "add_to_playlist"),
        ("follow", "follow_artist"),
        ("thumbs down", "ban_track"),
        ("dislike", "ban_track"),
        ("start radio", "seed_radio"),
        ("replay", "repeat"),
        ("review", "rating"),
        ("buy", "purchase"),
        ("share", "share"),
        ("ban_artist", "ban_artist"),
    ],
)
def test_public_names(public: str, name: str) -> None:
    event = SCENARIO.event(public)
    assert event is not None
    assert event.name == name


@pytest.mark.parametrize("unknown", ["", "teleport", "humming"])
def test_unknown_names(unknown: str) -> None:
    assert SCENARIO.event(unknown) is None


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 0), (15, 0.5), (30, 1), (300, 1), (np.nan, 1)]
)
def test_a_play_counts_in_full_from_half_a_minute(seconds: float, expected: float) -> None:
    assert weight("play", seconds) == expected


@pytest.mark.parametrize("seconds", [1, 10, 29, np.nan])
def test_a_skip_counts_against_whenever_it_was(seconds: float) -> None:
    assert weight("skip", seconds) == -0.5


@pytest.mark.parametrize("plays", [1, 13_883, np.nan])
def test_play_counts_do_not_scale(plays: float) -> None:
    assert weight("play_count", plays) == 1


def test_the_ladder_of_listening() -> None:
    ladder = ("skip", "impression", "play", "complete", "repeat", "save_track", "add_to_playlist")
    weights = [weight(name) for name in ladder]
    assert weights == sorted(set(weights))


def test_the_ladder_of_dislike() -> None:
    ladder = ("skip", "ban_track", "ban_artist")
    weights = [weight(name) for name in ladder]
    assert weights == sorted(set(weights), reverse=True)


@pytest.mark.parametrize(("stars", "expected"), [(1, -3), (2, -1.5), (3, 0), (5, 3)])
def test_stars(stars: float, expected: float) -> None:
    assert weight("rating", stars) == expected


def test_only_bans_are_for_ever() -> None:
    hard = {event.name for event in EVENTS if event.consumes == "hard"}
    assert hard == {"ban_track", "ban_artist"}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            {
                "title": "So What",
                "artist": "Miles Davis",
                "categories": ["jazz", "modal"],
                "album": "Kind of Blue",
                "bpm": 136,
            },
            "So What. Miles Davis. jazz modal. Kind of Blue",
        ),
        ({"title": "Café Del Mar", "item_type": "artist"}, "Café Del Mar"),
        ({"title": "So What", "artist": ["Miles Davis", "John Coltrane"]}, None),
        ({}, ""),
    ],
)
def test_text_of_a_track(row: dict[str, object], text: str | None) -> None:
    expected = "So What. Miles Davis John Coltrane" if text is None else text
    assert render(ITEMS.text_template, row) == expected


def test_catalog_of_records() -> None:
    records = {"t1": {"title": "So What", "categories": "jazz", "artist": "Miles Davis"}}
    catalog = Catalog.from_records(Vocabulary(["t1", "t2"]), records, ITEMS)
    assert catalog.titles == ("So What", "")
    assert catalog.categories == (("jazz",), ())
    assert catalog.creators == ("Miles Davis", "")
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
    assert registry.scenario("music") is SCENARIO
    assert scenario() is SCENARIO
    mine = {r.name for r in registry.all("importers") if r.plugin == "music"}
    assert mine == set(IMPORTERS)


@pytest.mark.parametrize("name", IMPORTERS)
def test_importers_can_be_built(name: str) -> None:
    registration = load_registry().get("importers", name)
    assert callable(registration.build())
    assert registration.summary


def test_the_plugin_is_light() -> None:
    code = (
        "import sys, crossrec_music.plugin; "
        "print(*({'pandas', 'torch', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
