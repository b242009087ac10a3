"""`Engine` on a real workspace: new artifacts, damaged ones, many threads."""

import threading
import time
from functools import partial

import pytest
from crossrec import Engine
from crossrec.errors import (
    ArtifactError,
    ConfigError,
    CrossrecError,
    NotFittedError,
    UsageError,
)
from crossrec.pipeline import loading
from crossrec.workspace import Workspace


def test_events_after_the_fit_change_the_next_answer(engine, workspace, engine_registry, write):
    before = engine.recommend("red", "fresh", k=8)
    assert "unknown" in before.notes[0]
    write(
        workspace,
        "red",
        [
            "user_id,item_id,event_type,time",
            "fresh,r1,view,1750000000",
            "fresh,r3,view,1750000001",
            "fresh,r0,dislike,1750000002",
            "fresh,new,view,1750000003",
        ],
    )
    after = engine.recommend("red", "fresh", k=8)
    assert after.path == "stored history"
    assert after.item_ids[0] in ("r5", "r7")
    assert "r0" not in after.item_ids
    assert after.item_ids[-2:] == ("r3", "r1")
    assert after.notes == ("1 of 4 history items are not in the fitted catalog",)


def test_a_newer_artifact_is_picked_up_and_the_same_one_is_not_read_again(
    engine, workspace, engine_registry, monkeypatch, write
):
    loads = []
    load = loading.load_pipeline
    monkeypatch.setattr(loading, "load_pipeline", lambda *a, **k: loads.append(a) or load(*a, **k))
    for _ in range(3):
        engine.recommend("red", "u2")
    assert len(loads) == 1
    write(
        workspace, "red",
        ["user_id,item_id,event_type,time", "u2,brand-new,view,1750000000"],
        [("brand-new", "just in")],
    )  # fmt: skip
    assert "brand-new" not in engine.recommend("red", history=["r2"], k=50).item_ids
    Engine(Workspace.open(workspace.path), engine_registry).fit("red")
    assert "brand-new" in engine.recommend("red", history=["r2"], k=50).item_ids
    assert len(loads) == 2


def test_what_serves_goes_on_when_the_pointer_is_away_for_a_moment(engine, workspace):
    before = engine.recommend("red", "u2").item_ids
    pointer = workspace.artifact_path("red") / "current"
    content = pointer.read_bytes()
    pointer.unlink()
    assert engine.recommend("red", "u2").item_ids == before
    with pytest.raises(NotFittedError):
        Engine(workspace, engine.registry).recommend("red", "u2")
    pointer.write_bytes(content)
    assert engine.recommend("red", "u2").item_ids == before


def test_a_fit_that_fails_leaves_the_old_artifact_serving(engine, tmp_path):
    before = engine.recommend("red", "u2")
    own = tmp_path / "own.toml"
    for text, error in (
        ('sources = [{name = "never"}]', CrossrecError),
        ('sources = [{name = "nver"}]', UsageError),
        ("sources = 3", ConfigError),
    ):
        own.write_text(text)
        with pytest.raises(error):
            engine.fit("red", pipeline_file=own)
        assert engine.recommend("red", "u2").item_ids == before.item_ids
    own.write_text('sources = [{name = "never"}, {name = "popular"}]')
    report = engine.fit("red", pipeline_file=own).report
    assert report["failed"] == {"never": "MemoryError: too large"}
    assert set(engine.pipeline("red").sources) == {"popular"}


def test_a_damaged_artifact_is_refused_and_mended_by_a_fit(engine, workspace):
    version = next(p for p in workspace.artifact_path("red").iterdir() if p.is_dir())
    victim = max(version.glob("*.safetensors"), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(bytes(content))
    fresh = Engine(workspace, engine.registry)
    with pytest.raises(ArtifactError, match="damaged"):
        fresh.recommend("red", "u2")
    fresh.fit("red")
    assert fresh.recommend("red", "u2").items


def test_a_newer_version_that_cannot_be_loaded_leaves_the_one_before_serving(
    engine, workspace, caplog
):
    before = engine.recommend("red", "u2").item_ids
    folder = workspace.artifact_path("red")
    served = (folder / "current").read_bytes()
    (folder / "current").write_text("no version at all\n")
    for _ in range(2):
        assert engine.recommend("red", "u2").item_ids == before
    (said,) = [one.getMessage() for one in caplog.records if "is not served" in one.getMessage()]
    assert said.startswith("the newest version of red is not served: ")
    with pytest.raises(ArtifactError):
        Engine(workspace, engine.registry).recommend("red", "u2")
    (folder / "current").write_bytes(served)
    assert engine.recommend("red", "u2").item_ids == before


def test_many_threads_get_the_same_answers_as_one(engine):
    from concurrent.futures import ThreadPoolExecutor

    def ask(wanted, user):
        slate = wanted.recommend("red", user, k=5)
        return slate.item_ids, [[r.text for r in item.reasons] for item in slate.items]

    users = [f"u{n % 12}" for n in range(96)]
    alone = {user: ask(engine, user) for user in set(users)}
    fresh = Engine(engine.workspace, engine.registry, background=False)  # found unloaded by all
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(partial(ask, fresh), users)) == [alone[user] for user in users]


def test_the_first_requests_of_twenty_threads_load_an_artifact_once(engine, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    engine.fit("blue")
    loads, together = [], threading.Barrier(20)
    load = loading.load_pipeline

    def counted(folder, *arguments, **more):
        loads.append(folder.name)
        time.sleep(0.05)  # so that the others come while it is loaded
        return load(folder, *arguments, **more)

    monkeypatch.setattr(loading, "load_pipeline", counted)
    fresh = Engine(engine.workspace, engine.registry)

    def first(at):
        together.wait(30)
        return fresh.recommend(("red", "blue")[at % 2], "u2", k=3).item_ids

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(first, range(20)))
    assert sorted(loads) == ["blue", "red"]
    assert len(set(found)) == 2


def test_a_load_that_fails_is_tried_again_by_the_next_request(engine, monkeypatch):
    load = loading.load_pipeline

    def fail(*arguments, **more):
        raise ArtifactError("damaged")

    fresh = Engine(engine.workspace, engine.registry)
    with monkeypatch.context() as patch:
        patch.setattr(loading, "load_pipeline", fail)
        for _ in range(2):
            with pytest.raises(ArtifactError, match="damaged"):
                fresh.recommend("red", "u2")
    assert loading.load_pipeline is load
    assert fresh.recommend("red", "u2").items
