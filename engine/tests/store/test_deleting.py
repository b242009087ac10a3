"""What is deleted is gone from every table and every file, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.errors import UsageError
from crossrec.scenario import EventType, ItemSchema, Scenario, Surface
from crossrec.store.base import Deleted, Store
from crossrec.store.rows import Coded, EventRows
from crossrec.store.sqlite import SqliteStore
from hypothesis import given, settings
from hypothesis import strategies as st

SHOP = Scenario(
    "shop", "", (EventType("view"), EventType("buy")), ItemSchema((), "{title}"),
    (Surface("home"),), "", "view", "home",
)  # fmt: skip


def rows(*events, clock=True):
    """Events given as (user, item, type) or (user, item, type, time); keys by their content."""
    times = [one[3] if len(one) > 3 else float(at) for at, one in enumerate(events)]
    return EventRows(
        Coded.of([one[0] for one in events]),
        Coded.of([one[1] for one in events]),
        Coded.of([one[2] for one in events]),
        np.array(times) if clock else None,
        np.full(len(events), np.nan),
        np.array([sum(map(ord, f"{'/'.join(map(str, one))}")) * 7919 + at
                  for at, one in enumerate(events)], dtype=np.int64),
    )  # fmt: skip


EVENTS = (
    ("ann", "a", "view"), ("ann", "b", "buy"), ("bob", "a", "view"), ("bob", "a", "buy"),
    ("cid", "c", "view"),
)  # fmt: skip


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "store.db")
    store.add_items("shop", {"a": {"title": "A"}, "b": {"title": "B"}})
    store.add_users("shop", {"ann": {"mail": "ann@example.org"}})
    store.add_events("shop", rows(*EVENTS))
    yield store
    store.close()


def stored(store):
    """All events as (user, item, type), the oldest first."""
    found = store.list_events("shop", limit=1000)[::-1]
    return [(one.user_id, one.item_id, one.event_type) for one in found]


def names(store):
    items, users = store.items("shop")[0], store.users("shop")[0]
    return sorted(items.ids), sorted(users.ids)


def test_it_is_a_store(store):
    assert isinstance(store, Store)


def test_an_item_goes_with_its_events_and_with_whom_they_alone_named(store):
    assert store.delete_items("shop", ["a", "unheard of"]) == Deleted(items=1, users=1, events=3)
    assert stored(store) == [EVENTS[1], EVENTS[4]]
    assert names(store) == (["b", "c"], ["ann", "cid"])
    assert store.item("shop", "a") is None


def test_a_user_goes_with_events_and_with_items_that_they_alone_named(store):
    assert store.delete_user("shop", "cid") == Deleted(items=1, users=1, events=1)
    assert names(store) == (["a", "b"], ["ann", "bob"])
    assert store.delete_user("shop", "ann") == Deleted(items=0, users=1, events=2)
    assert names(store) == (["a", "b"], ["bob"]), "items with a row of their own stay"
    assert store.user_fields("shop", "ann") == {}
    assert stored(store) == list(EVENTS[2:4])


@pytest.mark.parametrize(
    ("conditions", "gone"),
    [
        ({"user_id": "bob"}, {2, 3}),
        ({"item_id": "a"}, {0, 2, 3}),
        ({"event_type": "buy"}, {1, 3}),
        ({"user_id": "bob", "event_type": "view"}, {2}),
        ({"user_id": "ann", "item_id": "a", "event_type": "view"}, {0}),
        ({"number": 2}, {1}),
        ({"number": 2, "user_id": "bob"}, set()),
        ({"user_id": "nobody"}, set()),
        ({"event_type": "never"}, set()),
    ],
)
def test_events_are_chosen_by_all_conditions(store, conditions, gone):
    assert store.count_events("shop", **conditions) == len(gone)
    listed = store.list_events("shop", limit=9, **conditions)
    assert {one.number - 1 for one in listed} == gone
    assert store.delete_events("shop", **conditions).events == len(gone)
    assert stored(store) == [one for at, one in enumerate(EVENTS) if at not in gone]


def test_all_events_are_never_deleted_by_mistake(store):
    with pytest.raises(UsageError, match="all events would be deleted"):
        store.delete_events("shop")
    assert len(stored(store)) == len(EVENTS)


def test_where_nothing_is_nothing_is_deleted(store):
    before = store.item_changes("shop")
    assert store.delete_items("shop", []) == Deleted()
    assert store.delete_items("shop", ["unheard of"]) == Deleted()
    assert store.delete_user("shop", "unheard of") == Deleted()
    assert store.delete_items("never", ["a"]) == Deleted()
    assert store.delete_user("never", "ann") == Deleted()
    assert store.delete_events("never", user_id="ann") == Deleted()
    assert store.item_changes("shop") == before


def test_another_scenario_is_left_alone(store):
    store.add_items("other", {"a": {}})
    store.add_events("other", rows(*EVENTS))
    store.delete_items("shop", ["a", "b", "c"])
    assert store.counts("shop").events == 0
    assert store.counts("other").events == len(EVENTS)
    assert store.deleted_items("other", 0, {"a"}) == set()


def test_the_same_events_may_be_ingested_again(store):
    assert store.add_events("shop", rows(*EVENTS)) == 0, "they are known"
    store.delete_user("shop", "ann")
    assert store.add_events("shop", rows(*EVENTS)) == 2
    assert sorted(stored(store)) == sorted(EVENTS)
    numbers = [one.number for one in store.list_events("shop", limit=9)]
    assert sorted(numbers) == [3, 4, 5, 6, 7], "a number is never given twice"


def test_events_of_another_writer_find_their_items(store):
    """What one process remembers of names must not outlive what another deletes."""
    other = SqliteStore(store._connections.path)
    other.delete_items("shop", ["a", "b", "c"])
    other.add_items("shop", {"new": {}})  # takes the integer of a deleted one
    assert store.add_events("shop", rows(("ann", "a", "view", 99.0))) == 1
    assert stored(store) == [("ann", "a", "view")]
    assert len(store.events(SHOP)) == 1
    other.close()


def test_no_byte_of_it_stays_in_a_file(tmp_path):
    store = SqliteStore.create(tmp_path / "store.db")
    store.add_users("shop", {f"u{n}": {"mail": f"u{n}@example.org"} for n in range(300)})
    store.add_users("shop", {"secret-person": {"mail": "secret-mail"}})
    store.add_users("shop", {"secret-person": {"mail": "another"}})
    store.add_items("shop", {f"i{n}": {"title": f"thing {n}"} for n in range(300)})
    store.add_items("shop", {"secret-item": {"title": "secret-title"}})
    events = [(f"u{n % 300}", f"i{n % 299}", "view") for n in range(3000)]
    store.add_events("shop", rows(*events, ("secret-person", "secret-lone", "view")))
    store.delete_user("shop", "secret-person")
    store.delete_items("shop", ["secret-item"])
    for close in (False, True):
        if close:
            store.close()
        for path in tmp_path.iterdir():
            assert b"secret" not in path.read_bytes(), path.name
    assert store.counts("shop").events == 3000


def test_what_is_deleted_is_a_change_of_items_until_it_is_written_again(store):
    before = store.item_changes("shop")
    fitted = {"a", "b"}
    assert store.deleted_items("shop", before, fitted) == set()
    store.delete_items("shop", ["b"])
    assert store.item_changes("shop") == before + 1
    assert store.deleted_items("shop", before, fitted) == {"b"}
    assert store.deleted_items("shop", before + 1, fitted) == set()
    store.add_items("shop", {"b": {}})
    assert store.deleted_items("shop", before, fitted) == set()
    assert store.items_changed("shop", before + 1) == {"b": {"withdrawn": False}}


def test_an_event_does_not_bring_a_deleted_item_back(store):
    before = store.item_changes("shop")
    store.delete_items("shop", ["a", "c"])
    store.add_events("shop", rows(("ann", "a", "view", 90.0), ("ann", "c", "view", 91.0)))
    assert store.deleted_items("shop", before, {"a"}, {"c"}) == {"a"}
    assert store.deleted_items("shop", before, {"a", "c"}) == {"a", "c"}


def test_deleting_events_changes_no_items_unless_one_goes_with_them(store):
    before = store.item_changes("shop")
    store.delete_events("shop", user_id="bob")
    assert store.item_changes("shop") == before
    store.delete_events("shop", user_id="cid")
    assert store.item_changes("shop") == before + 1
    assert store.deleted_items("shop", before, {"a"}, {"c"}) == {"c"}


def test_an_error_within_takes_everything_back(store):
    def write_and_fail():
        with store.together("shop"):
            store.add_items("shop", {"x": {}})
            store.withdraw_items("shop", {"x"})
            store.add_events("shop", rows(("zoe", "z", "view", 50.0)))
            raise RuntimeError("the file ends here")

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert names(store) == (["a", "b", "c"], ["ann", "bob", "cid"])
    assert store.counts("shop").withdrawn == 0
    assert store.add_events("shop", rows(("zoe", "z", "view", 50.0))) == 1


def test_writing_together_is_seen_as_a_whole(store):
    reader = SqliteStore(store._connections.path)
    with store.together("shop"):
        store.add_items("shop", {"x": {}})
        assert reader.item("shop", "x") is None
    assert reader.item("shop", "x") is not None
    reader.close()


def test_a_store_of_format_1_loses_what_is_deleted_too(tmp_path):
    store = SqliteStore.create(tmp_path / "store.db")
    store.add_items("shop", {"a": {}})
    store.add_events("shop", rows(*EVENTS))
    db = store._connections.writer()
    for statement in (
        "DROP TABLE changes",
        "DROP INDEX idx_shop_items_changed",
        "ALTER TABLE shop_items DROP COLUMN changed",
        "ALTER TABLE shop_items DROP COLUMN withdrawn",
        "ALTER TABLE shop_keys DROP COLUMN event",
        "PRAGMA user_version = 1",
    ):
        db.execute(statement)
    store.close()
    old = SqliteStore(tmp_path / "store.db")
    assert [one.item_id for one in old.list_items("shop", limit=9, withdrawn=False)] == list("abc")
    assert old.list_items("shop", limit=9, withdrawn=True) == []
    assert old.deleted_items("shop", 0, {"a"}) == set()
    assert old.delete_user("shop", "ann").events == 2
    assert old.deleted_items("shop", 0, {"a"}, {"b", "c"}) == {"b"}
    assert old.add_events("shop", rows(*EVENTS)) == 0, "its keys do not say whose they are"
    old.close()


def test_a_page_of_each_table(store):
    store.withdraw_items("shop", {"a"})
    assert [one[0] for one in store.list_items("shop", limit=2)] == ["a", "b"]
    assert store.list_items("shop", limit=9, offset=2) == [("c", {}, False, True)]
    assert [one[0] for one in store.list_items("shop", limit=9, withdrawn=True)] == ["b", "c"]
    assert store.item("shop", "a") == ("a", {"title": "A"}, True, False)
    assert store.list_users("shop", limit=2) == [("ann", {"mail": "ann@example.org"}, 2),
                                                 ("bob", {}, 2)]  # fmt: skip
    assert store.user("shop", "cid") == ("cid", {}, 1)
    assert store.user("shop", "zoe") is None
    newest = store.list_events("shop", limit=2)
    assert newest == [(5, "cid", "c", "view", 4.0, None), (4, "bob", "a", "buy", 3.0, None)]
    assert [one.number for one in store.list_events("shop", limit=2, offset=3)] == [2, 1]
    for page in (store.list_items, store.list_users, store.list_events):
        assert page("never", limit=5) == []
    assert (store.item("never", "a"), store.user("never", "u")) == (None, None)
    assert (store.item("shop", "\ud800"), store.user("shop", "\ud800")) == (None, None)
    assert store.count_events("never") == 0


event = st.tuples(st.sampled_from("uvw"), st.sampled_from("abc"), st.sampled_from(["view", "buy"]))


@settings(max_examples=20)
@given(st.lists(event, max_size=12), st.sampled_from("uvw"), st.booleans())
def test_it_is_as_if_the_user_had_never_been(tmp_path_factory, events, user, clock):
    folder = tmp_path_factory.mktemp("stores")
    kept = [one for one in events if one[0] != user]
    pair = [SqliteStore.create(folder / name) for name in ("with", "without")]
    for store, given_events in zip(pair, (events, kept), strict=True):
        store.add_items("shop", {"a": {}})
        store.add_events("shop", rows(*given_events, clock=clock))
    pair[0].delete_user("shop", user)
    for read in (stored, names):
        assert read(pair[0]) == read(pair[1])
    for store in pair:
        store.close()
