"""``crossrec recommend --log``, ``log`` and ``feedback``, one after the other."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def shop(workshop, workshop_tables, tmp_path):
    frames = workshop_tables(0)
    frames.events.to_csv(tmp_path / "events.csv", index=False)
    where = tmp_path / "ws"
    done = workshop("ingest", "tools", "--events", tmp_path / "events.csv", "-w", where)
    assert done.exit_code == 0, done.output
    assert workshop("fit", "tools", "-w", where).exit_code == 0

    def call(*arguments):
        return workshop(*arguments, "-w", where)

    call.where = where
    return call


def complaint(done, code=2):
    assert done.exit_code == code, done.output
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_an_answer_that_is_logged_can_be_followed_up(shop):
    done = shop("recommend", "tools", "--user", "u2", "-k", 5, "--log")
    assert done.exit_code == 0, done.output
    *rows, last = done.stdout.splitlines()
    item, request = rows[1].split()[1], last.removeprefix("request: ")
    done = shop("feedback", request, "--item", item, "--event", "use", "--value", 2)
    assert done.stdout == "kept as feedback and as an event of its user\n", done.output
    lines = shop("log", "tools").stdout.splitlines()
    columns = ["TIME", "REQUEST", "SURFACE", "USER", "ITEMS", "MS", "FEEDBACK"]
    assert lines[0].split() == columns
    assert request in lines[1]
    assert " u2 " in lines[1]
    assert "and 2 more" in lines[1]
    assert lines[1].endswith(f"use {item}")
    (found,) = json.loads(shop("log", "tools", "--json").stdout)
    assert found["request_id"] == request
    assert len(found["items"]) == 5
    assert found["items"][0]["item_id"] == item
    assert found["items"][0]["source"] in ("together", "counts")
    assert found["feedback"][0]["value"] == 2
    after = json.loads(shop("doctor", "--json").stdout)["scenarios"][0]
    assert after["stored"]["events"] == 201, "one more than were ingested"


def test_one_shot_calls_write_nothing_unless_they_are_to(shop):
    shop("recommend", "tools", "--user", "u2")
    done = shop("log", "tools")
    assert done.stdout.startswith("no answers in the decision log: ")
    assert json.loads(shop("log", "tools", "--json").stdout) == []
    assert not list(shop.where.glob("*decisions*"))


def test_json_of_a_logged_answer_is_nothing_but_json(shop):
    slate = json.loads(shop("recommend", "tools", "--user", "u2", "--log", "--json").stdout)
    (found,) = json.loads(shop("log", "tools", "--json", "--user", "u2").stdout)
    assert found["request_id"] == slate["request_id"]


def test_the_log_of_one_user_and_its_latest_answers(shop):
    for user in ("u1", "u2", "u1"):
        shop("recommend", "tools", "--user", user, "-k", 1, "--log")
    assert len(shop("log", "tools").stdout.splitlines()) == 4
    assert len(shop("log", "tools", "--user", "u1").stdout.splitlines()) == 3
    assert len(shop("log", "tools", "--limit", 1).stdout.splitlines()) == 2


def test_wrong_calls_are_one_line(shop):
    done = shop("feedback", "nonsense", "--item", "t1", "--event", "use")
    assert "request 'nonsense': request is not in the decision log" in complaint(done)
    assert "tols" in complaint(shop("log", "tols"))
    assert "0" in complaint(shop("log", "tools", "--limit", 0))
    slate = json.loads(shop("recommend", "tools", "--user", "u2", "--log", "--json").stdout)
    item, request = slate["items"][0]["item_id"], slate["request_id"]
    done = shop("feedback", request, "--item", "t99", "--event", "use")
    assert "item 't99': item is not among those that the log kept" in complaint(done)
    done = shop("feedback", request, "--item", item, "--event", "usd")
    assert "unknown event type 'usd' (nearest: use)" in complaint(done, 1)


def test_a_wrong_settings_file_stops_every_command_with_one_line(shop):
    (shop.where / "crossrec.toml").write_text("[decision_log]\nsampel = 1\n")
    for command in (("fit", "tools"), ("recommend", "tools"), ("log", "tools")):
        assert "crossrec.toml: decision_log: sampel: " in complaint(shop(*command))
