import gc
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from crossrec.errors import WorkspaceError
from crossrec.store.connections import Connections, explain
from crossrec.store.schema import FORMAT, create_base, create_scenario, quoted
from sqlite_utils import Database


@pytest.fixture
def connections(tmp_path):
    connections = Connections(tmp_path / "a b#c?.db")
    connections.writer()
    yield connections
    connections.close()


def test_odd_paths_are_one_file(connections):
    assert connections.path.exists()
    assert connections.reader().execute("SELECT count(*) FROM scenarios").fetchone() == (0,)


def test_a_transaction_is_kept_as_a_whole(connections):
    with connections.transaction() as connection:
        connection.execute("INSERT INTO scenarios (name) VALUES ('a')")
        connection.execute("INSERT INTO scenarios (name) VALUES ('b')")
        assert connections.reader().execute("SELECT count(*) FROM scenarios").fetchone() == (0,)
    assert connections.reader().execute("SELECT count(*) FROM scenarios").fetchone() == (2,)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_transaction_that_fails_leaves_nothing(connections, error):
    def fail():
        with connections.transaction() as connection:
            connection.execute("INSERT INTO scenarios (name) VALUES ('a')")
            raise error

    with pytest.raises(error):
        fail()
    assert connections.reader().execute("SELECT count(*) FROM scenarios").fetchone() == (0,)
    with connections.transaction() as connection:
        connection.execute("INSERT INTO scenarios (name) VALUES ('b')")


def test_a_reader_cannot_write(connections):
    with pytest.raises(WorkspaceError, match="read-only"), connections.translated():
        connections.reader().execute("INSERT INTO scenarios (name) VALUES ('a')")


def test_each_thread_has_its_own_reader(connections):
    found = []
    thread = threading.Thread(target=lambda: found.append(connections.reader()))
    thread.start()
    thread.join()
    assert found[0] is not connections.reader()
    assert connections.reader() is connections.reader()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no list of open files here")
def test_threads_that_have_ended_leave_no_open_file(connections):
    """SQLite may close a file a little later: as many as ten threads need, and not two hundred."""

    def read():
        connections.reader().execute("SELECT count(*) FROM scenarios").fetchone()

    def open_files_after(rounds):
        for _ in range(rounds):
            threads = [threading.Thread(target=read) for _ in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return len(list(Path("/proc/self/fd").iterdir()))

    read()
    assert open_files_after(20) <= open_files_after(1) + 10
    read()


def test_the_reader_of_a_live_thread_stays_open(connections):
    go_on, read = threading.Event(), threading.Event()
    found = []

    def work():
        found.append(connections.reader())
        read.set()
        go_on.wait(20)
        found.append(connections.reader().execute("SELECT 1").fetchone())

    thread = threading.Thread(target=work)
    thread.start()
    read.wait(20)
    gc.collect()
    go_on.set()
    thread.join(20)
    assert found[1] == (1,)
    with pytest.raises(sqlite3.ProgrammingError):
        found[0].execute("SELECT 1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_opens_its_own_and_leaves_the_others_alone(connections):
    connections.reader().execute("SELECT 1")
    child = os.fork()
    if not child:
        status = 1
        try:
            connections.reader().execute("SELECT count(*) FROM scenarios").fetchone()
            connections.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with connections.transaction() as connection:
        connection.execute("INSERT INTO scenarios (name) VALUES ('a')")
    assert connections.reader().execute("SELECT count(*) FROM scenarios").fetchone() == (1,)


def test_closed_connections_open_again(connections):
    before = connections.reader()
    connections.close()
    assert connections.reader() is not before
    with pytest.raises(sqlite3.ProgrammingError):
        before.execute("SELECT 1")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("attempt to write a readonly database", "is read-only: make it writable"),
        ("unable to open database file", "cannot be opened: check that it exists"),
        ("file is not a database", "is damaged or not a SQLite database"),
        ("database disk image is malformed", "is damaged or not a SQLite database"),
        ("database is locked", "is in use by another process"),
        ("database or disk is full", "is full: free some space"),
        ("something new", "x.db: something new"),
    ],
)
def test_every_error_of_sqlite_becomes_a_line_with_a_remedy(tmp_path, message, said):
    text = explain(tmp_path / "x.db", sqlite3.OperationalError(message))
    assert said in text
    assert "x.db" in text
    assert "\n" not in text


def test_a_full_disk_loses_nothing_and_is_reported(connections):
    create_scenario(connections.writer(), "shop")
    pages = connections.writer().execute("PRAGMA page_count").fetchone()[0]
    connections.writer().execute(f"PRAGMA max_page_count = {pages + 2}")

    def fill():
        with connections.transaction() as connection:
            rows = ((f"item {n}" * 50,) for n in range(10_000))
            connection.executemany("INSERT INTO shop_items (name) VALUES (?)", rows)

    with pytest.raises(WorkspaceError, match="free some space"):
        fill()
    connections.writer().execute("PRAGMA max_page_count = 1000000")
    assert connections.reader().execute("SELECT count(*) FROM shop_items").fetchone() == (0,)


def test_tables_are_made_once_and_stamped():
    db = Database(memory=True)
    create_base(db)
    for _ in range(2):
        create_scenario(db, "shop")
        create_scenario(db, 'o"dd')
    assert db.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    assert {"shop_users", "shop_items", "shop_types", "shop_keys", "shop_events"} <= set(
        db.table_names()
    )
    rows = db.execute("SELECT name, has_clock, last_event FROM scenarios ORDER BY name").fetchall()
    assert rows == [('o"dd', None, 0), ("shop", None, 0)]


def test_identifiers_are_quoted():
    db = Database(memory=True)
    for name in ("plain", 'o"dd', "a b", "drop table x; --", "ünï"):
        db.execute(f"CREATE TABLE {quoted(name)} (x)")
        assert name in db.table_names()


def test_a_reader_does_without_what_only_writers_need(connections):
    """To import sqlite-utils is to import pandas, which takes longer than an answer may."""
    code = """
import sys
from pathlib import Path
from crossrec.store.connections import Connections
connections = Connections(Path(sys.argv[1]))
count = "SELECT count(*) FROM scenarios"
assert connections.reader().execute(count).fetchone() == (0,)
print(*sys.modules)
"""
    command = [sys.executable, "-c", code, str(connections.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"sqlite_utils", "pandas"}


def test_a_reader_refuses_a_newer_format(connections):
    connections.writer().conn.execute(f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(WorkspaceError, match="upgrade crossrec"):
        Connections(connections.path).reader()
