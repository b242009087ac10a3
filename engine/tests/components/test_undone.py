"""What a later event undoes on an entity, whichever of its items it names."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.consumption import EventEffects, PastEvents
from crossrec.components.eligibility import CandidateRule
from crossrec.components.live_items import LiveItems
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface

FEED = Scenario(
    name="feed",
    summary="posts",
    events=(
        EventType("read"),
        EventType("follow", kind="explicit", strength=5.0, relation="author"),
        EventType("unfollow", polarity=-1, strength=-5.0, cancels=("follow",)),
        EventType(
            "block",
            kind="explicit",
            polarity=-1,
            strength=-5.0,
            consumes="hard",
            relation="author",
        ),
    ),
    items=ItemSchema((ItemField("title"), ItemField("author", "category")), "{title}"),
    surfaces=(Surface("home"), Surface("more", "item")),
    pipeline="",
    default_event="read",
    main_surface="home",
    relations=(Relation("author", "author"),),
)
READ, FOLLOW, UNFOLLOW, BLOCK = range(4)
#: Posts 0, 1 and 2 are Ann's, 3 is Bob's.
AUTHORS = ("Ann", "Ann", "ann", "Bob")


@pytest.fixture(scope="module")
def rule() -> CandidateRule:
    ids = Vocabulary(f"p{i}" for i in range(len(AUTHORS)))
    records = {id_: {"title": id_, "author": name} for id_, name in zip(ids.ids, AUTHORS)}
    items = LiveItems(Catalog.from_records(ids, records, FEED.items), FEED.items)
    return CandidateRule("served", True, EventEffects.of(FEED), items=items)


def past(*events: tuple[int, int], rows: list[int] | None = None) -> PastEvents:
    """Return events (item, type), the oldest first."""
    items = np.array([item for item, _ in events], dtype=np.int64)
    types = np.array([kind for _, kind in events], dtype=np.int64)
    strength = np.array([one.strength for one in FEED.events], dtype=np.float32)
    n = len(events)
    row = np.zeros(n, dtype=np.int64) if rows is None else np.array(rows)
    return PastEvents(row, items, types, strength[types], np.arange(n, 0, -1.0), row.max() + 1)


@pytest.mark.parametrize(
    ("events", "undone"),
    [
        ([(0, FOLLOW)], [False]),
        ([(0, FOLLOW), (0, UNFOLLOW)], [True, False]),
        ([(0, FOLLOW), (2, UNFOLLOW)], [True, False]),
        ([(0, FOLLOW), (3, UNFOLLOW)], [False, False]),
        ([(2, UNFOLLOW), (0, FOLLOW)], [False, False]),
        ([(0, FOLLOW), (1, UNFOLLOW), (2, FOLLOW)], [True, False, False]),
        ([(0, FOLLOW), (3, FOLLOW), (1, UNFOLLOW)], [True, False, False]),
        ([(0, READ), (1, UNFOLLOW)], [False, False]),
    ],
)
def test_an_unfollow_undoes_the_follow_of_its_author(
    rule: CandidateRule, events: list[tuple[int, int]], undone: list[bool]
) -> None:
    effects = rule.effects_on(past(*events))
    assert effects.undone.tolist() == undone
    assert not len(effects.removed.values), "neither removes a post"


def test_users_do_not_undo_each_others_follows(rule: CandidateRule) -> None:
    events = past((0, FOLLOW), (0, FOLLOW), (1, UNFOLLOW), rows=[0, 1, 1])
    assert rule.effects_on(events).undone.tolist() == [False, True, False]


def test_a_block_still_removes_all_posts_of_its_author(rule: CandidateRule) -> None:
    effects = rule.effects_on(past((3, FOLLOW), (0, BLOCK)))
    assert effects.removed.row(0).tolist() == [0, 1, 2]
    assert not effects.undone.any()


def test_follows_alone_read_no_fields(rule: CandidateRule) -> None:
    """They do nothing but be undone: without an unfollow there is nothing to look up."""
    assert rule._entities(past((0, FOLLOW), (3, FOLLOW), (1, READ))) == {}
    found = rule._entities(past((0, FOLLOW), (1, READ), (1, UNFOLLOW)))
    assert [items.tolist() for items in found["author"]] == [[0, 1, 2], [], []]


def test_cancelled_by_says_which_types_can_be_undone() -> None:
    effects = EventEffects.of(FEED)
    assert effects.cancelled_by(np.array([READ, BLOCK])).tolist() == [False] * 4
    assert effects.cancelled_by(np.array([UNFOLLOW, READ])).tolist() == [False, True, False, False]
    assert effects.cancelled_by(np.zeros(0, dtype=np.int64)).tolist() == [False] * 4
