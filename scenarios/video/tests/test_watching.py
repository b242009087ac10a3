"""Continue watching, up next and what is new, from files to reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from crossrec import Engine
from crossrec.cli import main
from crossrec.components.slate import Slate

DAY = 86_400.0
NOW = 1_767_571_200.0
#: The default surfaces over the sources that read no texts.
PIPELINE = """
encoder = ""
[[sources]]
name = "covisitation"
[[sources]]
name = "continuation"
[[sources]]
name = "newest"
[[sources]]
name = "event-count"
label = "most-watched"
[surfaces.top_picks]
sources = ["covisitation"]
[surfaces.up_next]
sources = ["covisitation"]
[surfaces.continue_watching]
sources = ["continuation"]
fallback = []
[surfaces.new_releases]
sources = ["newest"]
fallback = []
[surfaces.most_popular]
sources = ["most-watched"]
fallback = []
"""


def titles() -> pd.DataFrame:
    """Two series of three episodes, numbered against the order of their ids, and four films."""
    rows = [
        {
            "item_id": f"{series}{4 - number}",
            "title": f"{series.title()} part {number}",
            "series_id": series,
            "season_number": 1,
            "episode_number": number,
        }
        for series in ("alps", "bees")
        for number in (1, 2, 3)
    ]
    rows += [{"item_id": f"film{i}", "title": f"Film {i}"} for i in range(4)]
    frame = pd.DataFrame(rows)
    frame["categories"] = [["nature"]] * 6 + [["crime"]] * 4
    frame["available_at"] = [NOW - DAY * (400 - at) for at in range(6)] + [
        NOW - DAY * days for days in (300, 20, 3, -2)
    ]
    return frame


def watches() -> pd.DataFrame:
    """Twenty people watch films; u0 is in the middle of things, u1 has finished with all."""
    rows: list[tuple[str, str, str, float, float | None]] = [
        (f"v{user}", f"film{at}", "complete", NOW - DAY * (60 + user), None)
        for user in range(20)
        for at in ((0, 1) if user % 2 else (0, 2))
    ]
    rows += [
        ("u0", "alps3", "complete", NOW - 9 * DAY, None),
        ("u0", "bees3", "watch", NOW - 8 * DAY, 0.97),
        ("u0", "bees2", "watch", NOW - 5 * DAY, 0.4),
        ("u0", "film0", "watch", NOW - 2 * DAY, 0.5),
        ("u0", "film1", "watch", NOW - 1 * DAY, 0.05),
        ("u0", "film2", "watch", NOW - 90 * DAY, 0.5),
        ("u1", "alps1", "complete", NOW - DAY, None),
    ]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "event_type", "time", "value"])


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Path]]:
    folder = tmp_path_factory.mktemp("cinema")
    (folder / "own.toml").write_text(PIPELINE, encoding="utf-8")
    engine = Engine.create(folder / "ws")
    engine.ingest("video", items=titles(), events=watches())
    engine.fit("video", pipeline_file=folder / "own.toml")
    yield engine, folder
    engine.workspace.close()


def texts(slate: Slate) -> list[str]:
    return [item.reasons[0].text for item in slate.items]


def test_what_was_begun_goes_on_and_next_episodes_follow(cinema: tuple[Engine, Path]) -> None:
    """The film of three months ago is given up; five per cent of a film do not count."""
    slate = cinema[0].recommend("video", "u0", surface="continue_watching", now=NOW)
    assert list(slate.item_ids) == ["film0", "bees2", "alps2"]
    assert texts(slate) == [
        "50% watched 2 days ago",
        "40% watched 5 days ago",
        "next episode after “Alps part 1”",
    ]
    assert slate.short_because


def test_where_nothing_goes_on_the_row_is_empty(cinema: tuple[Engine, Path]) -> None:
    slate = cinema[0].recommend("video", "u1", surface="continue_watching", now=NOW)
    assert list(slate.item_ids) == []
    assert "continuation proposed nothing" in slate.short_because


def test_what_was_half_watched_is_no_pick_of_today(cinema: tuple[Engine, Path]) -> None:
    """Other surfaces leave out what a soft consumption removes while it is fresh."""
    slate = cinema[0].recommend("video", "u0", now=NOW, k=3)
    assert "film0" not in slate.item_ids


def test_finishing_an_episode_brings_the_next_at_once(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(PIPELINE, encoding="utf-8")
    engine = Engine.create(tmp_path / "ws")
    engine.ingest("video", items=titles(), events=watches())
    engine.fit("video", pipeline_file=tmp_path / "own.toml")
    columns = ["user_id", "item_id", "event_type", "time"]
    done = pd.DataFrame([("u0", "bees2", "complete", NOW)], columns=columns)
    engine.ingest("video", events=done)
    slate = engine.recommend("video", "u0", surface="continue_watching", now=NOW + 60)
    assert list(slate.item_ids) == ["bees1", "film0", "alps2"]
    refused = [
        ("u0", "film0", "dont_recommend_channel", NOW + 1),
        ("u0", "bees1", "not_interested", NOW + 2),
    ]
    hidden = pd.DataFrame(refused, columns=columns)
    engine.ingest("video", events=hidden)
    slate = engine.recommend("video", "u0", surface="continue_watching", now=NOW + 60)
    assert "film0" not in slate.item_ids
    assert "bees1" not in slate.item_ids
    engine.workspace.close()


def test_the_next_episode_stands_in_front(cinema: tuple[Engine, Path]) -> None:
    for user in (None, "u1"):
        slate = cinema[0].recommend(
            "video", user, item_ids=["alps3"], surface="up_next", now=NOW, k=3
        )
        assert slate.item_ids[0] == "alps2"
        assert "next_episode" in {change.code for change in slate.changes}
    film = cinema[0].recommend("video", item_ids=["film0"], surface="up_next", now=NOW, k=2)
    assert set(film.item_ids) == {"film1", "film2"}


def test_new_releases_are_there_already_and_the_newest_first(cinema: tuple[Engine, Path]) -> None:
    """Film 3 comes the day after tomorrow."""
    slate = cinema[0].recommend("video", "v1", surface="new_releases", now=NOW)
    assert list(slate.item_ids) == ["film2"]
    assert texts(slate) == ["new: came 3 days ago"]
    later = cinema[0].recommend("video", "u1", surface="new_releases", now=NOW + 3 * DAY)
    assert list(later.item_ids) == ["film3", "film2", "film1"]


def test_most_popular_counts_people(cinema: tuple[Engine, Path]) -> None:
    slate = cinema[0].recommend("video", surface="most_popular", now=NOW, k=3)
    assert slate.item_ids[0] == "film0"
    assert texts(slate)[0] == "popular: 21 people"


def test_from_the_command_line(cinema: tuple[Engine, Path]) -> None:
    """A user and an item together, and nobody at all."""

    def call(*words: Any) -> Any:
        workspace = ("-w", str(cinema[1] / "ws"), "--json")
        done = CliRunner().invoke(main, ["recommend", "video", *words, *workspace])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    both = call("--surface", "up_next", "--user", "u1", "--item", "bees3", "-k", "2")
    assert both["items"][0]["item_id"] == "bees2"
    nobody = call("--surface", "most_popular", "-k", "1")
    assert [item["item_id"] for item in nobody["items"]] == ["film0"]
