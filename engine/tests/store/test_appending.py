"""Single events from many threads and processes: each is stored once, under its own user."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.rows import Coded, EventRows
from crossrec.store.sqlite import SqliteStore

SHOP = Scenario(
    "shop", "", (EventType("view"),), ItemSchema((ItemField("title"),), "{title}"),
    (Surface("home"),), "", "view", "home",
)  # fmt: skip


def one_event(user: str, item: str, key: int) -> EventRows:
    return EventRows(
        Coded.of([user]), Coded.of([item]), Coded.of(["view"]),
        np.array([float(key)]), np.array([np.nan]), np.array([key]),
    )  # fmt: skip


@pytest.fixture
def stores(tmp_path):
    """Two stores of one file, as two processes would have them."""
    stores = [SqliteStore.create(tmp_path / "crossrec.db") for _ in range(2)]
    yield stores
    for store in stores:
        store.close()


def test_events_come_from_many_threads_and_stores_at_once(stores):
    errors = []

    def append(number):
        try:
            for n in range(10):
                event = one_event(f"u{number}", f"i{n}", 100 * number + n)
                stores[number % 2].add_events("shop", event)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for store in stores:
        counts = store.counts("shop")
        assert (counts.users, counts.items, counts.events) == (4, 10, 40)
        for number in range(4):
            events = store.user_events(SHOP, f"u{number}")
            assert events.item_ids == tuple(f"i{n}" for n in range(10))


def test_an_event_goes_to_no_user_who_got_the_number_of_a_deleted_one(stores):
    here, there = stores
    here.add_events("shop", one_event("u1", "i1", 1))
    with there._connections.transaction() as connection:
        connection.execute("DELETE FROM shop_events")
        connection.execute("DELETE FROM shop_users")
    there.add_events("shop", one_event("u2", "i1", 2))
    here.add_events("shop", one_event("u1", "i2", 3))
    assert here.user_events(SHOP, "u1").item_ids == ("i2",)
    assert here.user_events(SHOP, "u2").item_ids == ("i1",)


def test_closing_leaves_one_whole_file(stores, tmp_path):
    for store in stores:
        store.add_events("shop", one_event("u1", "i1", 1))
        store.user_events(SHOP, "u1")
    for store in stores:
        store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["crossrec.db"]
