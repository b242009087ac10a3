"""The declared scenario against the answers that are known of it."""

from __future__ import annotations

from typing import ClassVar

from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing import ScenarioPackageTests
from crossrec_social.scenario import ITEMS


class TestSocial(ScenarioPackageTests):
    component = "social"
    default_event = "click"
    # The names under which X, Reddit, Mastodon, DeskDrop, Stack Exchange and Yelp know the events.
    public_events: ClassVar = {
        "favorite": "like",
        "LIKE": "like",
        "upvote": "like",
        "retweet": "repost",
        "reblog": "repost",
        "boost": "repost",
        "quote_tweet": "quote",
        "COMMENT CREATED": "reply",
        "comment": "reply",
        "VIEW": "click",
        "open post": "click",
        "BOOKMARK": "bookmark",
        "FOLLOW": "follow_author",
        "share_dm": "share",
        "copy-link": "share",
        "CONTENT SHARED": "post",
        "ask": "post",
        "answer": "answer",
        "check-in": "review",
        "stars": "rating",
        "see less": "not_interested",
        "downvote": "not_interested",
        "block": "block_author",
        "mute": "mute_author",
        "spam": "report",
        "unfollow": "unfollow_author",
    }
    unknown_events = ("", "teleport", "likes of others")
    public_user_fields: ClassVar = {"interests": "followed_topics", "lang": "language"}
    weights: ClassVar = {
        "dwell": {0: 0, 3: 0.1, 15: 0.5, 30: 1, 3600: 1, None: 1},
        "video_watch": {0: 0, 0.5: 0.75, 1: 1.5, 1.2: 1.5},
        "rating": {1: -3, 3: 0, 5: 3},
    }
    ladders = (
        ("impression", "photo_expand", "click", "like", "repost", "reply", "follow_author"),
        ("block_author", "mute_author", "not_interested"),
    )
    never_again: ClassVar = {
        "repost",
        "quote",
        "post",
        "not_interested",
        "mute_author",
        "block_author",
        "report",
    }
    texts = (
        (
            {"title": "Is it real?", "categories": ["qubits", "noise"], "text": "I wonder."},
            "Is it real?. qubits noise. I wonder",
        ),
        ({"text": "Just words", "author": "Ann"}, "Just words"),
        ({"title": "A place", "categories": ["Delis"]}, "A place. Delis"),
        ({}, ""),
    )
    surfaces: ClassVar = {
        "home_feed": "user",
        "similar_posts": "item",
        "following": "user",
        "catch_up": "user",
        "community_feed": "entity",
        "who_to_follow": "user",
        "trending_topics": "nothing",
        "trending_posts": "nothing",
    }
    sources = (
        "content",
        "ease",
        "covisitation",
        "popularity-decayed",
        "following",
        "who-to-follow",
        "trending",
    )
    main_sources = ("content", "ease", "covisitation", "popularity-decayed")
    own_sources: ClassVar = {
        "following": ("following",),
        "catch_up": ("following",),
        "who_to_follow": ("who-to-follow",),
        "trending_topics": ("trending",),
        "trending_posts": ("trending",),
    }
    importers = ("deskdrop", "stackexchange", "yelp-s3rec")

    def test_taking_back_weighs_as_much(self) -> None:
        assert self.weight("like") + self.weight("unlike") == 0
        assert self.weight("follow") + self.weight("unfollow") == 0

    def test_a_report_weighs_as_much_as_a_block(self) -> None:
        assert self.weight("report") == self.weight("block_author")


def test_catalog_of_records() -> None:
    records = {"p1": {"title": "Owls", "categories": "birds|night", "author": "Ann", "score": 3}}
    catalog = Catalog.from_records(Vocabulary(["p1", "p2"]), records, ITEMS)
    assert catalog.titles == ("Owls", "")
    assert catalog.categories == (("birds", "night"), ())
    assert catalog.creators == ("Ann", "")
    assert catalog.known.tolist() == [True, False]
