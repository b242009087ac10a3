"""What the past does to a request, on every surface."""

import dataclasses

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.components.user_state import UserState
from crossrec.data.user_events import UserEvents
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.requests import TOY, ask, resolved, user_with, with_parts


def test_one_view_bars_nothing(pipeline):
    slate = ask(pipeline, user_with(viewed=("i2",)), user_id="u1", k=20)
    assert len(slate.items) == 20
    assert slate.item_ids[-1] == "i2"
    assert slate.changes == ()
    keep = ask(with_parts(pipeline, keeps_history=True), user_with(viewed=("i2",)), k=20)
    assert "i2" in keep.item_ids[:-1], "kept ones are ranked like others"


def test_hearing_the_whole_catalog_still_fills_a_list(pipeline):
    everything = tuple(f"i{at}" for at in range(20))
    slate = ask(pipeline, user_with(viewed=everything), user_id="u1", k=10)
    assert slate.item_ids == everything[:-11:-1], "the latest first"
    assert slate.short_because == ""
    assert {r.text for i in slate.items for r in i.reasons} == {
        "known already, and nothing new is left"
    }


def test_what_a_dislike_and_a_purchase_bar_is_said(pipeline):
    user = user_with(liked=("i1", "i3"), disliked=("i5",))
    slate = ask(pipeline, user, user_id="u1", k=20)
    assert len(slate.items) == 17
    assert slate.short_because == (
        "only 17 of 20: the catalog has 20 items, 3 are excluded for this query, 2 consumed, "
        "1 disliked"
    )


@pytest.mark.parametrize("fields", [{}, {"history": ("i6",)}, {"item_ids": ("i6",)}])
def test_bans_and_purchases_hold_on_item_surfaces_and_beside_a_given_history(pipeline, fields):
    user = user_with(liked=("i1",), disliked=("i4",), user_id="u1")
    slate = ask(pipeline, user, user_id="u1", k=20, **fields)
    assert not {"i1", "i4"} & set(slate.item_ids)
    gone = {"i1", "i4"} | ({"i6"} if fields else set())
    assert set(slate.item_ids) == {f"i{at}" for at in range(20)} - gone


def test_a_given_history_takes_the_place_of_the_stored_one(pipeline):
    user = user_with(viewed=("i1", "i3"), user_id="u1")
    slate = ask(pipeline, user, user_id="u1", history=("i0", "i2"), k=4)
    assert slate.path == "given history"
    assert all(int(one[1:]) % 2 == 0 for one in slate.item_ids)
    assert ask(pipeline, user, user_id="u1", history=(), k=4).path == "no history"


def test_the_item_that_a_list_is_about_is_not_in_it(pipeline):
    keep = with_parts(pipeline, keeps_history=True)
    for one in (pipeline, keep):
        assert "i2" not in ask(one, item_ids=("i2",), k=20).item_ids


def test_known_items_are_last_on_item_surfaces_too(pipeline):
    user = user_with(viewed=("i4", "i6"), user_id="u1")
    slate = ask(pipeline, user, user_id="u1", item_ids=("i2",), k=20)
    assert slate.item_ids[-2:] == ("i6", "i4")
    assert len(slate.items) == 19


def test_a_fresh_consumption_is_excluded_and_an_old_one_weighed_down(pipeline):
    day = 86_400.0
    soft = dataclasses.replace(
        TOY,
        events=(
            dataclasses.replace(TOY.events[0], consumes="soft", half_life_days=2.0),
            *TOY.events[1:],
        ),
    )
    keep = with_parts(pipeline, keeps_history=True)

    def at(days):
        return ask(keep, user_with(liked=("i0",)), scenario=soft, k=20, now=days * day)

    fresh = at(1.0)
    assert "i0" not in fresh.item_ids
    assert fresh.short_because.endswith("1 are excluded for this query, 1 recently consumed")
    old, older = at(2.0), at(20.0)
    for slate, left in ((old, 0.5), (older, 1 - 0.5**10)):
        (change,) = slate.changes
        assert (change.policy, change.action, change.code) == (
            "consumption", "demoted", "consumed_before",
        )  # fmt: skip
        assert change.values["factor"] == pytest.approx(left, abs=1e-4)
        assert change.why == f"known from before: {change.values['factor']} of its weight is left"
    assert older.item_ids.index("i0") < old.item_ids.index("i0")


def test_a_banned_artist_is_gone_wherever_and_a_ban_ends_where_it_says(
    make_shop, registry, make_config
):
    """Of item numbers that end alike one maker makes them: i0 and i10, i1 and i11 …"""
    banning = dataclasses.replace(
        TOY,
        events=(
            *TOY.events,
            dataclasses.replace(TOY.events[1], name="ban_maker", relation="maker"),
            dataclasses.replace(
                TOY.events[1], name="unban_maker", polarity=0, strength=0.0, consumes="none",
                cancels=("ban_maker",),
            ),
        ),
    )  # fmt: skip
    data = make_shop()
    makers = tuple(f"maker {at % 10}" for at in range(20))
    catalog = dataclasses.replace(data.catalog, attributes={"maker": makers})
    config = make_config("popular", "together")
    pipeline = fit_pipeline(
        banning,
        dataclasses.replace(data, catalog=catalog),
        resolve_pipeline(config, registry),
        RunOptions(),
    )

    def user(*types):
        n = len(types)
        return UserState(
            "u1",
            UserEvents(
                ("i4", "i14")[:n], np.array(types), np.full(n, np.nan),
                np.array([banning.events[kind].strength for kind in types], np.float32),
                np.arange(n, dtype=np.float64),
            ),
            known=True,
        )  # fmt: skip

    for fields in ({}, {"history": ("i0",)}, {"item_ids": ("i0",)}):
        banned = ask(pipeline, user(3), scenario=banning, user_id="u1", k=20, **fields)
        assert not {"i4", "i14"} & set(banned.item_ids)
        assert "2 entity banned" in banned.short_because
        again = ask(pipeline, user(3, 4), scenario=banning, user_id="u1", k=20, **fields)
        assert {"i4", "i14"} <= set(again.item_ids)


def test_twenty_plays_and_a_skip_of_last_year_bar_nothing(pipeline):
    day = 86_400.0
    radio = dataclasses.replace(
        TOY,
        events=(
            dataclasses.replace(TOY.events[0], name="play", consumes="soft", half_life_days=1.0),
            dataclasses.replace(
                TOY.events[1], name="skip", kind="implicit", strength=-0.5, consumes="soft",
                half_life_days=7.0,
            ),
            TOY.events[2],
        ),
        default_event="play",
    )  # fmt: skip
    n = 21
    weights = np.array([1.0] * 20 + [-0.5], np.float32)
    times = np.array([*(400 + at for at in range(20)), 440], dtype=np.float64) * day
    events = UserEvents(("i6",) * n, np.array([0] * 20 + [1]), np.full(n, np.nan), weights, times)
    keep = with_parts(pipeline, keeps_history=True)

    def at(days):
        state = UserState("u1", events, known=True)
        return ask(keep, state, scenario=radio, user_id="u1", k=20, now=days * day)

    later = at(440 + 365)
    assert "i6" in later.item_ids
    assert (
        resolved(keep, UserState("u1", events), user_id="u1").batch.history.row(0).tolist()
        == [6] * 20
    )
    assert "i6" not in at(443).item_ids, "the skip is fresh"
