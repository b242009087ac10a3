import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from crossrec.errors import WorkspaceError
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.rows import Coded, EventRows
from crossrec.workspace import MARKER, Workspace

SHOP = Scenario(
    name="shop",
    summary="",
    events=(EventType("view"), EventType("hide", strength=-1.0, polarity=-1)),
    items=ItemSchema((ItemField("title"), ItemField("categories")), "{title}. {categories}"),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="view",
    main_surface="home",
)


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace.create(tmp_path / "ws")
    yield workspace
    workspace.close()


def add_events(workspace, events, *, clock=True):
    users, items, types, times = zip(*events, strict=True)
    rows = EventRows(
        users=Coded.of(users),
        items=Coded.of(items),
        types=Coded.of(types),
        times=np.array(times, dtype=np.float64) if clock else None,
        values=np.full(len(events), np.nan),
        keys=np.arange(len(events)),
    )
    workspace.store().add_events("shop", rows)


def test_a_new_workspace_has_its_parts_and_can_be_opened(workspace):
    path = workspace.path
    assert json.loads((path / MARKER).read_text()) == {"format": 1}
    assert (path / "crossrec.db").is_file()
    assert workspace.rejected.is_dir()
    assert workspace.cache.is_dir()
    assert workspace.artifact_path("shop") == path / "artifacts" / "shop"
    assert Workspace.open(str(path)).path == path
    assert Workspace.create(path).path == path


def test_an_empty_folder_becomes_one(tmp_path):
    assert Workspace.create(tmp_path).path == tmp_path


def test_folders_in_between_are_made(tmp_path):
    assert Workspace.create(tmp_path / "a" / "b c").path.is_dir()


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(WorkspaceError, match="not a crossrec workspace and not empty"):
        Workspace.create(tmp_path)
    with pytest.raises(WorkspaceError, match="not a crossrec workspace .*-w or CROSSREC_WORKSPACE"):
        Workspace.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_is_absent_or_a_file_is_no_workspace(tmp_path):
    with pytest.raises(WorkspaceError, match="there is no workspace at .*crossrec ingest"):
        Workspace.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="is a file"):
        Workspace.create(tmp_path / "file")
    with pytest.raises(WorkspaceError, match="is not a crossrec workspace"):
        Workspace.open(tmp_path / "file")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        Workspace.create(tmp_path / "file" / "ws")


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('{"format": 99}', r"newer crossrec \(format 99, this one reads 1\): upgrade crossrec"),
        ("{}", "is damaged"),
        ("not json", "is damaged"),
        ("[]", "is damaged"),
    ],
)
def test_markers_that_are_newer_or_damaged(workspace, marker, message):
    (workspace.path / MARKER).write_text(marker)
    for use in (Workspace.open, Workspace.create):
        with pytest.raises(WorkspaceError, match=message):
            use(workspace.path)


def test_half_a_workspace_is_none(workspace):
    (workspace.path / MARKER).unlink()
    with pytest.raises(WorkspaceError, match="is missing"):
        Workspace.open(workspace.path)


def test_a_making_that_was_interrupted_is_completed(workspace):
    (workspace.path / MARKER).unlink()
    (workspace.path / "cache").rmdir()
    assert Workspace.create(workspace.path).cache.is_dir()
    assert Workspace.open(workspace.path).store().scenarios() == []


def test_the_dataset_holds_everything_in_order(workspace):
    store = workspace.store()
    store.add_items("shop", {"i1": {"title": "One", "categories": ["A", "B"], "price": 3}})
    add_events(
        workspace,
        [
            ("u2", "i2", "view", 9.0),
            ("u1", "i1", "view", 5.0),
            ("u1", "i2", "hide", 4.0),
            ("u1", "i3", "view", 5.0),
        ],
    )
    dataset = workspace.dataset(SHOP)
    assert list(dataset.users.ids) == ["u2", "u1"]
    assert list(dataset.catalog.items.ids) == ["i1", "i2", "i3"]
    assert dataset.catalog.known.tolist() == [True, False, False]
    assert dataset.catalog.texts[0] == "One. A B"
    assert dataset.catalog.attributes == {"price": (3, None, None)}
    assert dataset.has_clock
    assert dataset.sequences.row(1).tolist() == [0, 2]
    assert dataset.disliked.row(1).tolist() == [1]
    assert dataset.events.weights.tolist() == [1.0, -1.0, 1.0, 1.0]


def test_without_times_the_order_of_rows_is_the_sequence(workspace):
    add_events(workspace, [("u", f"i{9 - n}", "view", 0.0) for n in range(9)], clock=False)
    dataset = workspace.dataset(SHOP)
    assert not dataset.has_clock
    assert dataset.sequences.row(0).tolist() == list(range(9))


def test_an_empty_workspace_gives_an_empty_dataset(workspace):
    dataset = workspace.dataset(SHOP)
    assert (dataset.n_users, dataset.n_items, len(dataset.events)) == (0, 0, 0)
    assert not dataset.has_clock


def test_what_is_withdrawn_is_an_attribute_of_the_catalog(workspace):
    store = workspace.store()
    store.add_items("shop", {"i1": {"title": "One"}, "i2": {"title": "Two"}})
    store.withdraw_items("shop", ("i2",))
    catalog = workspace.dataset(SHOP).catalog
    assert catalog.attributes == {"withdrawn": (True, None)}
    assert catalog.texts == ("One", "Two")


