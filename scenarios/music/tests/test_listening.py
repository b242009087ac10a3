"""On repeat, release radar, discovery and sessions, from files to reasons."""

from __future__ import annotations

from collections.abc import Iterator

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
name = "covisitation"
[[sources]]
name = "own-history"
settings = { order = "count", days = 30, least = 2 }
[[sources]]
name = "following"
label = "listened-artists"
settings = { events = 1, days = 28 }
[surfaces.songs_for_you]
sources = ["covisitation"]
[surfaces.on_repeat]
sources = ["own-history"]
fallback = []
[surfaces.release_radar]
sources = ["listened-artists"]
fallback = []
[surfaces.discover_weekly]
sources = ["covisitation"]
[surfaces.radio]
sources = ["covisitation"]
[surfaces.autoplay_next]
sources = ["covisitation"]
"""


def tracks() -> pd.DataFrame:
    """Six tracks each of four artists; the last three of each came in the last four weeks."""
    rows = [
        {
            "item_id": f"{artist}{at}",
            "title": f"{artist.upper()} No. {at}",
            "artist": artist.upper(),
            "categories": ["jazz"],
            "release_date": NOW - DAY * (5 + at if at >= 3 else 300 + at),
        }
        for artist in "abcd"
        for at in range(6)
    ]
    return pd.DataFrame(rows)


def plays() -> pd.DataFrame:
    """Thirty people play everything in turn; `me` plays a0 and b1 again and again."""
    order = [f"{artist}{at}" for at in range(6) for artist in "abcd"]
    rows = [
        (f"p{user}", order[(user + at) % len(order)], "complete", NOW - DAY * 50 + 300.0 * at)
        for user in range(30)
        for at in range(12)
    ]
    rows += [("me", "a0", "complete", NOW - DAY * day) for day in (2, 3, 4)]
    rows += [("me", "b1", "complete", NOW - DAY * day) for day in (1, 5)]
    rows += [("me", "a1", "complete", NOW - DAY * 6)]
    rows += [("me", "c2", "complete", NOW - DAY * day) for day in (80, 81, 82)]
    rows += [("me", "a4", "skip", NOW - DAY * 40)]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("club")
    (folder / "own.toml").write_text(PIPELINE, encoding="utf-8")
    engine = Engine.create(folder / "ws")
    engine.ingest("music", items=tracks(), events=plays())
    engine.fit("music", pipeline_file=folder / "own.toml")
    yield engine
    engine.workspace.close()


def mine(engine: Engine, surface: str, now: float = NOW) -> Slate:
    return engine.recommend("music", "me", surface=surface, now=now)


def artists(slate: Slate) -> list[str]:
    return [item_id[0] for item_id in slate.item_ids]


def test_on_repeat_is_what_was_played_most_in_thirty_days(club: Engine) -> None:
    """Once is no repeat, and what was played in autumn is over."""
    slate = mine(club, "on_repeat")
    assert list(slate.item_ids) == ["a0", "b1"]
    assert slate.items[0].reasons[0].text == "yours: 3 times, last 2 days ago"
    assert mine(club, "on_repeat", NOW + 60 * DAY).items == ()


def test_release_radar_has_new_tracks_of_artists_that_were_played(club: Engine) -> None:
    """Two of an artist in front; D was never played, the skipped a4 is no play of A's."""
    slate = mine(club, "release_radar")
    assert "d" not in artists(slate)
    assert set(slate.item_ids[:6]) == {"a3", "a4", "b3", "b4", "c3", "c4"}
    assert all(int(item_id[1]) >= 3 for item_id in slate.item_ids)
    assert "by the maker of" in slate.items[0].reasons[0].text


def test_discovery_has_nothing_that_was_played_or_skipped(club: Engine) -> None:
    slate = mine(club, "discover_weekly")
    assert slate.items
    assert not {"a0", "a1", "b1", "c2", "a4"} & set(slate.item_ids)
    assert len(set(artists(slate)[:4])) == 4, "one of each artist in front"


def test_radio_keeps_artists_apart(club: Engine) -> None:
    slate = club.recommend("music", item_ids=["a0"], surface="radio", now=NOW, k=4)
    assert len(set(artists(slate))) == 4
    assert "a0" not in slate.item_ids


def test_a_session_goes_on_without_what_it_has(club: Engine) -> None:
    session = ["a2", "b2"]
    slate = club.recommend("music", "p1", session=session, surface="autoplay_next", now=NOW, k=4)
    assert slate.items
    assert not set(session) & set(slate.item_ids)
