"""``crossrec items``, ``users`` and ``events``: list, show and delete what is stored."""

import json

import pandas as pd
import pytest
from crossrec.workspace import Workspace


@pytest.fixture
def shop(workshop, workshop_tables, tmp_path):
    """The workshop's command line with one ingested workspace."""
    frames = workshop_tables(0)
    items = frames.items.assign(title=[f"tool no. {n} " + "x" * 80 * (n == 3) for n in range(12)])
    items.to_csv(tmp_path / "items.csv", index=False)
    lone = pd.DataFrame([("zoe", "t99", 1_600_000_000, "drop")], columns=frames.events.columns)
    pd.concat([frames.events, lone]).to_csv(tmp_path / "events.csv", index=False)

    def call(*words, given="", where=tmp_path / "ws"):
        return workshop(*words, "-w", where, given=given)

    done = call(
        "ingest", "tools", "--items", tmp_path / "items.csv", "--events", tmp_path / "events.csv"
    )
    assert done.exit_code == 0, done.output
    call.folder = tmp_path
    return call


def lines(done):
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def values(done):
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def complaint(done, code=2):
    assert done.exit_code == code, done.output
    (line,) = [line for line in done.stderr.splitlines() if line]
    return line


def test_items_are_listed_page_by_page(shop):
    shown = lines(shop("items", "list", "tools", "--limit", "4"))
    assert shown[0].split() == ["ITEM", "STATE", "FIELDS"]
    assert shown[1].split(maxsplit=1) == ["t0", "title=tool no. 0"]
    assert shown[4].endswith("x…")
    assert shown[5] == "1 to 4 of 13 items; --limit and --offset show others"
    last = lines(shop("items", "list", "tools", "--offset", "11"))
    assert [line.split()[0] for line in last[1:3]] == ["t11", "t99"]
    assert "only in events" in last[2]
    assert values(shop("items", "list", "tools", "--offset", "12", "--json")) == [
        {"item_id": "t99", "fields": {}, "known": False, "withdrawn": False}
    ]


def test_what_is_no_longer_offered_is_listed_and_marked(shop):
    Workspace.open(shop.folder / "ws").store().withdraw_items("tools", {"t1", "t99"})
    gone = values(shop("items", "list", "tools", "--withdrawn", "--limit", "30", "--json"))
    assert [one["item_id"] for one in gone] == [f"t{n}" for n in range(12) if n != 1]
    assert "no longer offered" in lines(shop("items", "list", "tools"))[1]
    assert lines(shop("items", "show", "tools", "t0"))[0].endswith("events, no longer offered")


def test_an_item_is_shown_with_all_its_fields(shop):
    shown = lines(shop("items", "show", "tools", "t3"))
    assert shown[0].startswith("t3: ")
    assert shown[2].split() == ["title", "tool", "no.", "3", "x" * 80]
    assert values(shop("items", "show", "tools", "t99", "--json")) == {
        "item_id": "t99", "fields": {}, "known": False, "withdrawn": False, "events": 1,
    }  # fmt: skip


def test_users_are_listed_and_shown(shop):
    shown = lines(shop("users", "list", "tools", "--limit", "2"))
    assert [line.split()[1] for line in shown[:3]] == ["EVENTS", "5", "5"]
    assert shown[3] == "1 to 2 of 41 users; --limit and --offset show others"
    shown = lines(shop("users", "show", "tools", "zoe"))
    assert shown[0] == "zoe: 1 event"
    assert shown[-1].split() == ["201", "zoe", "t99", "drop", "2020-09-13", "12:26:40"]
    assert values(shop("users", "show", "tools", "zoe", "--json")) == {
        "user_id": "zoe", "fields": {}, "events": 1,
        "latest_events": [{"number": 201, "user_id": "zoe", "item_id": "t99",
                           "event_type": "drop", "time": 1.6e9, "value": None}],
    }  # fmt: skip


def test_events_are_listed_the_newest_first_and_by_user_item_and_type(shop):
    every = values(shop("events", "list", "tools", "--limit", "500", "--json"))
    times = [one["time"] for one in every]
    assert len(every) == 201
    assert times == sorted(times, reverse=True)
    assert every[-1]["user_id"] == "zoe"
    for option, key, wanted in (
        ("--user", "user_id", "u1"), ("--item", "item_id", "t1"), ("--type", "event_type", "drop"),
    ):  # fmt: skip
        found = values(shop("events", "list", "tools", option, wanted, "--limit", "99", "--json"))
        assert found == [one for one in every if one[key] == wanted]
        assert found
    shown = lines(shop("events", "list", "tools", "--user", "u1", "--limit", "3"))
    assert shown[-1] == "1 to 3 of 5 events; --limit and --offset show others"
    assert lines(shop("events", "show", "tools", "201"))[1].split()[1] == "zoe"


