"""Texts of events: kept with the event, read where they are wanted, gone with it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from crossrec.pipeline.kept_fits import fingerprint
from crossrec.scenario import EventType, ItemSchema, Scenario, Surface
from crossrec.store.rows import Coded, EventRows
from crossrec.store.sqlite import SqliteStore
from crossrec.workspace import Workspace

SHOP = Scenario(
    "shop", "", (EventType("view"), EventType("star", value="rating", value_range=(1, 5))),
    ItemSchema((), "{title}"), (Surface("home"),), "", "view", "home",
)  # fmt: skip
BARE = replace(SHOP, name="bare", events=SHOP.events[:1])


def rows(*events: tuple[str, str, str, float, float, str]) -> EventRows:
    """Return events given as user, item, type, time, value and text; keys by their place."""
    users, items, types, times, values, texts = zip(*events, strict=True)
    return EventRows(
        Coded.of(users), Coded.of(items), Coded.of(types), np.array(times), np.array(values),
        np.arange(len(events), dtype=np.int64), Coded.of(texts),
    )  # fmt: skip


NONE = float("nan")
EVENTS = (
    ("ann", "a", "star", 9.0, 5.0, "a wonderful secret"),
    ("bob", "a", "view", 3.0, NONE, ""),
    ("bob", "b", "star", 1.0, 2.0, "dull"),
    ("cid", "b", "star", 2.0, 4.0, "a wonderful secret"),
)


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.create(tmp_path / "store.db")
    yield store
    store.close()


def written(store: SqliteStore) -> list[str | None]:
    """Return the text of each event in the order of ingestion, None where it has none."""
    found = store.events(SHOP, reviews=True).reviews
    assert found is not None
    return [found.texts[number] if number >= 0 else None for number in found.numbers]


def test_texts_and_ratings_come_back_beside_their_events(store: SqliteStore) -> None:
    store.add_events("shop", rows(*EVENTS))
    events = store.events(SHOP, reviews=True)
    assert written(store) == ["a wonderful secret", None, "dull", "a wonderful secret"]
    np.testing.assert_array_equal(events.reviews.ratings, [5.0, NONE, 2.0, 4.0])
    assert events.reviews.texts == ("a wonderful secret", "dull")
    assert events.items.tolist() == [0, 0, 1, 1]


def test_nothing_is_read_of_them_unless_it_is_wanted(store: SqliteStore) -> None:
    store.add_events("shop", rows(*EVENTS))
    assert store.events(SHOP).reviews is None
    assert store.events_since(SHOP, 0).events.reviews is None
    assert store.user_events(SHOP, "ann").item_ids == ("a",)


def test_the_same_events_again_change_nothing(store: SqliteStore) -> None:
    assert store.add_events("shop", rows(*EVENTS)) == 4
    other = [(*event[:5], "another text") for event in EVENTS]
    assert store.add_events("shop", rows(*other)) == 0
    assert written(store) == ["a wonderful secret", None, "dull", "a wonderful secret"]


def test_texts_go_with_their_user_and_from_the_file(store: SqliteStore, tmp_path) -> None:
    store.add_events("shop", rows(*EVENTS[:3]))
    assert b"wonderful secret" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    store.delete_user("shop", "ann")
    assert written(store) == [None, "dull"]
    store.close()
    assert b"wonderful secret" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_texts_go_with_deleted_events_and_items(store: SqliteStore) -> None:
    store.add_events("shop", rows(*EVENTS))
    store.delete_events("shop", user_id="cid")
    assert written(store) == ["a wonderful secret", None, "dull"]
    store.delete_items("shop", ["b"])
    assert written(store) == ["a wonderful secret", None]


def without_text_column(path) -> None:
    """Make a store as it was before events had texts."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute('ALTER TABLE "shop_events" DROP COLUMN "text"')
    connection.close()


def test_an_older_store_is_read_and_gets_the_column_when_it_is_written_to(tmp_path) -> None:
    path = tmp_path / "store.db"
    store = SqliteStore.create(path)
    store.add_events("shop", rows(*EVENTS[:2]))
    store.close()
    without_text_column(path)
    store = SqliteStore(path)
    assert written(store) == [None, None]
    assert store.events(SHOP, reviews=True).reviews.ratings[0] == 5.0
    more = rows(*EVENTS)
    assert store.add_events("shop", more) == 2
    assert written(store) == [None, None, "dull", "a wonderful secret"]
    store.close()


def test_a_scenario_without_ratings_has_no_reviews(store: SqliteStore) -> None:
    store.add_events("bare", rows(("ann", "a", "view", 1.0, NONE, "words")))
    assert store.events(BARE, reviews=True).reviews is None
    assert store.events(replace(SHOP, name="empty"), reviews=True).reviews is None


def test_the_dataset_of_a_workspace_has_reviews_where_they_are_wanted(tmp_path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    workspace.store().add_events("shop", rows(*EVENTS))
    plain = workspace.dataset(SHOP)
    full = workspace.dataset(SHOP, reviews=True)
    assert plain.events.reviews is None
    # Sorted by user and time: bob's oldest event comes before his latest.
    assert full.events.reviews.numbers.tolist() == [0, 1, -1, 0]
    early = full.with_events(full.events.take(full.events.times < 5))
    assert early.events.reviews.numbers.tolist() == [1, -1, 0]
    mixed = full.with_events(replace(full.events, reviews=full.events.reviews.without_texts()))
    assert len({fingerprint(one) for one in (plain, full, mixed)}) == 3
    workspace.close()
