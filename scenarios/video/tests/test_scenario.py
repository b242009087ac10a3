"""The declared scenario against the answers that are known of it."""

from __future__ import annotations

from typing import ClassVar

from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing import ScenarioPackageTests
from crossrec_video.scenario import ITEMS


class TestVideo(ScenarioPackageTests):
    component = "video"
    default_event = "watch"
    # The names under which Amazon Personalize, Google's media API and Recombee know the events.
    public_events: ClassVar = {
        "Watch": "watch",
        "SetViewPortion": "watch",
        "Click": "click",
        "view-item": "click",
        "media-play": "play",
        "media-complete": "complete",
        "finished": "complete",
        "AddBookmark": "add_to_watchlist",
        "AddRating": "rating",
        "stars": "rating",
        "thumbs up": "like",
        "thumbs-down": "dislike",
        "subscribe": "subscribe_channel",
        "not interested": "not_interested",
        "block_channel": "dont_recommend_channel",
        "IMPRESSION": "impression",
        "survey": "survey",
        "share": "share",
    }
    unknown_events = ("", "teleport", "watching")
    # Required item columns of Amazon Personalize's VIDEO_ON_DEMAND and of Google's media schema.
    public_fields: ClassVar = {
        "genres": "categories",
        "creation_timestamp": "created_at",
        "duration": "duration_s",
        "media_duration": "duration_s",
        "media_available_time": "available_at",
        "director": "creator",
        "movie_title": "title",
        "release_year": "production_year",
    }
    public_user_fields: ClassVar = {
        "plan": "subscription_model",
        "favorite_genres": "favourite_genres",
    }
    weights: ClassVar = {
        "watch": {0: 0, 0.1: 0.3, 0.5: 1.5, 1: 3, 1.5: 3, None: 3},
        # MovieLens: half a star to five.
        "rating": {0.5: -3, 1.625: -1.5, 2.75: 0, 5: 3, 0: -3, 10: 3},
        "survey": {1: -4, 3: 0, 5: 4},
    }
    ladders = (("dont_recommend_channel", "not_interested", "dislike", "impression"),)
    never_again: ClassVar = {
        "complete",
        "dislike",
        "rating",
        "not_interested",
        "dont_recommend_channel",
    }
    texts = (
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
    )
    surfaces: ClassVar = {
        "top_picks": "user",
        "more_like_this": "item",
        "up_next": "item",
        "continue_watching": "user",
        "because_you_watched": "user",
        "genre_row": "entity",
        "person_row": "entity",
        "editors_picks": "list",
        "new_releases": "user",
        "live_now": "user",
        "most_popular": "nothing",
        "trending_now": "nothing",
    }
    sources = (
        "content",
        "ease",
        "covisitation",
        "popularity",
        "continuation",
        "event-count",
        "trending",
        "newest",
    )
    main_sources = ("content", "ease", "covisitation", "popularity")
    own_sources: ClassVar = {
        "up_next": ("content", "ease", "covisitation"),
        "continue_watching": ("continuation",),
        "editors_picks": ("content", "ease", "covisitation"),
        "new_releases": ("newest",),
        "most_popular": ("most-watched",),
        "trending_now": ("trending",),
    }
    importers = ("microlens", "ml1m-sequences", "movielens")

    def test_a_whole_watch_is_a_complete_one(self) -> None:
        assert self.weight("watch", 1.0) == self.weight("complete")

    def test_three_stars_and_more_count_for_the_film(self) -> None:
        assert all(self.weight("rating", stars) > 0 for stars in (3, 3.5, 4, 4.5, 5))

    def test_two_and_a_half_stars_and_less_count_against_it(self) -> None:
        assert all(self.weight("rating", stars) < 0 for stars in (0.5, 1, 1.5, 2, 2.5))


def test_catalog_of_records() -> None:
    records = {"v1": {"title": "Jaws", "categories": "Thriller|Sea", "creator": ["S. S.", "X"]}}
    catalog = Catalog.from_records(Vocabulary(["v1", "v2"]), records, ITEMS)
    assert catalog.titles == ("Jaws", "")
    assert catalog.categories == (("Thriller", "Sea"), ())
    assert catalog.creators == ("S. S. X", "")
    assert catalog.known.tolist() == [True, False]
