"""A forgotten user: no file of the workspace holds the id, and the receipt says what is left."""

import json
import re
import sqlite3
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec import Engine
from crossrec.artifacts import open_artifact
from crossrec.cli import main
from crossrec.components.state import State
from crossrec.errors import RefitNeededError
from crossrec.ingest import ingest_files
from crossrec.ingest.forget import forget_rejected
from crossrec.pipeline.forgetting import holding as holding_in
from crossrec.pipeline.kept_fits import StateFolder
from crossrec.pipeline.saving import load_pipeline
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.decisions import Decision, Feedback, ShownItem
from crossrec.testing.toy_sources import Popular
from crossrec.workspace import Workspace

WHO = "zz-unmistakable-83f1"
SCHEMA = ItemSchema((ItemField("title"),), "{title}")


class Counting(Popular):
    """Counts events, and takes them back."""

    able = frozenset({"explain", "update", "forget"})

    def update(self, change):
        counts = np.zeros(change.n_items, np.float32)
        counts[: len(self.learnt())] = self.learnt()
        self.counts = counts + change.after.item_counts - change.before.item_counts

    def forget(self, change):
        self.update(change)


class Unable(Counting):
    """Cannot take back."""

    def forget(self, change):
        raise RefitNeededError("no room")


PIPELINE = 'sources = [{name = "counting"}, {name = "together"}, {name = "unable"}]\n'


