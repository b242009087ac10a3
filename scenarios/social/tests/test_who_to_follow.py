"""Authors to follow and topics that rise, from files to answers."""

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
PIPELINE = """
encoder = ""
[[sources]]
name = "popularity"
[[sources]]
name = "who-to-follow"
listed_only = true
[[sources]]
name = "trending"
listed_only = true
settings = { window_days = 1 }
[surfaces.who_to_follow]
sources = ["who-to-follow"]
[surfaces.trending_topics]
sources = ["trending"]
[surfaces.home_feed]
sources = ["popularity"]
[surfaces.similar_posts]
sources = ["popularity"]
"""
AUTHORS = ("Ann", "Ben", "Cem", "Dee", "fan")


def posts() -> pd.DataFrame:
    """Three posts of each author; Ann and Ben write about tea, the others about chess."""
    rows = [
        {
            "item_id": f"{author.lower()}{at}",
            "title": f"{author} {at}",
            "author": author,
            "categories": ["tea" if author in ("Ann", "Ben") else "chess"],
            "created_at": NOW - DAY * (4 - at),
        }
        for author in AUTHORS
        for at in range(3)
    ]
    return pd.DataFrame(rows)


def events() -> pd.DataFrame:
    """Fan follows Ann; who follows Ann follows Ben; many follow Dee, and nobody else as well."""
    rows = [("fan", "ann0", "follow_author", NOW - 3.5 * DAY)]
    for user in range(4):
        rows += [(f"t{user}", f"{one}1", "follow_author", NOW - 3 * DAY) for one in ("ann", "ben")]
    rows += [(f"d{user}", "dee1", "follow_author", NOW - 2.9 * DAY) for user in range(9)]
    rows += [(f"r{user}", "cem2", "click", NOW - 0.2 * DAY - user) for user in range(8)]
    rows += [(f"r{user}", "ann1", "click", NOW - 1.2 * DAY - user) for user in range(8)]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "own.toml").write_text(PIPELINE, encoding="utf-8")
    engine = Engine.create(tmp_path / "ws")
    engine.ingest("social", items=posts(), events=events())
    engine.fit("social", pipeline_file=tmp_path / "own.toml")
    yield engine
    engine.workspace.close()


def ask(engine: Engine, user: str = "fan") -> Slate:
    return engine.recommend("social", user, surface="who_to_follow", now=NOW)


def happens(engine: Engine, *rows: tuple[str, str, str, float]) -> None:
    engine.ingest("social", events=pd.DataFrame(rows, columns=COLUMNS))


def test_whom_people_with_my_follows_follow(network: Engine) -> None:
    """Ben before Dee, who has more followers; neither Ann, who is followed, nor fan."""
    slate = ask(network)
    assert slate.item_ids == ("Ben", "Dee")
    assert slate.answers == "author"
    ben = slate.items[0]
    assert ben.examples[0].item_id == "ben1"
    assert ben.reasons[0].text == "followed by the same people as the maker of “Ann 0”"
    assert slate.items[1].reasons[0].text == "followed by 9 people"


def test_a_follow_counts_at_the_next_request_and_so_does_an_unfollow(network: Engine) -> None:
    happens(network, ("fan", "ben0", "follow_author", NOW - 60))
    assert "Ben" not in ask(network).item_ids
    happens(network, ("fan", "ben2", "unfollow_author", NOW - 30))
    assert ask(network).item_ids[0] == "Ben"


@pytest.mark.parametrize("event", ["mute_author", "block_author"])
def test_who_is_blocked_or_muted_is_not_proposed(network: Engine, event: str) -> None:
    happens(network, ("fan", "ben0", event, NOW - 60))
    assert ask(network).item_ids == ("Dee",)


def test_a_stranger_gets_those_with_most_followers(network: Engine) -> None:
    assert network.recommend("social", surface="who_to_follow").item_ids[:1] == ("Dee",)


def test_reasons_in_german(network: Engine) -> None:
    slate = network.recommend("social", "fan", surface="who_to_follow", now=NOW, language="de")
    assert slate.items[0].reasons[0].text == (
        "dieselben Personen folgen wie beim Urheber von “Ann 0”"
    )
    assert slate.items[1].reasons[0].text == "9 Personen folgen"


def test_topics_that_more_people_read_than_the_day_before(network: Engine) -> None:
    slate = network.recommend("social", surface="trending_topics", now=NOW)
    assert slate.item_ids == ("chess",)
    assert slate.answers == "categories"
    assert [one.item_id for one in slate.items[0].examples] == ["cem2"]


def test_nobody_is_shown_their_own_posts(network: Engine) -> None:
    """Fan's posts are on the feed of others alone."""
    own = network.recommend("social", "fan", k=15, now=NOW)
    assert not {"fan0", "fan1", "fan2"} & set(own.item_ids)
    assert {change.code for change in own.changes if change.item_id == "fan0"} == {"own_item"}
    other = network.recommend("social", "t0", k=15, now=NOW)
    assert {"fan0", "fan1", "fan2"} <= set(other.item_ids)
    found = network.why_not("social", "fan0", "fan", now=NOW)
    assert found.why.endswith("their own")
