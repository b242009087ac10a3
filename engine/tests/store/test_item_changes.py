"""How a reader notices that items were written, and which ones came later."""

from __future__ import annotations

import time

import numpy as np
import pytest
from crossrec.errors import WorkspaceError
from crossrec.store.rows import Coded, EventRows
from crossrec.store.schema import FORMAT
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


def test_what_was_written_since_comes_with_all_its_fields_in_the_order_of_ingestion(store):
    store.add_items("shop", {"b": {"title": "B", "price": 3}, "a": {}, "c": {"title": "C"}})
    first = store.item_changes("shop")
    assert list(store.items_changed("shop", 0)) == ["b", "a", "c"]
    assert store.items_changed("shop", first) == {}
    store.add_items("shop", {"d": {"title": "D"}, "b": {"price": 4}})
    assert store.items_changed("shop", first) == {
        "b": {"title": "B", "price": 4, "withdrawn": False},
        "d": {"title": "D", "withdrawn": False},
    }
    assert list(store.items_changed("shop", first)) == ["b", "d"]
    assert store.items_changed("shop", store.item_changes("shop")) == {}
    assert store.items_changed("never", 0) == {}


def test_each_scenario_counts_for_itself(store):
    store.add_items("shop", {"a": {}})
    store.add_items("other", {"a": {}})
    store.add_items("other", {"b": {}})
    assert list(store.items_changed("other", 1)) == ["b"]
    assert list(store.items_changed("shop", 0)) == ["a"]
    assert store.items_changed("shop", 1) == {}


def test_an_item_of_events_alone_is_changed_once_it_has_a_row(store):
    store.add_items("shop", {"first": {}})
    store.add_events("shop", events("i1", "i2", "i3"))
    before = store.item_changes("shop")
    assert store.items_changed("shop", before) == {}
    store.add_items("shop", {"i2": {"title": "two"}})
    assert store.item_changes("shop") > before
    assert store.items_changed("shop", before) == {"i2": {"title": "two", "withdrawn": False}}


def test_what_is_not_kept_is_withdrawn_and_stays_in_the_catalog(store):
    store.add_items("shop", {"a": {"title": "A"}, "b": {"title": "B"}, "c": {}})
    store.add_events("shop", events("i1"))
    before = store.item_changes("shop")
    assert store.withdraw_items("shop", {"b", "unheard of"}) == 3
    assert store.item_changes("shop") == before + 1
    gone = {"a": {"title": "A", "withdrawn": True}, "c": {"withdrawn": True}}
    gone["i1"] = {"withdrawn": True}
    assert store.items_changed("shop", before) == gone
    vocabulary, records = store.items("shop")
    assert list(vocabulary.ids) == ["a", "b", "c", "i1"]
    assert records == {**gone, "b": {"title": "B"}}
    assert store.known_items("shop") == {"a", "b", "c"}
    assert store.counts("shop").withdrawn == 3


def test_an_item_of_events_alone_is_offered_again_once_it_has_a_row(store):
    store.add_events("shop", events("i1"))
    store.withdraw_items("shop", ())
    assert store.counts("shop").withdrawn == 1
    store.add_events("shop", events("i1", "i2"))
    assert store.counts("shop").withdrawn == 1, "another event puts nothing back on offer"
    store.add_items("shop", {"i1": {}})
    assert store.counts("shop").withdrawn == 0


def test_withdrawing_again_changes_nothing(store):
    store.add_items("shop", {"a": {}, "b": {}})
    assert store.withdraw_items("shop", ("b",)) == 1
    before = store.item_changes("shop")
    assert store.withdraw_items("shop", ("b",)) == 0
    assert store.item_changes("shop") == before


def test_what_is_written_again_is_offered_again(store):
    store.add_items("shop", {"a": {"title": "A"}, "b": {}})
    store.withdraw_items("shop", ())
    before = store.item_changes("shop")
    store.add_items("shop", {"a": {"price": 1}})
    changed = store.items_changed("shop", before)
    assert changed == {"a": {"title": "A", "price": 1, "withdrawn": False}}
    assert store.items("shop")[1] == {"a": {"title": "A", "price": 1}, "b": {"withdrawn": True}}


def test_reading_what_changed_is_a_search_and_no_scan(store):
    store.add_items("shop", {"a": {}})
    connection = store._connections.reader()
    seen = []
    connection.set_trace_callback(seen.append)
    store.items_changed("shop", 0)
    connection.set_trace_callback(None)
    select = next(sql for sql in seen if '"changed" >' in sql)
    plan = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {select}").fetchall()]
    assert not [step for step in plan if step.startswith("SCAN")], plan


@pytest.fixture
def old_store(store):
    """A store of format 1: items have neither of the two columns, and nothing was counted."""
    store.add_items("shop", {"a": {"title": "A"}, "b": {}})
    store.add_events("shop", events("i1"))
    db = store._connections.writer()
    for statement in (
        "DROP TABLE changes",
        "DROP INDEX idx_shop_items_changed",
        "ALTER TABLE shop_items DROP COLUMN changed",
        "ALTER TABLE shop_items DROP COLUMN withdrawn",
        "PRAGMA user_version = 1",
    ):
        db.execute(statement)
    store.close()
    fresh = SqliteStore(store._connections.path)
    yield fresh
    fresh.close()


def columns_of(store):
    rows = store._connections.reader().execute("PRAGMA table_info(shop_items)")
    return {row[1] for row in rows}


def test_a_store_of_format_1_is_read_as_it_is(old_store):
    vocabulary, records = old_store.items("shop")
    assert list(vocabulary.ids) == ["a", "b", "i1"]
    assert records == {"a": {"title": "A"}, "b": {}}
    assert old_store.item_changes("shop") == 0
    assert old_store.items_changed("shop", 0) == {}
    assert "changed" not in columns_of(old_store), "reading writes nothing"


def test_a_store_of_format_1_gets_the_columns_on_its_next_writing_of_items(old_store):
    assert old_store.add_items("shop", {"b": {"title": "B"}, "c": {}}) == 1
    assert {"changed", "withdrawn"} <= columns_of(old_store)
    assert old_store.item_changes("shop") == 1
    assert old_store.items_changed("shop", 0) == {
        "b": {"title": "B", "withdrawn": False}, "c": {"withdrawn": False},
    }  # fmt: skip
    version = old_store._connections.reader().execute("PRAGMA user_version").fetchone()
    assert version == (FORMAT,)
    assert old_store.items("shop")[1] == {"a": {"title": "A"}, "b": {"title": "B"}, "c": {}}


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.add_events("shop", events("i1", "i2")),
        lambda store: store.add_users("shop", {"u": {}}),
        lambda store: store.withdraw_items("shop", ("a",)),
    ],
)
def test_so_it_does_on_any_other_writing(old_store, write):
    write(old_store)
    assert {"changed", "withdrawn"} <= columns_of(old_store)
    assert list(old_store.items("shop")[0].ids)[:2] == ["a", "b"]


def test_another_scenarios_writing_leaves_the_old_tables_readable(old_store):
    old_store.add_items("other", {"x": {}})
    assert "changed" not in columns_of(old_store)
    assert old_store.items("shop")[1] == {"a": {"title": "A"}, "b": {}}
    assert old_store.items_changed("shop", 0) == {}
    old_store.add_items("shop", {"a": {"price": 1}})
    assert list(old_store.items_changed("shop", 0)) == ["a"]


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
