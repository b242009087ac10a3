from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from crossrec.ingest.frames import Frames
from crossrec_music.demo import DAYS, N_USERS, START, generate
from crossrec_music.scenario import ITEMS, SCENARIO

KNOWN = {"add_to_playlist", "ban_track", "complete", "play", "save_track", "skip"}
DISLIKE = "ban_track"


@pytest.fixture(scope="module")
def frames() -> Frames:
    return generate(0)


@pytest.fixture(scope="module")
def items(frames: Frames) -> pd.DataFrame:
    assert frames.items is not None
    return frames.items.set_index("item_id")


@pytest.fixture(scope="module")
def events(frames: Frames) -> pd.DataFrame:
    assert frames.events is not None
    return frames.events


def test_says_that_it_is_generated(frames: Frames, items: pd.DataFrame) -> None:
    assert frames.note.startswith(f"generated: {len(items)} ")
    assert "seed 0" in frames.note


def test_same_seed_same_data(frames: Frames) -> None:
    again = generate(0)
    assert frames.items is not None
    assert frames.events is not None
    pd.testing.assert_frame_equal(again.items, frames.items)
    pd.testing.assert_frame_equal(again.events, frames.events)


def test_other_seed_other_data(events: pd.DataFrame) -> None:
    other = generate(1).events
    assert other is not None
    assert not other.equals(events)


def test_size(items: pd.DataFrame, events: pd.DataFrame) -> None:
    assert 300 <= len(items) <= 600
    assert events["user_id"].nunique() == N_USERS
    assert 5_000 <= len(events) <= 30_000


def test_every_event_is_on_a_listed_item(items: pd.DataFrame, events: pd.DataFrame) -> None:
    assert items.index.is_unique
    assert set(events["item_id"]) <= set(items.index)


def test_titles_are_distinct_and_readable(items: pd.DataFrame) -> None:
    assert items["title"].is_unique
    assert items["title"].str.match(r"[A-Z][\w',:&? \-]+$").all()


def test_fields_are_those_of_the_schema(items: pd.DataFrame) -> None:
    for name in items.columns:
        assert ITEMS.field(name) is not None, name
    assert items[list({ITEMS.title, ITEMS.creator})].ne("").all().all()
    assert (items["categories"].map(len) == 1).all()


def test_several_types_of_events(events: pd.DataFrame) -> None:
    assert set(events["event_type"]) == KNOWN
    for name in KNOWN:
        event = SCENARIO.event(name)
        assert event is not None
        assert event.name == name


def test_values_fit_their_types(events: pd.DataFrame) -> None:
    for name, rows in events.groupby("event_type"):
        event = SCENARIO.event(str(name))
        assert event is not None
        assert rows["value"].notna().all() == (event.value != "none"), name
        assert rows["value"].notna().any() == (event.value != "none"), name
    assert (events["value"].dropna() >= 0).all()


def test_times(frames: Frames, events: pd.DataFrame) -> None:
    assert frames.has_clock
    assert events["time"].min() >= START
    # Likes and the like follow 20 seconds after.
    assert events["time"].max() <= START + DAYS * 86_400 + 20
    assert (events["time"] % 1 == 0).all()


def test_oldest_first_within_a_user(events: pd.DataFrame) -> None:
    later = events["time"].diff() >= 0
    same = events["user_id"] == events["user_id"].shift()
    assert later[same].all()


def test_every_user_has_a_history(events: pd.DataFrame) -> None:
    assert events.groupby("user_id").size().min() >= 5


def test_users_have_taste(items: pd.DataFrame, events: pd.DataFrame) -> None:
    """A user's favourite topic takes far more of the events than 1 in 12."""
    topics = items["categories"].map(lambda row: row[0])
    counts = pd.crosstab(events["user_id"], events["item_id"].map(topics))
    share = counts.max(axis=1) / counts.sum(axis=1)
    assert share.median() > 0.35


def test_sequences_have_order(items: pd.DataFrame, events: pd.DataFrame) -> None:
    """What follows an item is often of the same maker; far less often in a shuffled history."""
    makers = events["item_id"].map(items[ITEMS.creator])
    moved = events["item_id"] != events["item_id"].shift()
    same_user = events["user_id"] == events["user_id"].shift()
    stays = (makers == makers.shift())[moved & same_user].mean()
    rng = np.random.default_rng(0)
    mixed = events.iloc[rng.permutation(len(events))].sort_values("user_id", kind="stable")
    other = mixed["item_id"].map(items[ITEMS.creator])
    moved = mixed["item_id"] != mixed["item_id"].shift()
    same_user = mixed["user_id"] == mixed["user_id"].shift()
    assert stays > 1.5 * (other == other.shift())[moved & same_user].mean()


def test_some_items_are_popular(events: pd.DataFrame) -> None:
    counts = events["item_id"].value_counts()
    assert counts.iloc[: len(counts) // 10].sum() > 0.2 * counts.sum()


def test_dislike_falls_on_what_is_not_liked(items: pd.DataFrame, events: pd.DataFrame) -> None:
    topics = events["item_id"].map(items["categories"].map(lambda row: row[0]))
    counts = topics.groupby([events["user_id"], topics]).transform("size")
    share = counts / events.groupby("user_id")["item_id"].transform("size")
    disliked = events["event_type"] == DISLIKE
    assert share[disliked].mean() < 0.7 * share[~disliked].mean()


def test_people_play_again(events: pd.DataFrame) -> None:
    plays = events[events["event_type"].isin(["play", "complete"])]
    assert 0.01 < plays.duplicated(["user_id", "item_id"]).mean() < 0.3
