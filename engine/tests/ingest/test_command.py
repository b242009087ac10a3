"""`crossrec ingest` with a scenario and an importer of a plugin that exists for these tests."""

import json
import threading
import time

import pytest
from crossrec.workspace import Workspace

PLUGIN = """
    from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

    TOYS = Scenario(
        name="toys", summary="toys of a test", events=(EventType("view", aliases=("seen",)),),
        items=ItemSchema((ItemField("title", aliases=("label",)),), "{title}"),
        surfaces=(Surface("home"),), pipeline="", default_event="view", main_surface="home",
    )

    def scenario():
        return TOYS

    def importer():
        import pandas as pd
        from crossrec.ingest.frames import Frames

        def read(folder):
            events = pd.read_csv(folder / "log.txt", names=["user_id", "item_id"], dtype=str)
            return Frames(events=events, note="read a log")

        return read

    @hookimpl
    def register_scenarios(register):
        register("toys", scenario, summary="toys of a test")

    @hookimpl
    def register_importers(register):
        register("log", importer, summary="a log")
"""


@pytest.fixture
def crossrec(plugins, tmp_path):
    plugins.add("toys", PLUGIN)

    def run(*arguments):
        workspace = str(tmp_path / "ws")
        return plugins.crossrec("ingest", "toys", *arguments, CROSSREC_WORKSPACE=workspace)

    return run


def test_files_with_mapped_columns(crossrec, write):
    items = write("i.csv", "code,label", "007,Doll", "008,Ball")
    events = write("e.csv", "kid,code,action", "ann,007,seen", "bob,009,view")
    done = crossrec(
        "--items", str(items), "--events", str(events), "--map", "user=kid", "--map", "item=code"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "items: i.csv",
        "  columns: item=code, title=label",
        "  delimiter: comma",
        "  rows: 2 read, 2 good (2 new, 0 already there), 0 bad",
        "events: e.csv",
        "  columns: user=kid, item=code, event=action",
        "  delimiter: comma",
        "  no time column is used: the order of the rows counts, oldest first",
        "  rows: 2 read, 2 good (2 new, 0 already there), 0 bad",
        "  notice: item is not in the item table; kept: 1 (line 3)",
        "toys now holds 2 users, 3 items, 2 events (in order, without times)",
    ]


def test_a_folder_through_the_importer_of_a_plugin(crossrec, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "log.txt").write_text("ann,007\nann,\nbob,008\n")
    done = crossrec("--format", "log", str(tmp_path / "set"), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["note"] == "read a log"
    assert report["totals"] == {"users": 2, "items": 2, "known_items": 0, "events": 2}
    assert report["tables"][0]["bad"] == {"missing item": {"count": 1, "lines": [2]}}
    strict = crossrec("--format", "log", str(tmp_path / "set"), "--strict", "--json")
    assert strict.returncode == 1
    assert json.loads(strict.stdout)["stored"] is False
    assert strict.stderr.startswith("Error: 1 bad rows (missing item), so nothing was stored")


def test_an_unknown_format_names_what_there_is(crossrec, tmp_path):
    done = crossrec("--format", "lgo", str(tmp_path))
    assert done.returncode == 2
    assert "log" in done.stderr
    assert done.stderr.count("\n") == 1


def test_while_another_writes_it_waits_no_longer_than_it_may(crossrec, write, tmp_path):
    events = write("e.csv", "user_id,item_id", "ann,007")
    workspace = Workspace.create(tmp_path / "ws")
    with workspace.writing():
        for wait, said in (("0", "is in use by another process"), ("0.1", "is still in use")):
            done = crossrec("--events", str(events), "--wait", wait)
            assert (done.returncode, done.stdout) == (1, "")
            assert said in done.stderr.splitlines()[-1]
    for wait in ("-1", "soon"):
        assert crossrec("--events", str(events), "--wait", wait).returncode == 2
    workspace.close()


def test_by_default_it_waits_until_the_other_is_done(crossrec, write, tmp_path):
    events = write("e.csv", "user_id,item_id", "ann,007")
    workspace = Workspace.create(tmp_path / "ws")
    found = []
    thread = threading.Thread(target=lambda: found.append(crossrec("--events", str(events))))
    with workspace.writing():
        thread.start()
        time.sleep(1.5)
        assert found == []
        assert "toys" not in workspace.store().scenarios()
    thread.join(60)
    assert found[0].returncode == 0, found[0].stderr
    assert found[0].stderr.count("Warning: waiting for workspace") == 1
    assert workspace.store().counts("toys").events == 1
    workspace.close()


def test_events_that_miss_the_item_table_fail_loudly_and_are_kept(crossrec, write):
    items = write("i.csv", "item,title", "A-1,Doll", "A-2,Ball")
    events = write("e.csv", "user,item", "u1,a1", "u2,a2")
    done = crossrec("--items", str(items), "--events", str(events))
    assert done.returncode == 1
    assert "2 of 2 events are about items that are not in the item table" in done.stderr
    assert "they differ in signs between letters" in done.stderr
    assert "toys now holds 2 users, 4 items, 2 events" in done.stdout
