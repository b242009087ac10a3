"""Other processes beside one that ingests: readers see whole batches, writers wait their turn."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from crossrec.errors import WorkspaceError
from crossrec.ingest import ingest_files
from crossrec.workspace import Workspace

BATCH, ROWS = 1_000, 40_000

CHILD = """
    import sys
    from crossrec.ingest import IngestOptions, ingest_files
    from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

    shop = Scenario(
        name="shop", summary="", events=(EventType("view"),),
        items=ItemSchema((ItemField("title"),), "{title}"), surfaces=(Surface("home"),),
        pipeline="", default_event="view", main_surface="home",
    )
    kind, folder, path, size = sys.argv[1:]
    options = IngestOptions(chunk_rows=int(size))
    ingest_files(folder, shop, **{kind: path}, options=options)
"""


@pytest.fixture
def start(tmp_path):
    """Start a process that ingests; it is killed at the end, whatever happens."""
    running = []

    def start(kind, path, size=BATCH):
        arguments = [kind, str(tmp_path / "ws"), str(path), str(size)]
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(CHILD), *arguments])
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait(timeout=60)


@pytest.fixture
def event_file(tmp_path):
    path = tmp_path / "e.csv"
    lines = [f"u{i % 997},i{i % 101},{i}" for i in range(ROWS)]
    path.write_text("user,item,time\n" + "\n".join(lines) + "\n")
    return path


def wait_for(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.002)


def test_readers_see_whole_batches_that_fit_together(shop, workspace, event_file, start):
    process = start("events", event_file)
    seen = []
    while process.poll() is None:
        dataset = workspace.dataset(shop)
        seen.append(len(dataset.events))
        assert len(dataset.events) % BATCH == 0
        assert dataset.n_users == min(997, len(dataset.events))
        assert dataset.n_items == min(101, len(dataset.events))
        assert len(workspace.store().user_events(shop, "u0", limit=3)) <= 3
    assert process.returncode == 0
    assert seen == sorted(seen)
    assert len(workspace.dataset(shop).events) == ROWS


def test_a_second_ingestion_that_may_not_wait_is_refused_and_the_first_goes_on(
    shop, workspace, event_file, start
):
    process = start("events", event_file)
    wait_for(lambda: workspace.store().counts("shop").events or process.poll() is not None)
    os.kill(process.pid, signal.SIGSTOP)
    workspace.wait = 0
    try:
        with pytest.raises(WorkspaceError, match=rf"pid {process.pid}\)"):
            ingest_files(workspace, shop, events=event_file)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert process.wait(timeout=90) == 0
    assert workspace.store().counts("shop").events == ROWS


def test_ingestions_at_one_time_take_turns_and_nothing_is_lost(shop, workspace, tmp_path, start):
    paths = [tmp_path / f"{n}.csv" for n in range(3)]
    for n, path in enumerate(paths):
        path.write_text("user,item,time\n" + "".join(f"u{n},i{i},{i}\n" for i in range(500)))
    running = [start("events", path, 50) for path in paths]
    assert [process.wait(timeout=90) for process in running] == [0, 0, 0]
    assert workspace.store().counts("shop").events == 1500
    users = workspace.store().events(shop).users
    assert (np.diff(users) != 0).sum() == 2, "one ingestion after the other, never mixed"


def test_killed_between_items_and_rerun(shop, workspace, tmp_path, start):
    path = tmp_path / "i.jsonl"
    path.write_text("".join(f'{{"id": "i{i}", "title": "item {i}"}}\n' for i in range(20_000)))
    process = start("items", path, 200)
    wait_for(lambda: workspace.store().counts("shop").items >= 600)
    process.kill()
    assert process.wait(timeout=60) == -signal.SIGKILL
    survived = workspace.store().counts("shop")
    assert survived.items == survived.known_items
    assert survived.items % 200 == 0
    assert survived.items < 20_000
    report = ingest_files(workspace, shop, items=path)
    assert report.table("items").new == 20_000 - survived.items
    assert list(workspace.store().items("shop")[0].ids) == [f"i{i}" for i in range(20_000)]


def test_killed_again_and_again_it_still_gets_there(shop, tmp_path, event_file, start, stored):
    workspace = Workspace.create(tmp_path / "ws")
    held = 0
    for _ in range(4):
        process = start("events", event_file)
        goal = min(held + 2 * BATCH, ROWS)
        wait_for(
            lambda goal=goal, process=process: (
                workspace.store().counts("shop").events >= goal or process.poll() is not None
            )
        )
        process.kill()
        process.wait(timeout=60)
        held = workspace.store().counts("shop").events
        assert held % BATCH == 0
    ingest_files(workspace, shop, events=event_file)
    assert [row[3] for row in stored(workspace, shop)] == list(range(ROWS))
    workspace.close()


def test_killed_while_the_workspace_is_made(shop, tmp_path, event_file, start):
    for delay in (0.0, 0.4, 0.6, 0.8):
        process = start("events", event_file)
        time.sleep(delay)
        process.kill()
        process.wait(timeout=60)
    report = ingest_files(tmp_path / "ws", shop, events=event_file)
    assert report.totals["events"] == ROWS
