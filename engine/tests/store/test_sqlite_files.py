"""The file of a store: threads, processes, damage."""

import os
import sqlite3
import threading

import numpy as np
import pytest
from crossrec.errors import WorkspaceError
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.base import Counts
from crossrec.store.rows import Coded, EventRows
from crossrec.store.sqlite import SqliteStore

SHOP = Scenario(
    name="shop",
    summary="",
    events=(
        EventType("view", strength=1.0),
        EventType("buy", strength=5.0, aliases=("purchase",)),
        EventType("star", strength=2.0, value="rating", value_range=(1, 5)),
    ),
    items=ItemSchema((ItemField("title"),), "{title}"),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="view",
    main_surface="home",
)


def rows(events, *, clock=True, first_key=0):
    """Build rows from tuples of user, item, type, time and value; keys count up."""
    users, items, types, times, values = zip(*events, strict=True)
    return EventRows(
        users=Coded.of(users),
        items=Coded.of(items),
        types=Coded.of(types),
        times=np.array(times, dtype=np.float64) if clock else None,
        values=np.array(values, dtype=np.float64),
        keys=np.arange(first_key, first_key + len(events), dtype=np.int64),
    )


def listed(events):
    """Return the columns of a user's events as (item, type, time, weight)."""
    names = [SHOP.events[kind].name for kind in events.types]
    return list(
        zip(events.item_ids, names, events.times.tolist(), events.weights.tolist(), strict=True)
    )


NONE = float("nan")
EVENTS = [
    ("u2", "i1", "view", 50.0, NONE),
    ("u1", "i2", "buy", 10.0, 3.0),
    ("u1", "i1", "star", 5.0, 1.0),
    ("u2", "i3", "view", 50.0, NONE),
]


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "crossrec.db")
    yield store
    store.close()


def test_a_failed_batch_leaves_nothing_and_the_next_one_works(store):
    bad = rows(EVENTS)
    broken = EventRows(bad.users, bad.items, bad.types, bad.times, bad.values[:2], bad.keys)
    with pytest.raises(IndexError):
        store.add_events("shop", broken)
    assert store.counts("shop") == Counts()
    assert store.add_events("shop", rows(EVENTS)) == 4
    assert len(store.events(SHOP)) == 4


def test_another_connection_sees_whole_batches_only(store, tmp_path):
    store.add_events("shop", rows(EVENTS))
    other = SqliteStore(tmp_path / "crossrec.db")
    with other.snapshot():
        assert other.counts("shop").events == 4
        store.add_events("shop", rows(EVENTS, first_key=10))
        assert other.counts("shop").events == 4
        assert len(other.events(SHOP)) == 4
    assert other.counts("shop").events == 8
    other.close()


def test_threads_read_beside_each_other(store):
    store.add_events("shop", rows(EVENTS))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(listed(store.user_events(SHOP, "u1"))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[("i1", "star", 5.0, -2.0), ("i2", "buy", 10.0, 5.0)]] * 8


def test_it_uses_a_write_ahead_log_and_opens_again(store, tmp_path):
    store.add_events("shop", rows(EVENTS))
    store.close()
    connection = sqlite3.connect(tmp_path / "crossrec.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    again = SqliteStore(tmp_path / "crossrec.db")
    assert again.counts("shop").events == 4
    assert again.add_events("shop", rows(EVENTS, first_key=4)) == 4
    assert list(again.users("shop")[0].ids) == ["u2", "u1"]
    again.close()


def test_a_store_of_a_newer_format_is_refused(store, tmp_path):
    store.close()
    connection = sqlite3.connect(tmp_path / "crossrec.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(WorkspaceError, match="store format 99.*upgrade crossrec"):
        store.counts("shop")
    with pytest.raises(WorkspaceError, match="upgrade crossrec"):
        store.add_items("shop", {"a": {}})


def test_what_is_no_database_is_refused(tmp_path):
    path = tmp_path / "crossrec.db"
    path.write_text("this is text, and more of it than a header of SQLite has: " * 20)
    for use in (SqliteStore.create, lambda p: SqliteStore(p).counts("shop")):
        with pytest.raises(WorkspaceError, match="damaged or not a SQLite database"):
            use(path)


def test_a_missing_file_is_not_made_by_reading(tmp_path):
    with pytest.raises(WorkspaceError, match="cannot be opened"):
        SqliteStore(tmp_path / "none.db").counts("shop")
    assert not (tmp_path / "none.db").exists()


def test_a_read_only_database_is_one_clear_line(store):
    store.add_items("shop", {"a": {}})
    store._connections.writer().conn.execute("PRAGMA query_only = ON")
    for write in (
        lambda: store.add_items("shop", {"b": {}}),
        lambda: store.add_events("shop", rows(EVENTS)),
        lambda: store.add_items("other", {"b": {}}),
    ):
        with pytest.raises(WorkspaceError, match="crossrec.db is read-only: make it writable"):
            write()
    assert store.counts("shop").known_items == 1


def test_a_file_without_its_log_can_be_read_where_none_can_be_made(store, tmp_path):
    store.add_events("shop", rows(EVENTS))
    store.close()
    # A folder in place of the log makes SQLite fail as it does in a folder that is read-only.
    (tmp_path / "crossrec.db-shm").mkdir()
    (tmp_path / "crossrec.db-wal").unlink(missing_ok=True)
    (tmp_path / "crossrec.db-wal").mkdir()
    again = SqliteStore(tmp_path / "crossrec.db")
    assert again.counts("shop").events == 4
    again.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_opens_connections_of_its_own(store):
    store.add_events("shop", rows(EVENTS))
    before = store._connections.reader()
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            fresh = store._connections.reader() is not before
            ok = fresh and len(store.user_events(SHOP, "u1")) == 2
            ok = ok and store.add_events("shop", rows(EVENTS, first_key=40)) == 4
        except BaseException:
            ok = False
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store._connections.reader() is before
    assert len(store.user_events(SHOP, "u1")) == 4