def test_without_a_clock_no_times_are_made_up(shop):
    table = shop.folder / "order.csv"
    table.write_text("user_id,item_id\nu1,t1\n")
    where = shop.folder / "other"
    shop("ingest", "tools", "--events", table, where=where)
    assert lines(shop("events", "list", "tools", where=where)) == [
        "NUMBER  USER  ITEM  TYPE  TIME  VALUE", "1       u1    t1    use",
    ]  # fmt: skip


def test_items_are_deleted_after_a_yes(shop):
    done = shop("items", "delete", "tools", "t99", "t1", given="y\n")
    assert "Delete 2 items of tools with all events?" in done.stderr
    (line,) = lines(done)
    assert line.startswith("deleted 2 items, 1 user, ")
    assert "t1'" in complaint(shop("items", "show", "tools", "t1"))
    assert complaint(shop("items", "delete", "tools", "t2", "t1", "t1", "--yes")) == (
        "Error: scenario 'tools' has no item 't1': nothing was done"
    )
    assert shop("items", "show", "tools", "t2").exit_code == 0


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_anything_but_a_yes_deletes_nothing(shop, answer):
    for words in (("users", "zoe"), ("items", "t1"), ("events", "201")):
        done = shop(words[0], "delete", "tools", words[1], given=answer)
        assert done.exit_code == 1
        assert done.stdout == ""
        assert "nothing was deleted; --yes deletes without a question" in done.stderr
    assert values(shop("events", "list", "tools", "--limit", "500", "--json"))[-1]["number"] == 201


def test_a_user_is_deleted_without_a_question(shop):
    done = shop("users", "delete", "tools", "zoe", "u1", "--yes", "--json")
    assert values(done) == {"deleted": {"items": 1, "users": 2, "events": 6}}
    for path in (shop.folder / "ws").glob("crossrec.db*"):
        assert b"zoe" not in path.read_bytes()


def test_events_are_deleted_by_number_and_by_condition(shop):
    assert lines(shop("events", "delete", "tools", "201", "--yes")) == [
        "deleted 1 item, 1 user, 1 event"
    ]
    (line,) = lines(shop("events", "delete", "tools", "--user", "u1", "--type", "use", "--yes"))
    assert line == "deleted 1 user, 5 events"
    assert len(values(shop("events", "list", "tools", "--limit", "500", "--json"))) == 195


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("items", "show", "tools", "x"), "scenario 'tools' has no item 'x'"),
        (("users", "show", "tools", "x"), "scenario 'tools' has no user 'x'"),
        (("users", "delete", "tools", "x", "y", "--yes"), "has no users 'x', 'y': nothing"),
        (("events", "show", "tools", "999"), "scenario 'tools' has no event '999'"),
        (("events", "list", "tools", "--user", "x"), "scenario 'tools' has no user 'x'"),
        (("events", "list", "tools", "--item", "x"), "scenario 'tools' has no item 'x'"),
        (("events", "list", "tools", "--type", "uze"), "no event type 'uze': did you mean 'use'?"),
        (("events", "list", "tools", "--type", "x"), "there are use, drop"),
        (("events", "delete", "tools", "--yes"), "name what to delete"),
        (("events", "delete", "tools", "999", "--yes"), "no event of 'tools' meets this"),
        (("items", "list", "tolls"), "tolls"),
        (("items", "list", "tools", "--limit", "0"), "0 is not in the range"),
        (("items", "delete", "tools"), "Missing argument"),
    ],
)
def test_wrong_calls_are_one_line_with_exit_code_2(shop, words, message):
    assert message in complaint(shop(*words))


def test_a_scenario_whose_package_is_gone_can_still_be_emptied(shop, workshop, make_workshop):
    workshop.use(make_workshop(toys=lambda seed: None))
    try:
        assert len(values(shop("events", "list", "tools", "--type", "drop", "--json"))) == 1
        assert lines(shop("users", "delete", "tools", "zoe", "--yes")) == [
            "deleted 1 item, 1 user, 1 event"
        ]
    finally:
        workshop.use(make_workshop(tools=lambda seed: None))


def test_an_installed_scenario_without_data_has_empty_lists(shop):
    where = shop.folder / "empty"
    Workspace.create(where).close()
    for words in (("items", "list"), ("users", "list"), ("events", "list")):
        assert values(shop(*words, "tools", "--json", where=where)) == []