def in_another_process(path, code):
    """Start a process that runs `code` with `workspace`, and wait for its first line."""
    prelude = (
        f"from crossrec.workspace import Workspace\nworkspace = Workspace.open({str(path)!r})\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", prelude + textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


HOLD = """
    with workspace.writing():
        print("ready", flush=True)
        input()
"""


def test_a_second_writer_that_does_not_wait_gets_the_process_that_writes(workspace):
    process = in_another_process(workspace.path, HOLD)
    workspace.wait = 0
    with (
        pytest.raises(WorkspaceError, match=rf"in use by another process \(pid {process.pid}\)"),
        workspace.writing(),
    ):
        pass
    process.communicate("\n", timeout=30)
    with workspace.writing():
        pass


def test_a_second_writer_waits_until_the_first_is_done_and_says_so_once(workspace, caplog):
    process = in_another_process(workspace.path, HOLD)
    timer = threading.Timer(0.4, lambda: process.communicate("\n", timeout=30))
    timer.start()
    started = time.monotonic()
    with workspace.writing():
        waited = time.monotonic() - started
    timer.join()
    assert waited >= 0.3
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        f"waiting for workspace {workspace.path}, which process {process.pid} is using"
    )


def test_a_writer_that_waits_long_enough_says_how_long(workspace, caplog):
    process = in_another_process(workspace.path, HOLD)
    workspace.wait = 0.2
    started = time.monotonic()
    with (
        pytest.raises(WorkspaceError, match=rf"still .* \(pid {process.pid}\) after 0.2 s"),
        workspace.writing(),
    ):
        pass
    assert 0.2 <= time.monotonic() - started < 10
    assert len(caplog.records) == 1
    process.communicate("\n", timeout=30)
    with workspace.writing():
        pass


def test_a_free_workspace_is_taken_at_once_and_silently(workspace, caplog):
    for wait in (None, 0, 5.0):
        workspace.wait = wait
        with workspace.writing():
            pass
    assert caplog.records == []


def test_readers_need_no_lock(workspace):
    add_events(workspace, [("u", "i1", "view", 1.0)])
    process = in_another_process(workspace.path, HOLD)
    assert len(workspace.dataset(SHOP).events) == 1
    assert len(workspace.store().user_events(SHOP, "u")) == 1
    process.communicate("\n", timeout=30)


def test_a_killed_writer_holds_nothing(workspace):
    process = in_another_process(workspace.path, HOLD)
    process.kill()
    process.wait(timeout=30)
    process.stdin.close()
    process.stdout.close()
    with workspace.writing():
        pass


def test_the_lock_is_given_back_after_an_error_and_may_be_nested(workspace):
    with pytest.raises(ValueError, match="x"), workspace.writing(), workspace.writing():
        raise ValueError("x")
    assert refused(workspace) is None


def refused(workspace):
    """Return what another thread hears that does not wait; None where it may write."""
    found = []

    def write():
        other = Workspace(workspace.path, wait=0)
        try:
            with other.writing():
                found.append(None)
        except WorkspaceError as error:
            found.append(str(error))

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(30)
    return found[0]


def test_one_thread_may_nest_through_another_object_and_another_way_of_writing_the_path(
    workspace, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alias").symlink_to(workspace.path)
    with workspace.writing():
        for path in (workspace.path, Path("ws"), Path("alias"), tmp_path / "alias" / ".." / "ws"):
            other = Workspace.open(path)
            other.wait = 0
            with other.writing():
                pass
            assert f"pid {os.getpid()}" in refused(workspace), "the outer one holds it still"
    assert refused(workspace) is None


def test_the_threads_of_one_process_take_turns(workspace):
    inside, most = [], []

    def write(own):
        for _ in range(5):
            with own.writing():
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    places = [workspace, Workspace.open(workspace.path), Workspace.open(workspace.path)]
    threads = [threading.Thread(target=write, args=(place,)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1] * 15


ADD_ONE = """
    print("ready", flush=True)
    for _ in range(5):
        with workspace.writing():
            path = workspace.path / "cache" / "number"
            number = int(path.read_text())
            path.write_text(str(number + 1))
"""


def test_processes_take_turns(workspace):
    path = workspace.path / "cache" / "number"
    with workspace.writing():  # so that all of them have to wait at first
        path.write_text("0")
        processes = [in_another_process(workspace.path, ADD_ONE) for _ in range(3)]
        assert path.read_text() == "0"
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert path.read_text() == "15"


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that refuses writes")
def test_a_read_only_folder_is_one_clear_line():
    # The kernel's own folder refuses new ones, also to root, whom no permission bit stops.
    with pytest.raises(WorkspaceError, match="read-only: make it writable"):
        Workspace.create("/sys/kernel/crossrec")


@pytest.mark.skipif(os.geteuid() == 0, reason="permission bits do not stop root")
def test_a_folder_without_permission_is_read_only(workspace):
    workspace.path.chmod(0o555)
    try:
        with pytest.raises(WorkspaceError, match="read-only"), workspace.writing():
            pass
    finally:
        workspace.path.chmod(0o755)


def test_a_lock_that_cannot_be_made_is_one_clear_line(workspace):
    (workspace.path / ".lock").mkdir()
    with pytest.raises(WorkspaceError, match="cannot be written"), workspace.writing():
        pass


def test_the_decision_log_is_made_at_its_first_use(workspace):
    log = workspace.decision_log()
    assert workspace.decision_log() is log
    assert not (workspace.path / "decisions.db").exists()
    assert log.latest("shop", 1) == []
    workspace.close()
    assert log.latest("shop", 1) == []
