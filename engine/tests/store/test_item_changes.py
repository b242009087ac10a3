"""How a reader notices that items were written, and which ones came later."""

from __future__ import annotations

import time

import numpy as np
import pytest
from crossrec.errors import WorkspaceError
from crossrec.store.rows import Coded, EventRows
from crossrec.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "store.db")
    yield store
    store.close()


def events(*items):
    """One view of each item, by one user."""
    n = len(items)
    codes = np.arange(n)
    return EventRows(
        keys=codes.astype(np.int64),
        users=Coded(np.zeros(n, dtype=np.int64), ["u"]),
        items=Coded(codes, list(items)),
        types=Coded(np.zeros(n, dtype=np.int64), ["view"]),
        times=codes.astype(np.float64),
        values=np.full(n, np.nan),
    )


def test_every_writing_of_items_is_counted_and_nothing_else(store):
    assert store.item_changes("shop") == 0
    store.add_items("shop", {"a": {}, "b": {}})
    store.add_items("shop", {"a": {"title": "A"}})
    assert store.item_changes("shop") == 2
    store.add_items("shop", {})
    store.add_events("shop", events("i1", "i2", "i3"))
    store.add_users("shop", {"u": {}})
    assert store.item_changes("shop") == 2
    store.add_items("other", {"a": {}})
    assert (store.item_changes("shop"), store.item_changes("other")) == (2, 1)


def test_what_came_after_an_item_comes_in_its_order(store):
    store.add_items("shop", {"b": {"title": "B"}, "a": {}, "c": {"title": "C"}})
    assert store.items_after("shop", "b") == {"a": {}, "c": {"title": "C"}}
    assert list(store.items_after("shop", "b")) == ["a", "c"]
    assert store.items_after("shop", "c") == {}
    assert store.items_after("shop", "nobody knows") == {}
    assert store.items_after("never", "b") == {}


def test_an_item_of_events_alone_comes_after_once_it_has_a_row(store):
    store.add_items("shop", {"first": {}})
    store.add_events("shop", events("i1", "i2", "i3"))
    assert store.items_after("shop", "first") == {}
    before = store.item_changes("shop")
    store.add_items("shop", {"i2": {"title": "two"}})
    assert store.item_changes("shop") > before
    assert store.items_after("shop", "first") == {"i2": {"title": "two"}}


def test_a_store_from_before_counts_from_its_next_writing(store):
    store.add_items("shop", {"a": {}})
    store._connections.writer().execute("DROP TABLE changes")
    assert store.item_changes("shop") == 0
    store.close()
    store.add_items("shop", {"b": {}})
    assert store.item_changes("shop") == 1


def test_looking_for_changes_costs_little(store):
    store.add_items("shop", {"a": {}})
    started = time.thread_time()
    for _ in range(2000):
        store.item_changes("shop")
    assert (time.thread_time() - started) / 2000 < 50e-6


def test_a_store_that_cannot_be_read_raises_at_the_first_read(store):
    store._connections.reader().execute("SELECT 1")
    path = store._connections.path
    store.close()
    path.unlink()
    with pytest.raises(WorkspaceError, match="cannot be opened"):
        store.item_changes("shop")
