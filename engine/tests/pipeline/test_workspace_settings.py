"""``crossrec.toml``: a plugin's store and executor do the work; errors name file and key."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError, CrossrecError, UsageError
from crossrec.ingest import ingest_files
from crossrec.pipeline.engine import Engine
from crossrec.pipeline.fit import fit_sources
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.sqlite import SqliteStore
from crossrec.testing.toy_sources import Popular, Together, registry_of, unfit
from crossrec.workspace import Workspace

SCENARIO = Scenario(
    "tools", "tools", (EventType("use"),), ItemSchema((ItemField("title"),), "{title}"),
    (Surface("bench"),), "settings_resources:two.toml", "use", "bench",
)  # fmt: skip


class WatchedStore(SqliteStore):
    """SQLite in another file that counts how it is used."""

    calls: ClassVar[list[str]] = []

    def __init__(self, path):
        super().__init__(path.with_name("watched.db"))

    def add_events(self, scenario, rows):
        self.calls.append("add_events")
        return super().add_events(scenario, rows)

    def events(self, scenario):
        self.calls.append("events")
        return super().events(scenario)

    def user_events(self, scenario, user_id, limit=2000):
        self.calls.append("user_events")
        return super().user_events(scenario, user_id, limit)


class OtherProcesses:
    """Runs every job in a process that shares nothing with this one."""

    jobs: ClassVar[list[str]] = []
    pool: ProcessPoolExecutor | None = None

    def map(self, function, jobs):
        jobs = list(jobs)
        self.jobs += [job.source.label for job in jobs]
        if self.pool is None:  # a start takes seconds: one for all tests
            type(self).pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        return list(self.pool.map(function, jobs))


@pytest.fixture(scope="module", autouse=True)
def processes():
    yield
    if OtherProcesses.pool is not None:
        OtherProcesses.pool.shutdown()


@pytest.fixture
def registry(tmp_path, monkeypatch):
    package = tmp_path / "resources" / "settings_resources"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "two.toml").write_text('sources = [{name = "popular"}, {name = "together"}]\n')
    monkeypatch.syspath_prepend(package.parent)
    WatchedStore.calls.clear()
    OtherProcesses.jobs.clear()
    return registry_of(
        scenarios={"tools": lambda: SCENARIO},
        candidate_generators={"popular": Popular, "together": Together},
        stores={"watched": WatchedStore},
        executors={"elsewhere": OtherProcesses},
    )


def events():
    rows = [(f"u{u}", f"t{(u % 2) + 2 * ((u // 2 + n) % 4)}") for n in range(3) for u in range(12)]
    table = pd.DataFrame(rows, columns=["user_id", "item_id"])
    return table.assign(time=1_700_000_000 + 60 * np.arange(len(table)))


def workspace_with(folder, registry, text):
    folder.mkdir()
    (folder / "crossrec.toml").write_text(text)
    return Workspace.create(folder, registry)


def test_without_a_file_everything_is_local(tmp_path):
    workspace = Workspace.create(tmp_path / "ws")
    assert type(workspace.store()) is SqliteStore
    assert type(workspace.executor()).__name__ == "LocalExecutor"
    assert workspace.settings.decision_log.keep_days == 90


def test_a_store_of_a_plugin_is_used_by_ingest_fit_and_recommend(tmp_path, registry):
    workspace = workspace_with(tmp_path / "ws", registry, '[store]\nname = "watched"\n')
    with Engine(workspace, registry, background=False) as engine:
        engine.ingest("tools", events=events())
        assert WatchedStore.calls == ["add_events"]
        engine.fit("tools")
        assert WatchedStore.calls[1:] == ["events"]
        slate = engine.recommend("tools", "u2", k=3)
        assert WatchedStore.calls[2:] == ["user_events"]
        assert slate.path == "stored history"
    assert (workspace.path / "watched.db").is_file()
    assert not (workspace.path / "crossrec.db").exists()


def test_a_workspace_given_by_its_path_uses_the_store_of_its_file(tmp_path, registry, monkeypatch):
    from crossrec.plugins import registry as registry_module

    monkeypatch.setattr(registry_module, "load_registry", lambda **_: registry)
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "crossrec.toml").write_text('[store]\nname = "watched"\n')
    ingest_files(tmp_path / "ws", SCENARIO, events=events())
    assert WatchedStore.calls == ["add_events"]


def test_a_store_that_is_named_later_starts_empty(tmp_path, registry):
    with Engine(Workspace.create(tmp_path / "ws", registry), registry) as engine:
        engine.ingest("tools", events=events())
    (tmp_path / "ws" / "crossrec.toml").write_text('[store]\nname = "watched"\n')
    with Engine(Workspace.open(tmp_path / "ws", registry), registry) as engine:
        assert engine.ingest("tools", events=events()).table("events").new == 36


def test_sources_fitted_in_another_process_answer_as_those_of_this_one(tmp_path, registry):
    text = '[executor]\nname = "elsewhere"\n'
    answers = {}
    for name, content in (("here", ""), ("there", text)):
        workspace = workspace_with(tmp_path / name, registry, content)
        with Engine(workspace, registry, background=False) as engine:
            engine.ingest("tools", events=events())
            pipeline = engine.fit("tools")
            assert not pipeline.report["failed"]
            answers[name] = [engine.recommend("tools", f"u{n}", k=4).item_ids for n in range(4)]
            counts = pipeline.sources["together"].counts
            answers[name].append(counts.tolist())
    assert OtherProcesses.jobs == ["popular", "together"] * 2
    assert answers["here"] == answers["there"]


def test_a_source_that_fails_in_another_process_is_named(make_shop, make_config):
    registry = registry_of(
        candidate_generators={"popular": Popular, "unfit": BadlyFitted},
    )
    resolved = resolve_pipeline(make_config("popular", "unfit"), registry)
    said = []
    run = RunOptions(progress=lambda message, done, total: said.append(message))
    fitted = fit_sources(make_shop(), resolved, run, "there", OtherProcesses())
    assert list(fitted.sources) == ["popular"]
    assert fitted.failed == {"unfit": "MemoryError: too large"}
    assert said == ["fitted there"], "what only this process can show stays in it"


BadlyFitted = unfit(MemoryError("too large"))
BadlyFitted.__qualname__, BadlyFitted.__module__ = "BadlyFitted", __name__


def test_workers_reach_the_local_executor(tmp_path):
    text = "[executor]\nsettings = { workers = 3 }\n"
    assert workspace_with(tmp_path / "ws", None, text).executor().config.workers == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[store", "is not valid TOML"),
        ('[store]\nnam = "x"', "store: nam: Extra inputs are not permitted"),
        ("[stores]", "stores: Extra inputs are not permitted"),
        ("[decision_log]\nsample = 2", "decision_log: sample: .*less than or equal to 1"),
        ("[decision_log]\nkeep_days = 0", "decision_log: keep_days: .*greater than 0"),
        ("[decision_log]\nitems = 0", "decision_log: items: .*greater than or equal to 1"),
        ('[store]\nname = "sqlit"', r"\[store\]: .*sqlit.*sqlite"),
        ("[store]\nsettings = { path = 1 }", r"\[store\]: sqlite takes no settings; 'path' is one"),
    ],
)
def test_a_complaint_names_file_and_key(tmp_path, text, complaint):
    folder = tmp_path / "ws"
    folder.mkdir()
    (folder / "crossrec.toml").write_text(text)
    with pytest.raises(UsageError, match=rf"crossrec\.toml.*{complaint}") as error:
        Workspace.create(folder)
    assert "\n" not in str(error.value)


def test_an_executor_with_wrong_settings_stops_before_the_fit(tmp_path, registry):
    text = '[executor]\nname = "local"\nsettings = { workers = 0 }\n'
    workspace = workspace_with(tmp_path / "ws", registry, text)
    with Engine(workspace, registry) as engine:
        engine.ingest("tools", events=events())
        with pytest.raises(ConfigError, match=r"crossrec\.toml: \[executor\]: local: .*workers"):
            engine.fit("tools")


def test_a_file_that_is_no_text_is_one_line(tmp_path):
    folder = tmp_path / "ws"
    folder.mkdir()
    (folder / "crossrec.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CrossrecError, match=r"crossrec\.toml is not UTF-8 text"):
        Workspace.create(folder)
