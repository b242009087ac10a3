"""Who is the same person in two scenarios, and whose history may be used where."""

from __future__ import annotations

import sqlite3

import pytest
from crossrec.errors import DataError, UsageError, WorkspaceError
from crossrec.store.base import Store
from crossrec.store.people import LinkedUser
from crossrec.store.sqlite import SqliteStore
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "store.db")
    yield store
    store.close()


def linked(store, target, user):
    return [(one.source, one.source_user_id) for one in store.linked_users(target, user)]


def test_the_store_is_a_store(store):
    assert isinstance(store, Store)


def test_without_consent_nobody_is_linked(store):
    store.add_links("video", "shop", [("ann", "a1")])
    assert store.linked_users("shop", "a1") == store.linked_users("shop", "ann") == []
    assert store.all_linked_users("shop") == []


def test_the_same_id_is_the_same_person_and_a_consent_has_one_direction(store):
    assert store.grant("video", "shop", ["ann"]) == 1
    assert linked(store, "shop", "ann") == [("video", "ann")]
    assert linked(store, "video", "ann") == linked(store, "shop", "bob") == []
    assert store.all_linked_users("shop") == [LinkedUser("video", "ann", "ann")]


def test_a_link_takes_the_place_of_the_same_id_on_both_sides(store):
    store.add_links("video", "shop", [("ann", "a1"), ("bob", "ann")])
    store.grant("video", "shop", ["ann", "bob", "a1"])
    assert linked(store, "shop", "a1") == [("video", "ann")]
    assert linked(store, "shop", "ann") == [("video", "bob")], "whoever has her id there is bob"
    assert linked(store, "shop", "bob") == []
    assert [one[1:] for one in store.all_linked_users("shop")] == [("ann", "a1"), ("bob", "ann")]


def test_links_are_found_from_either_side(store):
    store.add_links("video", "shop", [("ann", "a1")])
    store.grant("shop", "video", ["a1"])
    assert linked(store, "video", "ann") == [("shop", "a1")]
    assert linked(store, "shop", "a1") == []


def test_links_are_not_followed_over_a_third_scenario(store):
    store.add_links("video", "shop", [("ann", "a1")])
    store.add_links("shop", "music", [("a1", "m1")])
    store.grant("video", "music", ["ann"])
    assert linked(store, "music", "m1") == []


def test_a_revoked_consent_no_longer_holds_and_its_times_are_kept(store):
    store.grant("video", "shop", ["ann", "bob"])
    assert store.revoke("video", "shop", ["ann", "eve"]) == 1
    assert linked(store, "shop", "ann") == []
    assert linked(store, "shop", "bob") == [("video", "bob")]
    ann, bob = store.list_consents(limit=9)
    assert ann.user_id == "ann"
    assert ann.revoked is not None
    assert ann.revoked >= ann.granted > 1e9
    assert bob.revoked is None
    assert store.grant("video", "shop", ["ann", "bob"]) == 1, "bob's held already"
    assert store.list_consents(user_id="ann", limit=9)[0].revoked is None
    assert store.revoke("video", "shop") == 2
    assert store.all_linked_users("shop") == []


def test_a_user_has_one_link_to_a_scenario_and_all_or_none_is_stored(store):
    assert store.add_links("video", "shop", [("ann", "a1"), ("ann", "a1")]) == 1
    for pair, taken in ((("ann", "a2"), "'ann' of video is linked to 'a1'"),
                        (("bob", "a1"), "'a1' of shop is linked to 'ann'")):  # fmt: skip
        with pytest.raises(DataError, match=taken):
            store.add_links("video", "shop", [("cid", "c1"), pair])
    assert [one[:4] for one in store.list_links(limit=9)] == [("shop", "a1", "video", "ann")]
    for write in (store.add_links, store.grant):
        with pytest.raises(UsageError, match="name two different scenarios"):
            write("video", "video", [])


