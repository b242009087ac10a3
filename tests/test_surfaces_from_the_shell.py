"""Rows, entities, given lists and answers before a fit, as the command line prints them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from crossrec.cli import main

DAY = 86_400.0
NOW = 1_767_571_200.0
#: The default surfaces of video over what reads no texts.
PIPELINE = """
encoder = ""
[[sources]]
name = "covisitation"
[[sources]]
name = "popularity"
[[sources]]
name = "trending"
listed_only = true
[surfaces.top_picks]
sources = ["covisitation", "popularity"]
[surfaces.because_you_watched]
sources = ["covisitation"]
fallback = []
rows = { days = 0 }
[surfaces.makers]
answers = "creator"
history = "keep"
consumed = "keep"
[surfaces.trending_now]
sources = ["trending"]
fallback = []
"""
Call = Callable[..., Result]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Call:
    """Twelve films of two genres and four makers; people watch those of one genre."""
    folder = tmp_path_factory.mktemp("shell")
    (folder / "own.toml").write_text(PIPELINE, encoding="utf-8")
    films = [
        {
            "item_id": f"f{at}",
            "title": f"Film {at}",
            "categories": ["space", "crime"][at % 2],
            "creator": f"Studio {at % 4}",
        }
        for at in range(12)
    ]
    pd.DataFrame(films).to_csv(folder / "items.csv", index=False)
    rows = [
        (f"u{user}", f"f{at}", "watch", NOW - DAY * (user + at), 0.8)
        for user in range(8)
        for at in range(user % 2, 12, 2)
        if (user + at) % 5
    ]
    columns = ["user_id", "item_id", "event_type", "time", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "events.csv", index=False)

    def run(command: str, *words: object) -> Result:
        arguments = [command, "video", *map(str, words), "-w", str(folder / "ws")]
        return CliRunner().invoke(main, arguments, env={"COLUMNS": "200"})

    done = run("ingest", "--items", folder / "items.csv", "--events", folder / "events.csv")
    assert done.exit_code == 0, done.output
    early = run("recommend", "--surface", "trending_now", "--json")
    assert early.exit_code == 0, early.output
    assert json.loads(early.stdout)["path"] == "not fitted, no history"
    done = run("recommend", "--user", "u0", "--surface", "top_picks")
    assert done.exit_code != 0
    assert "until then these answer: " in done.stderr
    assert "trending_now" in done.stderr
    done = run("fit", "--pipeline", folder / "own.toml")
    assert done.exit_code == 0, done.output
    return run


def lines(done: Result) -> list[str]:
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def test_rows_are_printed_below_their_headings(call: Call) -> None:
    found = lines(call("recommend", "--user", "u0", "--surface", "because_you_watched", "--rows"))
    heads = [line for line in found if line.startswith("because you watched “Film ")]
    assert len(set(heads)) == len(heads) == 2
    assert found.index(heads[0]) < found.index(heads[1])


def test_one_row_and_all_rows_as_json(call: Call) -> None:
    one = call("recommend", "--user", "u0", "--surface", "because_you_watched", "--row", "2",
               "--json")  # fmt: skip
    every = call("recommend", "--user", "u0", "--surface", "because_you_watched", "--rows",
                 "--json")  # fmt: skip
    second, both = json.loads(one.stdout), json.loads(every.stdout)
    assert [len(row["about"]) for row in both] == [1, 1]
    assert second["heading"] == both[1]["heading"]


def test_without_rows_the_reason_is_printed(call: Call) -> None:
    found = lines(call("recommend", "--user", "nobody", "--surface", "because_you_watched",
                       "--rows"))  # fmt: skip
    assert any("the history makes 0 of these rows" in line for line in found)


def test_a_row_that_there_is_not_is_one_line(call: Call) -> None:
    done = call("recommend", "--user", "u0", "--surface", "because_you_watched", "--row", "7")
    assert done.exit_code == 2
    assert done.stderr.strip().endswith("there is no row 7: the surface has 2")


def test_the_heading_in_german(call: Call) -> None:
    found = lines(call("recommend", "--user", "u0", "--surface", "because_you_watched",
                       "--language", "de"))  # fmt: skip
    assert found[0].startswith("weil du “Film ")
    assert found[0].endswith("” gesehen hast")


def test_the_films_of_one_genre(call: Call) -> None:
    done = call("recommend", "--entity", "genre=SPACE", "--surface", "genre_row", "--json")
    ids = [item["item_id"] for item in json.loads(done.stdout)["items"]]
    assert set(ids) == {f"f{at}" for at in range(0, 12, 2)}


def test_makers_with_films_of_theirs(call: Call) -> None:
    found = lines(call("recommend", "--user", "u0", "--surface", "makers"))
    assert found[0].split()[:4] == ["#", "CREATOR", "SUCH", "AS"]
    assert "Studio " in found[1]
    assert "Film " in found[1]


def test_a_list_keeps_its_order_for_nobody(call: Call) -> None:
    words = [word for at in (3, 8, 1) for word in ("--item", f"f{at}")]
    done = call("recommend", *words, "--surface", "editors_picks", "--json")
    assert [one["item_id"] for one in json.loads(done.stdout)["items"]] == ["f3", "f8", "f1"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--surface", "genre_row"), "give --entity NAME=VALUE"),
        (("--surface", "editors_picks"), "give the items with --item"),
        (("--entity", "genre"), "written as NAME=VALUE, such as genre=jazz"),
        (("--entity", "genre=space", "--item", "f1"), "about items or about an entity"),
        (("--entity", "mood=calm"), "has no relation or field 'mood'"),
        (("--surface", "top_picks", "--row", "2"), "has one row: leave the row out"),
        (("--row", "0"), "row must be 1 or more, not 0"),
    ],
)
def test_what_does_not_fit_is_one_line(call: Call, words: tuple[str, ...], complaint: str) -> None:
    done = call("recommend", *words)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_why_an_item_is_not_in_a_row_and_not_among_makers(call: Call) -> None:
    done = call("why-not", "--item", "f1", "--entity", "genre=space", "--surface", "genre_row")
    assert "the list is of other items alone" in lines(done)[0]
    done = call("why-not", "--item", "f1", "--user", "u0", "--surface", "makers")
    assert done.exit_code == 2
    assert "answers with values of creator, not with items" in done.stderr


def test_a_surface_of_several_rows_says_what_doctor_wants_to_know(call: Call) -> None:
    done = CliRunner().invoke(main, ["scenarios", "show", "video"], env={"COLUMNS": "300"})
    for name in ("because_you_watched", "genre_row", "person_row", "editors_picks"):
        assert f"\n{name} " in done.stdout
