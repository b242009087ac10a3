"""The declared scenario against the answers that are known of it."""

from __future__ import annotations

from typing import ClassVar

from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing import ScenarioPackageTests
from crossrec_music.scenario import ITEMS


class TestMusic(ScenarioPackageTests):
    component = "music"
    default_event = "play"
    # The names under which Last.fm, Spotify's logs, Recombee and players know the events.
    public_events: ClassVar = {
        "scrobble": "play",
        "listen": "play",
        "stream": "play",
        "playcount": "play_count",
        "plays": "play_count",
        "trackdone": "complete",
        "fwdbtn": "skip",
        "Love": "save_track",
        "like": "save_track",
        "AddBookmark": "save_track",
        "playlist-add": "add_to_playlist",
        "follow": "follow_artist",
        "thumbs down": "ban_track",
        "dislike": "ban_track",
        "start radio": "seed_radio",
        "replay": "repeat",
        "review": "rating",
        "buy": "purchase",
        "share": "share",
        "ban_artist": "ban_artist",
    }
    unknown_events = ("", "teleport", "humming")
    public_user_fields: ClassVar = {"allow_explicit": "explicit_allowed", "country_code": "country"}
    weights: ClassVar = {
        "play": {0: 0, 15: 0.5, 30: 1, 300: 1, None: 1},
        "skip": {1: -0.5, 10: -0.5, 29: -0.5, None: -0.5},
        "play_count": {1: 1, 13_883: 1, None: 1},
        "rating": {1: -3, 2: -1.5, 3: 0, 5: 3},
    }
    ladders = (
        ("skip", "impression", "play", "complete", "repeat", "save_track", "add_to_playlist"),
        ("ban_artist", "ban_track", "skip"),
    )
    never_again: ClassVar = {"ban_track", "ban_artist"}
    texts = (
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
        (
            {"title": "So What", "artist": ["Miles Davis", "John Coltrane"]},
            "So What. Miles Davis John Coltrane",
        ),
        ({}, ""),
    )
    surfaces: ClassVar = {
        "songs_for_you": "user",
        "similar_tracks": "item",
        "radio": "item",
        "playlist_continuation": "items",
        "autoplay_next": "session",
        "daily_mix": "user",
        "discover_weekly": "user",
        "release_radar": "user",
        "on_repeat": "user",
        "new_releases": "user",
        "related_artists": "item",
        "top_artists_for_you": "user",
        "top_albums_for_you": "user",
        "trending": "nothing",
    }
    sources = (
        "content",
        "ease",
        "covisitation",
        "popularity",
        "own-history",
        "following",
        "trending",
        "newest",
    )
    main_sources = ("content", "ease", "covisitation", "popularity")
    own_sources: ClassVar = {
        "radio": ("content", "ease", "covisitation"),
        "playlist_continuation": ("content", "ease", "covisitation"),
        "release_radar": ("listened-artists",),
        "on_repeat": ("own-history",),
        "new_releases": ("newest",),
        "trending": ("trending",),
    }
    importers = ("hetrec-lastfm", "llara-lastfm")


def test_catalog_of_records() -> None:
    records = {"t1": {"title": "So What", "categories": "jazz", "artist": "Miles Davis"}}
    catalog = Catalog.from_records(Vocabulary(["t1", "t2"]), records, ITEMS)
    assert catalog.titles == ("So What", "")
    assert catalog.categories == (("jazz",), ())
    assert catalog.creators == ("Miles Davis", "")
    assert catalog.known.tolist() == [True, False]
