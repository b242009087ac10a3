"""The feed of followed authors, catching up and what rises, from files to reasons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from crossrec import Engine
from crossrec.components.slate import Slate

DAY = 86_400.0
NOW = 1_767_571_200.0
COLUMNS = ["user_id", "item_id", "event_type", "time"]
#: The default surfaces over the sources that read no texts.
PIPELINE = """
encoder = ""
[[sources]]
name = "popularity"
[[sources]]
name = "following"
[[sources]]
name = "trending"
settings = { window_days = 1 }
[surfaces.home_feed]
sources = ["popularity"]
[surfaces.similar_posts]
sources = ["popularity"]
[surfaces.following]
sources = ["following"]
fallback = []
[surfaces.catch_up]
sources = ["following"]
fallback = []
[surfaces.trending_posts]
sources = ["trending"]
fallback = []
"""


def posts() -> pd.DataFrame:
    """Four posts each of Ann, Ben and Cem, one a day, those of Ben a few hours later."""
    rows = [
        {
            "item_id": f"{author}{at}",
            "title": f"{author} says {at}",
            "author": author.title(),
            "created_at": NOW - DAY * (4 - at) + 3600.0 * hours,
        }
        for author, hours in (("ann", 0), ("ben", 5), ("cem", 9))
        for at in range(4)
    ]
    return pd.DataFrame(rows)


def events() -> pd.DataFrame:
    """Fan follows Ann and Ben and has read one of each; many read Cem's last post today."""
    rows = [
        ("fan", "ann0", "follow_author", NOW - 3.5 * DAY),
        ("fan", "ben0", "follow_author", NOW - 3.4 * DAY),
        ("fan", "ben2", "click", NOW - 0.5 * DAY),
    ]
    rows += [(f"r{user}", "cem1", "click", NOW - 1.5 * DAY) for user in range(9)]
    rows += [(f"r{user}", "cem3", "click", NOW - 0.2 * DAY - user) for user in range(8)]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "own.toml").write_text(PIPELINE, encoding="utf-8")
    engine = Engine.create(tmp_path / "ws")
    engine.ingest("social", items=posts(), events=events())
    engine.fit("social", pipeline_file=tmp_path / "own.toml")
    yield engine
    engine.workspace.close()


def fan(engine: Engine, surface: str = "following") -> Slate:
    return engine.recommend("social", "fan", surface=surface, now=NOW)


def happens(engine: Engine, *rows: tuple[str, str, str, float]) -> None:
    engine.ingest("social", events=pd.DataFrame(rows, columns=COLUMNS))


def test_posts_of_followed_authors_the_newest_first(network: Engine) -> None:
    """None of Cem's, and none that was read: neither the two of the follows, nor ben2."""
    slate = fan(network)
    assert list(slate.item_ids) == ["ben3", "ann3", "ann2", "ben1", "ann1"]
    (reason,) = slate.items[0].reasons
    assert reason.text == "came yesterday, by the maker of “ben says 0”"
    assert reason.history == ("ben0",)
    assert slate.short_because


def test_who_follows_nobody_gets_nothing_and_learns_why(network: Engine) -> None:
    slate = network.recommend("social", "r1", surface="following", now=NOW)
    assert slate.items == ()
    assert "following proposed nothing" in slate.short_because


def test_an_unfollow_on_another_post_counts_at_the_next_request(network: Engine) -> None:
    happens(network, ("fan", "ann2", "unfollow_author", NOW - 60))
    assert list(fan(network).item_ids) == ["ben3", "ben1"]
    happens(network, ("fan", "ann1", "follow_author", NOW - 30))
    assert "ann3" in fan(network).item_ids


@pytest.mark.parametrize("event", ["mute_author", "block_author"])
def test_a_muted_author_is_in_no_feed(network: Engine, event: str) -> None:
    happens(network, ("fan", "ben1", event, NOW - 60))
    assert list(fan(network).item_ids) == ["ann3", "ann2", "ann1"]
    assert list(fan(network, "catch_up").item_ids) == ["ann3"]


def test_catching_up_has_the_newest_post_of_each(network: Engine) -> None:
    assert list(fan(network, "catch_up").item_ids) == ["ben3", "ann3"]


def test_a_post_written_after_the_fit_leads_the_feed(network: Engine) -> None:
    late = {"item_id": "ann9", "title": "ann again", "author": "Ann", "created_at": NOW - 60}
    other = {"item_id": "cem9", "title": "cem again", "author": "Cem", "created_at": NOW - 30}
    network.ingest("social", items=pd.DataFrame([late, other]))
    assert network.refresh("social").published
    slate = fan(network)
    assert slate.item_ids[0] == "ann9"
    assert "cem9" not in slate.item_ids


def test_what_rises_is_what_more_people_read_than_the_day_before(network: Engine) -> None:
    slate = network.recommend("social", surface="trending_posts", now=NOW)
    assert slate.item_ids[0] == "cem3"
    assert "cem1" not in slate.item_ids
    assert slate.items[0].reasons[0].text == "rising: 8 people in the last day, 0 in the day before"