def test_links_are_listed_and_removed(store):
    store.add_links("video", "shop", [("ann", "a1"), ("bob", "bob")])
    store.add_links("music", "shop", [("m", "a1")])
    assert len(store.list_links(limit=9)) == 3
    assert len(store.list_links(limit=2)) == 2
    assert len(store.list_links(limit=9, offset=2)) == 1
    assert [one.user_id for one in store.list_links(scenario="video", limit=9)] == ["ann", "bob"]
    assert [one.other for one in store.list_links(user_id="a1", limit=9)] == ["music", "video"]
    assert len(store.list_links(user_id="bob", limit=9)) == 1
    assert len(store.list_links(scenario="video", user_id="ann", limit=9)) == 1
    assert store.remove_links("shop", "video", "a1") == 1
    assert store.remove_links("shop", "video", "a1") == 0
    assert store.remove_links("video", "shop") == 1
    assert [one[:4] for one in store.list_links(limit=9)] == [("music", "m", "shop", "a1")]


def test_consents_are_listed_by_what_is_given(store):
    store.grant("video", "shop", ["ann", "bob"])
    store.grant("shop", "video", ["ann"])
    assert len(store.list_consents(limit=9)) == 3
    assert len(store.list_consents(source="video", limit=9)) == 2
    assert len(store.list_consents(target="video", user_id="bob", limit=9)) == 0
    assert [one.user_id for one in store.list_consents(limit=1, offset=1)] == ["ann"]


def test_a_forgotten_person_leaves_no_byte(tmp_path, store):
    store.add_links("video", "shop", [("ann-of-video", "a1")])
    store.add_links("music", "shop", [("keep", "ann-of-video")])
    store.grant("video", "shop", ["ann-of-video", "other"])
    assert store.forget_person("ann-of-video") == 3
    assert store.forget_person("ann-of-video") == 0
    assert [one.user_id for one in store.list_consents(limit=9)] == ["other"]
    store.close()
    assert not [path for path in tmp_path.iterdir() if b"ann-of-video" in path.read_bytes()]


def test_deleting_a_user_of_one_scenario_ends_what_names_that_user_there(store):
    for name in ("video", "shop"):
        store.add_users(name, {"ann": {}, "bob": {}})
    store.add_links("video", "shop", [("ann", "ann"), ("bob", "b")])
    store.grant("video", "shop", ["ann", "bob"])
    store.grant("shop", "video", ["ann"])
    store.delete_user("video", "ann")
    assert [one.user_id for one in store.list_links(scenario="video", limit=9)] == ["bob"]
    left = [(one.source, one.user_id) for one in store.list_consents(limit=9)]
    assert left == [("shop", "ann"), ("video", "bob")]


def test_a_store_from_before_opens_and_has_the_tables_after_the_first_writing(tmp_path):
    path = tmp_path / "store.db"
    SqliteStore.create(path).close()
    with sqlite3.connect(path) as old:
        old.executescript("DROP TABLE links; DROP TABLE consents; PRAGMA user_version = 2")
    old.close()
    store = SqliteStore(path)
    assert store.linked_users("shop", "ann") == store.all_linked_users("shop") == []
    assert store.list_links(limit=9) == store.list_consents(limit=9) == []
    store.grant("video", "shop", ["ann"])
    assert linked(store, "shop", "ann") == [("video", "ann")]
    store.close()


def test_a_damaged_store_is_named(store):
    with sqlite3.connect(store._connections.path) as other:
        other.execute("ALTER TABLE consents RENAME COLUMN granted TO something")
    other.close()
    with pytest.raises(WorkspaceError, match="no such column"):
        store.list_consents(limit=1)


IDS = st.sampled_from(["a", "b", "c"])


@settings(max_examples=40, deadline=None)
@given(
    links=st.dictionaries(IDS, IDS, max_size=3).filter(
        lambda pairs: len(set(pairs.values())) == len(pairs)
    ),
    granted=st.sets(IDS),
    revoked=st.sets(IDS),
)
def test_one_user_and_all_users_agree_with_the_definition(
    tmp_path_factory, links, granted, revoked
):
    store = SqliteStore.create(tmp_path_factory.mktemp("people") / "store.db")
    store.add_links("video", "shop", links.items())
    store.grant("video", "shop", sorted(granted))
    store.revoke("video", "shop", sorted(revoked))
    expected = set()
    for user in granted - revoked:
        if user in links:
            expected.add(LinkedUser("video", user, links[user]))
        elif user not in links.values():
            expected.add(LinkedUser("video", user, user))
    assert set(store.all_linked_users("shop")) == expected
    one_by_one = [one for user in "abc" for one in store.linked_users("shop", user)]
    assert set(one_by_one) == expected
    assert len(one_by_one) == len(expected)
    store.close()
