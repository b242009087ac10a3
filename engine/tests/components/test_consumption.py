"""Consumption, bans and their ends, by hand: what the scenario declares is what happens."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.consumption import (
    CODES,
    EventEffects,
    PastEffects,
    PastEvents,
    ages_of,
    effects_of,
)
from crossrec.scenario import EventType, ItemField, ItemSchema, Relation, Scenario, Surface

SCENARIO = Scenario(
    name="toy",
    summary="",
    events=(
        EventType("view"),
        EventType("purchase", strength=5.0, consumes="hard"),
        EventType("play", consumes="soft", half_life_days=7.0),
        EventType("skip", polarity=-1, strength=-0.5, consumes="soft", half_life_days=1.0),
        EventType("like", kind="explicit", strength=2.0),
        EventType("unlike", kind="explicit", polarity=0, strength=0.0, cancels=("like",)),
        EventType("ban", kind="explicit", polarity=-1, strength=-5.0, consumes="hard"),
        EventType(
            "ban_artist",
            kind="explicit",
            polarity=-1,
            strength=-8.0,
            consumes="hard",
            relation="artist",
        ),
        EventType(
            "unban_artist", kind="explicit", polarity=0, strength=0.0, cancels=("ban_artist",)
        ),
        EventType("remove_from_cart", polarity=-1, strength=-1.0),
        EventType("rating", kind="explicit", strength=3.0, value="rating", value_range=(1.0, 5.0)),
    ),
    items=ItemSchema((ItemField("title"), ItemField("artist", "category")), "{title}"),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="view",
    main_surface="home",
    relations=(Relation("artist", "artist"),),
)
EFFECTS = EventEffects.of(SCENARIO)
TYPE = {event.name: at for at, event in enumerate(SCENARIO.events)}
STRENGTH = {event.name: event.strength for event in SCENARIO.events}
#: Items 0 to 2 are of one artist, 3 to 5 of another.
ARTISTS = [np.array([0, 1, 2])] * 3 + [np.array([3, 4, 5])] * 3


def past(*events: tuple[int, str, float], row: int = 0) -> PastEvents:
    """Events of one user as (item, type, age in days), the oldest first."""
    items, names, ages = zip(*events, strict=True) if events else ((), (), ())
    return PastEvents(
        np.full(len(items), row),
        np.array(items, dtype=np.int64),
        np.array([TYPE[name] for name in names], dtype=np.int64),
        np.array([STRENGTH[name] for name in names], dtype=np.float32),
        np.array(ages, dtype=np.float64),
    )


def effects(*events: tuple[int, str, float], **settings: float) -> PastEffects:
    own = past(*events)
    entities = {"artist": [ARTISTS[item] for item in own.items.tolist()]}
    return effects_of(own, EFFECTS, entities=entities, **settings)


def removed(*events: tuple[int, str, float], **settings: float) -> dict[int, str]:
    found = effects(*events, **settings)
    codes = [CODES[code] for code in found.codes]
    return dict(zip(found.removed.row(0).tolist(), codes, strict=True))


def demoted(*events: tuple[int, str, float], **settings: float) -> dict[int, float]:
    found = effects(*events, **settings)
    return dict(zip(found.demoted.row(0).tolist(), found.factors.tolist(), strict=True))


def test_what_consumes_nothing_removes_nothing() -> None:
    events = [(item, "view", 0.0) for item in range(6)]
    assert removed(*events) == {}
    assert demoted(*events) == {}


def test_a_hard_consumption_removes_for_good() -> None:
    assert removed((1, "purchase", 10_000.0)) == {1: "consumed"}


def test_a_soft_one_removes_while_fresh_and_then_weighs_down() -> None:
    assert removed((1, "play", 6.9)) == {1: "recently_consumed"}
    assert demoted((1, "play", 6.9)) == {}
    assert removed((1, "play", 7.0)) == {}
    assert demoted((1, "play", 7.0)) == {1: pytest.approx(0.5)}
    assert demoted((1, "play", 14.0)) == {1: pytest.approx(0.75)}


def test_the_surface_sets_how_long_is_fresh_and_how_much_it_weighs() -> None:
    assert removed((1, "play", 0.1), fresh=0.0) == {}
    assert demoted((1, "play", 0.0), fresh=0.0, weighs=1.0) == {1: pytest.approx(0.0)}
    assert removed((1, "play", 13.0), fresh=2.0) == {1: "recently_consumed"}
    assert demoted((1, "play", 7.0), weighs=0.5) == {1: pytest.approx(0.75)}
    assert demoted((1, "play", 7.0), weighs=0.0) == {}


def test_the_latest_of_several_decides() -> None:
    assert removed((1, "play", 90.0), (1, "play", 1.0)) == {1: "recently_consumed"}
    assert demoted((1, "play", 14.0), (1, "play", 7.0)) == {1: pytest.approx(0.5)}


def test_a_list_of_what_to_have_again_keeps_what_was_consumed_and_not_what_was_refused() -> None:
    kept = {"keeps_consumed": True}
    assert removed((1, "purchase", 1.0), (2, "play", 0.0), **kept) == {}
    assert demoted((2, "play", 9.0), **kept) == {}
    assert removed((1, "purchase", 9.0), (1, "ban", 1.0), **kept) == {1: "disliked"}
    assert removed((1, "ban", 9.0), (1, "like", 1.0), **kept) == {}
    assert removed((4, "ban_artist", 9.0), **kept) == dict.fromkeys((3, 4, 5), "entity_banned")


def test_a_negative_event_ends_by_its_half_life_and_never_without_one() -> None:
    assert removed((1, "skip", 0.5)) == {1: "disliked"}
    twenty_plays = [(1, "play", 400.0 - at) for at in range(20)]
    assert removed(*twenty_plays, (1, "skip", 365.0)) == {}
    assert removed(*twenty_plays, (1, "skip", 0.9)) == {1: "disliked"}
    assert removed((1, "ban", 5_000.0)) == {1: "disliked"}


def test_what_lowers_only_evidence_removes_nothing() -> None:
    assert removed((1, "remove_from_cart", 0.0)) == {}


def test_an_explicit_dislike_by_value_removes_too() -> None:
    own = past((1, "rating", 5.0))
    low = PastEvents(own.rows, own.items, own.types, np.array([-3.0], np.float32), own.ages)
    found = effects_of(low, EFFECTS)
    assert found.removed.row(0).tolist() == [1]
    high = PastEvents(own.rows, own.items, own.types, np.array([3.0], np.float32), own.ages)
    assert effects_of(high, EFFECTS).removed.row(0).tolist() == []


def test_a_ban_of_an_entity_removes_all_its_items() -> None:
    assert removed((4, "ban_artist", 900.0)) == dict.fromkeys((3, 4, 5), "entity_banned")
    alone = effects_of(past((4, "ban_artist", 0.0)), EFFECTS)
    assert alone.removed.row(0).tolist() == [4], "without relations at least its own item"


def test_a_later_opposite_event_cancels() -> None:
    assert removed((1, "ban", 9.0), (1, "like", 3.0)) == {}
    assert removed((1, "like", 9.0), (1, "ban", 3.0)) == {1: "disliked"}
    assert removed((4, "ban_artist", 9.0), (4, "unban_artist", 1.0)) == {}
    assert removed((4, "unban_artist", 9.0), (4, "ban_artist", 1.0)) != {}
    assert removed((4, "ban_artist", 9.0), (5, "unban_artist", 1.0)) == {}, "of the same artist"
    assert removed((4, "ban_artist", 9.0), (1, "unban_artist", 1.0)) != {}, "of another artist"
    assert removed((1, "ban", 9.0), (2, "like", 3.0)) == {1: "disliked"}, "of another item"


def test_types_that_act_are_those_that_remove_or_undo() -> None:
    idle = {"view", "remove_from_cart"}
    assert set(EFFECTS.acting_types) == set(TYPE) - idle


def test_the_cause_that_lasts_is_given() -> None:
    assert removed((1, "purchase", 9.0), (1, "play", 1.0)) == {1: "consumed"}


def test_unknown_items_do_no_harm() -> None:
    assert removed((-1, "purchase", 9.0), (2, "purchase", 1.0)) == {2: "consumed"}
    assert removed() == {}


def test_ages_in_days_and_in_events() -> None:
    rows = np.array([0, 0, 1])
    times = np.array([0.0, 86_400.0, 43_200.0])
    now = np.array([172_800.0, 86_400.0])
    assert ages_of(rows, times, now, 2).tolist() == [2.0, 1.0, 0.5]
    assert ages_of(rows, times, None, 2).tolist() == [1.0, 0.0, 0.0]
    assert ages_of(rows, times, np.array([0.0, 0.0]), 2).tolist() == [0.0, 0.0, 0.0]


def test_many_users_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    users = [
        [
            (int(rng.integers(6)), str(rng.choice(list(TYPE))), float(rng.integers(0, 30)))
            for _ in range(rng.integers(0, 9))
        ]
        for _ in range(40)
    ]
    parts = [past(*sorted(user, key=lambda one: -one[2]), row=at) for at, user in enumerate(users)]
    joined = PastEvents(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("rows", "items", "types", "weights", "ages")
        ),
        n_rows=len(users),
    )

    def by_artist(events: PastEvents) -> dict[str, list[np.ndarray]]:
        return {"artist": [ARTISTS[item] for item in events.items.tolist()]}

    together = effects_of(joined, EFFECTS, entities=by_artist(joined))
    for at, part in enumerate(parts):
        own = PastEvents(part.rows * 0, part.items, part.types, part.weights, part.ages)
        alone = effects_of(own, EFFECTS, entities=by_artist(own))
        kept, down = slice(*together.removed.indptr[at : at + 2]), together.demoted
        assert together.removed.row(at).tolist() == alone.removed.row(0).tolist()
        assert together.codes[kept].tolist() == alone.codes.tolist()
        assert together.types[kept].tolist() == alone.types.tolist()
        assert down.row(at).tolist() == alone.demoted.row(0).tolist()
        assert together.factors[slice(*down.indptr[at : at + 2])].tolist() == alone.factors.tolist()