def scenario(name):
    return lambda: Scenario(
        name, name, (EventType("buy"),), SCHEMA, (Surface("home"), Surface("like", "item")),
        "forget_resources:pipeline.toml", "buy", "home",
    )  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_registry):
    folder = tmp_path_factory.mktemp("resources")
    package = folder / "forget_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pipeline.toml").write_text(PIPELINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield make_registry(
            scenarios={name: scenario(name) for name in ("shop", "kiosk")},
            candidate_generators={"counting": Counting, "unable": Unable},
        )
    sys.modules.pop("forget_resources", None)


def ingest(folder, registry, name, kind, text):
    table = folder / f"{kind}.csv"
    table.write_text(text)
    space = Workspace.create(folder / "ws")
    ingest_files(space, registry.scenario(name), **{kind: table})
    table.unlink()


HEAD = "user_id,item_id,time\n"


def events_of(users, *, start=0):
    return "".join(
        f"{user},t{(at + i) % 6},{start + 10 * at + i}\n"
        for at, user in enumerate(users)
        for i in range(3)
    )


@pytest.fixture
def folder(tmp_path, registry):
    """Two scenarios that know the user, one of them fitted twice; a bad row, a decision, a file."""
    others = [f"u{n}" for n in range(12)]
    for name in ("shop", "kiosk"):
        ingest(tmp_path, registry, name, "items", "item_id,title\n" + "t0,a\nt1,b\nt2,c\nt3,d\n")
        ingest(tmp_path, registry, name, "users", f"user_id,city\n{WHO},Aachen\nu1,Bonn\n")
        bad = f"{WHO},t1,no time\nu1,t1,no time\n"
        ingest(tmp_path, registry, name, "events", HEAD + events_of([*others, WHO]) + bad)
    engine = Engine(Workspace.open(tmp_path / "ws"), registry, background=False)
    engine.fit("shop")
    engine.fit("shop")
    log = engine.workspace.decision_log()
    shown = (ShownItem("t1", 1.0, 1.0, "counting"),)
    log.write([Decision("r1", 1.0, "shop", "home", WHO, "v", "p", "stored history", 1.0, shown)])
    log.add_feedback([Feedback("r1", "t1", "buy", None, 2.0)])
    (engine.workspace.cache / "note").write_text(f"about {WHO}")
    (engine.workspace.cache / "vectors").write_text("about nobody")
    engine.workspace.close()
    return tmp_path


@pytest.fixture
def engine(folder, registry):
    engine = Engine(Workspace.open(folder / "ws"), registry, background=False)
    yield engine
    engine.workspace.close()


def holding(folder):
    """Return the files that hold the id."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and WHO.encode() in path.read_bytes()
    )


def test_no_file_holds_the_id(folder, engine):
    places = {re.sub("-(wal|shm)$", "", name.split("/")[1]) for name in holding(folder)}
    assert {"crossrec.db", "crossrec-decisions.db", "artifacts", "rejected", "cache"} <= places
    receipt = engine.forget_user(WHO)
    assert holding(folder) == []
    assert receipt.events == {"shop": 3, "kiosk": 3}
    assert (receipt.decisions, receipt.rejected, receipt.cached) == (1, 2, 1)
    assert set(receipt.artifacts) == {"shop"}
    assert receipt.artifacts["shop"].older_versions == 2
    assert receipt.left == ()
    assert (folder / "ws" / "cache" / "vectors").exists()
    engine.workspace.close()
    assert holding(folder) == []


def test_what_is_fitted_is_as_if_the_user_had_never_been(folder, engine, registry):
    path = engine.workspace.artifact_path("shop")
    before = load_pipeline(path, registry)
    receipt = engine.forget_user(WHO).artifacts["shop"]
    assert receipt.known
    assert receipt.sources["counting"] == "forgotten"
    assert receipt.sources["together"] == "needs a fit: it cannot forget one user"
    assert receipt.sources["unable"] == "needs a fit: no room"
    after = load_pipeline(path, registry)
    engine.fit("shop")
    fitted = load_pipeline(path, registry)
    for name in ("people", "evidence", "fallback"):
        np.testing.assert_array_equal(getattr(after, name), getattr(fitted, name), err_msg=name)
    np.testing.assert_array_equal(
        after.sources["counting"].counts, fitted.sources["counting"].counts
    )
    np.testing.assert_array_equal(after.sources["unable"].counts, before.sources["unable"].counts)
    assert after.report["events"] == before.report["events"] - 3 == fitted.report["events"]
    assert len(after.users) == len(before.users)


def test_others_are_served_and_learnt_from_as_before(folder, engine, registry):
    before = engine.recommend("shop", user_id="u1", k=3).item_ids
    engine.forget_user(WHO)
    after = engine.recommend("shop", user_id="u1", k=3)
    assert after.item_ids == before
    gone = engine.recommend("shop", user_id=WHO, k=3)
    assert gone.path == "no history"
    assert any("unknown" in note for note in gone.notes)
    ingest(folder, registry, "shop", "events", HEAD + f"{WHO},t5,9000\nu1,t4,9001\n")
    report = engine.refresh("shop")
    assert (report.users, report.events) == (1, 2)
    stored = load_pipeline(engine.workspace.artifact_path("shop"), registry)
    assert stored.sources["counting"].counts.sum() == 36 + 2


def test_twice_or_for_a_stranger_nothing_happens(folder, engine):
    engine.forget_user(WHO)
    version = (engine.workspace.artifact_path("shop") / "current").read_text()
    receipt = engine.forget_user(WHO)
    assert receipt.events == {"shop": 0, "kiosk": 0}
    assert not receipt.artifacts["shop"].known
    assert receipt.needs_fit == ()
    assert (engine.workspace.artifact_path("shop") / "current").read_text() == version


def test_without_the_events_a_fit_is_due_and_the_id_goes_all_the_same(folder, engine):
    engine.workspace.store().delete_user("shop", WHO)
    receipt = engine.forget_user(WHO)
    assert set(receipt.artifacts["shop"].sources.values()) == {
        "needs a fit: the store no longer has the events to take out"
    }
    assert receipt.needs_fit == ("shop",)
    assert holding(folder) == []


def test_a_plugin_that_is_gone_does_not_keep_the_id(folder, engine, make_registry):
    without = make_registry(
        scenarios={"shop": scenario("shop")}, candidate_generators={"counting": Counting}
    )
    other = Engine(Workspace.open(folder / "ws"), without, background=False)
    receipt = other.forget_user(WHO)
    assert receipt.artifacts["shop"].sources["counting"] == "forgotten"
    assert receipt.artifacts["shop"].sources["unable"].startswith("needs a fit: ")
    other.workspace.close()
    assert holding(folder) == []
    names = open_artifact(other.workspace.artifact_path("shop")).states
    assert "source/unable" in names, "what cannot be used here is kept for where it can"


def test_a_user_who_came_after_the_fit_is_taken_from_the_store_alone(folder, engine, registry):
    late = "zz-late-comer-51"
    ingest(folder, registry, "shop", "events", HEAD + f"{late},t1,9000\n")
    receipt = engine.forget_user(late)
    assert receipt.events["shop"] == 1
    assert not receipt.artifacts["shop"].known


def test_what_another_process_holds_on_to_is_named(folder, engine):
    """A reader of an old state keeps SQLite from emptying its log."""
    reader = sqlite3.connect(folder / "ws" / "crossrec.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM shop_users").fetchone()
    (folder / "ws" / "notes").mkdir()
    (folder / "ws" / "notes" / "mine.txt").write_text(f"call {WHO}")
    (folder / "ws" / "notes" / "empty.txt").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crossrec.store.connections._BUSY_SECONDS", 0.2)
        left = engine.forget_user(WHO).left
    assert "notes/mine.txt" in left
    assert {path for path in left if path.startswith("crossrec.db")}
    reader.execute("COMMIT")
    reader.close()
    assert engine.forget_user(WHO).left == ("notes/mine.txt",)


def test_ids_that_occur_by_chance_are_not_searched_for(tmp_path):
    (tmp_path / "numbers").write_text("1 17850 178501")
    assert holding_in(tmp_path, "17850") == []
    assert [path.name for path in holding_in(tmp_path, "178501")] == ["numbers"]


def test_the_command_prints_a_receipt(folder, registry, monkeypatch):
    import crossrec.pipeline.engine as engine_module

    monkeypatch.setattr(engine_module, "load_registry", lambda: registry)
    words = ["forget", "--user", WHO, "-w", str(folder / "ws")]
    result = CliRunner().invoke(main, [*words, "--json"], prog_name="crossrec")
    assert result.exit_code == 0, result.output
    receipt = json.loads(result.stdout)
    assert receipt["events"] == {"kiosk": 3, "shop": 3}
    assert receipt["artifacts"]["shop"]["sources"]["counting"] == "forgotten"
    assert receipt["needs_fit"] == ["shop"]
    assert holding(folder) == []
    again = CliRunner().invoke(main, words, prog_name="crossrec")
    assert again.exit_code == 0, again.output
    assert "shop: 0 events deleted" in again.stdout
    assert "shop: what is fitted does not know the user" in again.stdout


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([["7", "bad", WHO, "t1"], ["8", "bad", "u1", "t1"]], 1),
        ([["7", "bad", f" {WHO} ", "t1"]], 0),
        ([["7", "unreadable", f'"{WHO},t1,']], 0),
        ([["7", "bad", f"{WHO}-and-more", "t1"]], 1),
        ([["7", "bad", "17", "t1"], ["17", "bad", "u1", "17.5"]], 2),
    ],
)
def test_rejected_rows_of_a_user(tmp_path, rows, left):
    import csv

    path = tmp_path / "shop" / "events.rejected.csv"
    path.parent.mkdir()
    head = ["rejected_line", "rejected_cause", "user_id", "item_id"]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    assert forget_rejected(tmp_path, WHO) == len(rows) - left
    assert path.exists() == bool(left)
    if left:
        with path.open(newline="") as file:
            assert len(list(csv.reader(file))) == 1 + left


def test_what_stopped_fits_have_kept_goes_too(tmp_path, registry):
    ingest(tmp_path, registry, "shop", "events", f"user_id,item_id\n{WHO},a\nother,b\n")
    space = Workspace.open(tmp_path / "ws")
    kept = StateFolder(space.cache / "fits" / "shop" / "key")
    kept.put("counting", State({"counts": np.ones(2, np.float32)}))
    receipt = Engine(space, registry).forget_user(WHO)
    assert kept.get("counting") is None
    assert not (space.cache / "fits").exists()
    assert receipt.cached == 3
