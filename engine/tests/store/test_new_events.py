"""What is new in a store: all events of the users who got one, backdated and repeated rows too."""

import numpy as np
import pytest
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.store.base import Deleted
from crossrec.store.rows import Coded, EventRows
from crossrec.store.sqlite import SqliteStore

SHOP = Scenario(
    name="shop",
    summary="",
    events=(EventType("buy", strength=5.0), EventType("refund", polarity=-1, strength=-5.0)),
    items=ItemSchema((ItemField("title"),), "{title}"),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="buy",
    main_surface="home",
)


def rows(events, first_key=0):
    """Build rows from tuples of user, item, type and time; keys count up."""
    users, items, types, times = zip(*events, strict=True)
    return EventRows(
        users=Coded.of(users),
        items=Coded.of(items),
        types=Coded.of(types),
        times=np.array(times, dtype=np.float64),
        values=np.full(len(events), np.nan),
        keys=np.arange(first_key, first_key + len(events), dtype=np.int64),
    )


FIRST = [
    ("ann", "a", "buy", 10.0),
    ("bob", "a", "buy", 11.0),
    ("cem", "b", "buy", 12.0),
    ("bob", "b", "buy", 13.0),
]


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "store.db")
    store.add_events("shop", rows(FIRST))
    yield store
    store.close()


def listed(store, found):
    """Return the rows as (user, item, time, number)."""
    users, items = store.users("shop")[0], store.items("shop")[0]
    events = found.events
    return [
        (users.id(user), items.id(item), time, number)
        for user, item, time, number in zip(
            events.users.tolist(), events.items.tolist(), events.times.tolist(),
            found.numbers.tolist(), strict=True,
        )
    ]  # fmt: skip


def test_nothing_is_new_after_the_last_event(store):
    assert store.last_event("shop") == 4
    assert len(store.events_since(SHOP, 4).events) == 0
    assert store.last_event("nothing here") == 0


def test_a_user_with_a_new_event_comes_with_the_old_ones(store):
    store.add_events("shop", rows([("bob", "a", "refund", 20.0), ("dan", "c", "buy", 21.0)], 4))
    found = store.events_since(SHOP, 4)
    assert listed(store, found) == [
        ("bob", "a", 11.0, 2),
        ("bob", "b", 13.0, 4),
        ("bob", "a", 20.0, 5),
        ("dan", "c", 21.0, 6),
    ]
    assert found.events.weights.tolist() == [5.0, 5.0, -5.0, 5.0]
    before = found.until(4)
    assert store.users("shop")[0].id(int(before.users[0])) == "bob"
    assert len(before) == 2
    assert len(found.until(6)) == 4
    assert len(found.until(0)) == 0


def test_a_backdated_event_is_new_all_the_same(store):
    store.add_events("shop", rows([("ann", "b", "buy", 1.0)], 4))
    found = store.events_since(SHOP, 4)
    assert listed(store, found) == [("ann", "a", 10.0, 1), ("ann", "b", 1.0, 5)]


def test_an_event_that_is_ingested_again_is_not_new(store):
    assert store.add_events("shop", rows(FIRST)) == 0
    assert store.last_event("shop") == 4
    store.add_events("shop", rows([*FIRST, ("cem", "a", "buy", 30.0)]))
    assert store.last_event("shop") == 5
    assert {row[0] for row in listed(store, store.events_since(SHOP, 4))} == {"cem"}


def test_the_events_of_one_user(store):
    assert listed(store, store.events_of(SHOP, "bob")) == [
        ("bob", "a", 11.0, 2),
        ("bob", "b", 13.0, 4),
    ]
    assert len(store.events_of(SHOP, "nobody").events) == 0


def test_since_the_start_is_everything(store):
    assert len(store.events_since(SHOP, 0).events) == len(store.events(SHOP)) == 4


def test_a_deleted_user_leaves_no_byte_and_starts_anew(store, tmp_path):
    store.add_users("shop", {"bob-7f3a": {"city": "unmistakable-city"}})
    store.add_events("shop", rows([("bob-7f3a", "c", "buy", 40.0)], 4))
    gone = Deleted(items=1, users=1, events=1)  # only that event named the item
    assert store.delete_user("shop", "bob-7f3a") == gone
    assert store.delete_user("shop", "bob-7f3a") == Deleted()
    assert store.delete_user("nothing here", "bob") == Deleted()
    for path in tmp_path.iterdir():
        for trace in (b"bob-7f3a", b"unmistakable-city"):
            assert trace not in path.read_bytes(), path.name
    assert "bob-7f3a" not in store.users("shop")[0]
    assert [len(store.events(SHOP)), store.last_event("shop")] == [4, 5]
    store.add_events("shop", rows([("bob-7f3a", "a", "buy", 41.0)], 5))
    assert listed(store, store.events_since(SHOP, 5)) == [("bob-7f3a", "a", 41.0, 6)]
