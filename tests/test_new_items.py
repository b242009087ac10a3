"""What is ingested after a fit, through the command line: new events, new items, and the doctor."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.workspace import Workspace

KINDS = ("northern choir", "desert guitar")
OWN = """
encoder = ""
history = "exclude"
item_sources = ["text-behaviour", "popularity"]

[[sources]]
name = "backbone"
[sources.settings.adapter]
folds = 2
rounds = 5

[[sources]]
name = "text-behaviour"

[[sources]]
name = "popularity"

[surfaces.songs_for_you]
sources = ["backbone", "text-behaviour"]
"""


def call(*arguments, code=0):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + result.stderr
    return result.stdout


def title(number):
    return f"{KINDS[number % 2]} number {number}"


class Desk:
    """Files of one workspace."""

    def __init__(self, folder):
        self.folder, self.where = folder, folder / "ws"

    def call(self, command, *more, **how):
        return call(command, *more, "-w", self.where, **how)

    def ask(self, *more, k=10):
        return json.loads(self.call("recommend", "music", *more, "-k", k, "--json"))

    def items(self, *numbers):
        path = self.folder / "items.csv"
        rows = [f"i{number},{title(number)}" for number in numbers]
        path.write_text("item_id,title\n" + "\n".join(rows) + "\n")
        self.call("ingest", "music", "--items", path)

    def events(self, rows):
        path = self.folder / "events.csv"
        lines = [f"{user},i{item},play,{time},1" for user, item, time in rows]
        path.write_text("user_id,item_id,event_type,time,value\n" + "\n".join(lines) + "\n")
        self.call("ingest", "music", "--events", path)

    def taken(self, old, new):
        """Take in new items and events of a listener who was never seen, then ask."""
        self.items(new)
        self.events([("late", old, 1_750_000_000), ("late", new, 1_750_000_060)])


def history(rng):
    """Listeners who keep to one kind."""
    return [
        (f"u{user}", 2 * rng.integers(0, 20) + user % 2, 1_700_000_000 + 60 * at)
        for at, user in enumerate(rng.permutation(np.repeat(np.arange(80), 6)))
    ]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("late"))
    desk.items(*range(40))
    desk.events(history(np.random.default_rng(0)))
    (desk.folder / "own.toml").write_text(OWN)
    desk.fit = json.loads(
        desk.call("fit", "music", "--pipeline", desk.folder / "own.toml", "--json")
    )
    return desk


def ids(slate):
    return [item["item_id"] for item in slate["items"]]


def test_new_events_change_the_next_answer_of_a_known_user(fitted):
    before = fitted.ask("--user", "u0")
    assert {int(id_[1:]) % 2 for id_ in ids(before)[:5]} == {0}
    fitted.events([("u0", item, 1_740_000_000 + item) for item in (1, 3, 5, 7, 9, 11, 13, 15)])
    after = fitted.ask("--user", "u0")
    assert ids(after) != ids(before)
    assert {int(id_[1:]) % 2 for id_ in ids(after)[:3]} == {1}
    assert not {f"i{item}" for item in (1, 3, 5, 7)} & set(ids(after))
    assert after["notes"] == []


def test_a_new_item_is_recommended_explained_and_queried_about_without_a_fit(fitted):
    assert "i40" not in ids(fitted.ask("--history", "i0,i4,i8", k=30))
    fitted.items(40, 41)
    slate = fitted.ask("--history", "i0,i4,i8", "--explain", k=30)
    assert slate["degraded"] == []
    found = ids(slate)
    assert "i40" in found[:20]
    assert "i41" not in found[: found.index("i40")]
    (new,) = [item for item in slate["items"] if item["item_id"] == "i40"]
    assert new["title"] == title(40)
    assert new["reasons"]
    assert "no events yet" not in new["reasons"][0]["text"], "it is no filler"
    alike = json.loads(call("similar", "music", "i41", "-k", 5, "-w", fitted.where, "--json"))
    assert {int(item["item_id"][1:]) % 2 for item in alike["items"]} == {1}


def test_events_of_a_new_item_are_a_history(fitted):
    fitted.taken(43, 45)
    slate = fitted.ask("--user", "late", k=5)
    assert slate["path"] == "stored history"
    assert slate["degraded"] == []
    assert "i45" not in ids(slate)
    assert {int(id_[1:]) % 2 for id_ in ids(slate)} == {1}


def test_the_fit_says_what_the_gate_left_out_and_why(fitted):
    said = fitted.fit["reports"]["backbone"]
    assert said["left_out"]["pretrained head"] == "no backbone"
    assert said["gate"]["serves"]
    assert said["gate"]["ndcg"]


def test_the_doctor_says_it_of_every_fitted_scenario_and_counts_new_items(fitted):
    fitted.items(40, 41, 45, 50, 51)
    said = json.loads(fitted.call("doctor", "--json"))
    (music,) = said["scenarios"]
    assert said["ok"] is True
    assert music["new_items"] == {
        "items": 5,
        "in": ["backbone", "text-behaviour"],
        "not_in": ["popularity"],
    }
    assert music["reports"]["backbone"]["left_out"]["pretrained head"] == "no backbone"
    assert music["reports"]["backbone"]["gate"]["ndcg"]
    lines = [line.strip() for line in fitted.call("doctor").splitlines()]
    assert "backbone: left out: pretrained head: no backbone" in lines
    assert any(line.startswith("backbone: gate: ") for line in lines)
    known = "new items: 5, known by backbone, text-behaviour, not by popularity before the next fit"
    assert known in lines


def test_a_catalogue_alone_grows_too(tmp_path):
    """Minute one without any event: items today, more items tomorrow."""
    desk = Desk(tmp_path)
    desk.items(*range(20))
    (tmp_path / "own.toml").write_text(OWN)
    out = desk.call("fit", "music", "--pipeline", tmp_path / "own.toml")
    assert "left out: pretrained head: no backbone" in out
    assert "left out: target ranker: " in out
    desk.items(20, 21)
    slate = desk.ask("--history", "i0,i2", k=12)
    assert "i20" in ids(slate)
    assert slate["degraded"] == []
    counts = Workspace.open(desk.where).store().counts("music")
    assert (counts.items, counts.events) == (22, 0)
