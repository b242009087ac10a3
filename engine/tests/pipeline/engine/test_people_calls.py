"""Links and consents in Python: what `Engine` checks, stores and lists."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread

import pytest
from crossrec import Engine
from crossrec.errors import DataError, UsageError, WorkspaceError
from crossrec.pipeline.kept_fits import FOLDER
from crossrec.testing.titled_shops import titled_shop
from crossrec.testing.toy_sources import registry_of
from crossrec.workspace import Workspace

REGISTRY = registry_of(
    scenarios={name: (lambda name=name: titled_shop(name)) for name in ("old", "new", "third")}
)


@pytest.fixture
def engine(tmp_path):
    with Engine(Workspace.create(tmp_path / "workspace"), REGISTRY, background=False) as engine:
        yield engine


def test_links_are_stored_and_listed(engine):
    assert engine.link("old", "new", [("a", "1"), ("b", "2")]) == 2
    assert engine.link("new", "old", [("1", "a")]) == 0, "the same link from the other side"
    assert engine.link("old", "third", [("a", "9")]) == 1
    assert [one[:4] for one in engine.links("old", "a")] == [
        ("old", "a", "new", "1"), ("old", "a", "third", "9"),
    ]  # fmt: skip
    assert len(engine.links()) == 3
    assert len(engine.links(limit=2)) == 2
    assert len(engine.links(offset=2)) == 1
    assert engine.unlink("old", "new", "a") == 1
    assert engine.unlink("old", "new") == 1
    assert engine.unlink("old", "new") == 0


def test_consents_are_stored_and_listed(engine):
    assert engine.grant_consent("old", "new", ["a", "b"]) == 2
    assert engine.grant_consent("old", "new", ["a"]) == 0
    assert engine.grant_consent("new", "old", ["a"]) == 1
    assert engine.revoke_consent("old", "new", ["a"]) == 1
    assert [one.user_id for one in engine.consents("old")] == ["a", "b"]
    assert [one.source for one in engine.consents(target="old")] == ["new"]
    assert [one.revoked is None for one in engine.consents(user_id="a")] == [True, False]
    assert engine.revoke_consent("old", "new") == 1
    assert engine.revoke_consent("old", "new") == 0
    assert len(engine.consents(limit=1)) == 1
    assert len(engine.consents(offset=2)) == 1


def test_what_is_unknown_or_empty_is_refused(engine):
    for call in (
        lambda: engine.link("old", "nowhere", [("a", "1")]),
        lambda: engine.grant_consent("nowhere", "new", ["a"]),
    ):
        with pytest.raises(UsageError, match="nowhere"):
            call()
    for call in (
        lambda: engine.link("old", "new", [("a", "")]),
        lambda: engine.grant_consent("old", "new", [""]),
    ):
        with pytest.raises(UsageError, match="an id is empty"):
            call()
    for call in (
        lambda: engine.grant_consent("old", "new", "ann"),
        lambda: engine.revoke_consent("old", "new", "ann"),
    ):
        with pytest.raises(UsageError, match="list of ids, not one string"):
            call()
    with pytest.raises(UsageError, match="two different scenarios"):
        engine.grant_consent("old", "old", ["a"])
    with pytest.raises(DataError, match="linked to '1' of new already"):
        engine.link("old", "new", [("a", "1"), ("a", "2")])
    assert engine.links() == []
    assert engine.consents() == []


def test_a_consent_to_a_scenario_that_is_gone_can_be_taken_back(engine):
    engine.workspace.store().grant("removed", "new", ["a"])
    engine.workspace.store().add_links("removed", "new", [("a", "b")])
    assert engine.revoke_consent("removed", "new", ["a"]) == 1
    assert engine.unlink("removed", "new", "a") == 1


@contextmanager
def somebody_writing(path):
    """Hold the lock of the workspace in another thread within the block."""
    begun, done = Event(), Event()

    def write():
        with Workspace.open(path).writing():
            begun.set()
            done.wait(30)

    writer = Thread(target=write)
    writer.start()
    assert begun.wait(30)
    try:
        yield
    finally:
        done.set()
        writer.join()


@pytest.mark.parametrize(
    "call",
    [
        lambda engine: engine.link("old", "new", [("a", "1")]),
        lambda engine: engine.unlink("old", "new"),
        lambda engine: engine.grant_consent("old", "new", ["a"]),
        lambda engine: engine.revoke_consent("old", "new"),
    ],
)
def test_writing_waits_for_its_turn(engine, call):
    engine.workspace.wait = 0
    with somebody_writing(engine.workspace.path), pytest.raises(WorkspaceError):
        call(engine)
    call(engine)


def test_taking_back_deletes_what_a_stopped_fit_has_learnt(engine, tmp_path):
    items = tmp_path / "items.csv"
    items.write_text("item_id,title\ni1,One\n")
    engine.ingest("new", items=str(items))
    engine.grant_consent("old", "new", ["a"])
    kept = engine.workspace.cache / FOLDER / "new" / "part"
    kept.mkdir(parents=True)
    (kept / "state").write_text("learnt of a")
    engine.revoke_consent("old", "new", ["b"])
    assert kept.exists(), "nothing was taken back"
    engine.revoke_consent("old", "new", ["a"])
    assert not kept.exists()


def test_a_forgotten_id_is_in_no_file_any_more(engine):
    who = "zz-unmistakable-4711"
    engine.link("old", "new", [(who, "1"), ("b", "2")])
    engine.grant_consent("old", "new", [who])
    receipt = engine.forget_user(who)
    assert receipt.links == 2
    assert receipt.left == ()
    assert receipt.to_dict()["links"] == 2
    assert [one.user_id for one in engine.links("old")] == ["b"]
    assert engine.forget_user(who).links == 0
