"""A generated world of any size: what holds for every output, and the smallest ones."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.simulation import Reaction, Setting, Theme, World
from hypothesis import given
from hypothesis import settings as checks
from hypothesis import strategies as st

START = 1_767_571_200.0
DAY = 86_400.0


def themes_of(n: int) -> tuple[Theme, ...]:
    return tuple(
        Theme(f"t{at}", {f"i{at}": 1.0, f"i{at + 1}": 0.5}, ("Sea",), ("One", "Two"))
        for at in range(n)
    )


@st.composite
def settings_of(draw: st.DrawFn) -> Setting:
    priced = draw(st.booleans())
    return Setting(
        "any",
        themes_of(draw(st.integers(1, 4))),
        (Reaction("buy", value="price" if priced else None), Reaction("rate", value="liking")),
        parts=draw(st.integers(1, 4)),
        price=9.0 if priced else None,
        release_days=draw(st.sampled_from([0.0, 3.0])),
        list_length=draw(st.integers(1, 6)),
        repeats=draw(st.booleans()),
    )


SIZES = {
    "setting": settings_of(),
    "n_people": st.integers(1, 12),
    "n_items": st.integers(4, 25),
    "seed": st.integers(0, 2**40),
}


@given(**SIZES)
@checks(max_examples=40)
def test_every_log_is_consistent(setting: Setting, n_people: int, n_items: int, seed: int) -> None:
    world = World.generate([setting], n_people=n_people, n_items=n_items, start=START, seed=seed)
    log = world.live("any", days=4, sessions=3)
    shown, events = log.impressions(), log.events()
    assert shown.person.between(0, n_people - 1).all()
    assert shown["item"].between(0, n_items - 1).all()
    assert shown.position.between(0, setting.list_length - 1).all()
    assert shown.time.between(START, START + 4 * DAY).all()
    assert ((shown.propensity > 0) & (shown.propensity <= 1 + 1e-12)).all()
    assert not shown.duplicated(["session", "item"]).any()
    assert not shown.duplicated(["session", "position"]).any()
    # Lists have no gaps.
    sizes = shown.groupby("session").position.agg(["max", "size"])
    assert (sizes["max"] + 1 == sizes["size"]).all()
    clicks = set(zip(shown.person[shown.clicked], shown["item"][shown.clicked]))
    assert set(zip(events.person, events["item"])) <= clicks
    assert events.person.is_monotonic_increasing
    assert (events.groupby("person").time.diff().dropna() >= 0).all()
    ratings = events.value[events.event_type == "rate"]
    assert ratings.between(0, 1).all()


@given(**SIZES)
@checks(max_examples=40)
def test_every_catalog_is_consistent(
    setting: Setting, n_people: int, n_items: int, seed: int
) -> None:
    world = World.generate([setting], n_people=n_people, n_items=n_items, seed=seed)
    catalog, items = world.places["any"].catalog, world.items("any")
    assert len(items) == len(catalog) == n_items
    assert items.item_id.is_unique
    assert items.title.is_unique or len(setting.themes) > 1
    assert set(catalog.themes) == set(range(len(setting.themes)))
    assert catalog.parts.max() < setting.parts
    # A series is of one maker and a maker of one theme.
    for inner, outer in ((catalog.series, catalog.makers), (catalog.makers, catalog.themes)):
        pairs = np.unique(np.stack([inner, outer]), axis=1)
        assert len(np.unique(pairs[0])) == pairs.shape[1]
    # Parts of a series come out a day apart.
    following = catalog.follows(np.arange(1, n_items), np.arange(n_items - 1))
    assert np.diff(catalog.created)[following] == pytest.approx(DAY, abs=1)


@given(**SIZES)
@checks(max_examples=40)
def test_all_people_are_consistent(
    setting: Setting, n_people: int, n_items: int, seed: int
) -> None:
    world = World.generate([setting], n_people=n_people, n_items=n_items, seed=seed)
    people, place = world.people, world.places["any"]
    assert people.tastes.sum(axis=1) == pytest.approx(1)
    assert (people.tastes > 0).all()
    assert (people.activity > 0).all()
    assert (people.thrift >= 0).all()
    assert place.affinities.max(axis=1) == pytest.approx(1)
    assert (world.follows.people != world.follows.targets).all()
    for follows in (world.follows, place.makers):
        keys = follows.people * follows.n_targets + follows.targets
        assert (np.diff(keys) > 0).all()


@given(seed=st.integers(0, 2**31), length=st.integers(1, 8))
@checks(max_examples=30)
def test_only_what_was_looked_at_is_clicked(seed: int, length: int) -> None:
    setting = Setting("any", themes_of(2), (Reaction("buy"),))
    world = World.generate([setting], n_people=3, n_items=8, seed=seed)
    done = world.respond("any", seed % 3, np.arange(length), START)
    assert done.looked[0, 0], "the first position is always looked at"
    assert not (done.clicked & ~done.looked).any()
    assert ((done.attraction > 0) & (done.attraction < 1)).all()
    assert len(done.events()) == done.clicked.sum()


def test_one_person_and_one_item() -> None:
    setting = Setting("any", themes_of(1), (Reaction("buy"),), list_length=3)
    world = World.generate([setting], n_people=1, n_items=1, seed=0)
    log = world.live("any", days=300, sessions=200)
    assert len(world.follows.people) == 0
    assert set(log.impressions().position) <= {0, 1, 2}
    assert log.impressions().clicked.sum() == 1, "it is not shown again once it was clicked"
    assert len(log.events()) == 1


def test_a_world_without_sessions_has_empty_tables_with_all_columns() -> None:
    setting = Setting("any", themes_of(2), (Reaction("buy"),))
    log = World.generate([setting], n_people=5, n_items=9).live("any", days=3, sessions=0)
    assert log.impressions().empty
    assert list(log.impressions()) == [
        "session", "person", "item", "position", "time", "propensity", "clicked"
    ]  # fmt: skip
    assert log.events().empty
    assert set(log.events()) == {"person", "item", "time", "value", "event_type"}


def test_more_scenarios_and_more_people_leave_a_catalog_as_it_was() -> None:
    one, two = (Setting(name, themes_of(2), (Reaction("buy"),)) for name in ("one", "two"))
    alone = World.generate([one], n_people=2, n_items=20, seed=4)
    among = World.generate([two, one], n_people=30, n_items=20, seed=4)
    assert alone.items("one").equals(among.items("one"))
    assert not np.array_equal(
        among.places["one"].catalog.quality, among.places["two"].catalog.quality
    )


def test_the_probability_of_each_position_is_the_propensity() -> None:
    setting = Setting("any", themes_of(1), (Reaction("buy"),), list_length=4, repeats=True)
    log = World.generate([setting], n_people=800, n_items=40, seed=1).live("any", days=9)
    full = (log.responses.items >= 0).all(axis=1)
    chances = log.propensities[full]
    # .3 of the lists are shuffled: any position with .3 / 4, and its own one with .7 more.
    assert set(np.round(chances.ravel(), 6)) == {0.075, 0.775}
    kept = np.isclose(chances, 0.775).mean()
    assert kept == pytest.approx(0.775, abs=0.02)


@pytest.mark.parametrize(
    ("n_people", "names"), [(0, ["one"]), (1, []), (1, ["one", "one"])], ids=str
)
def test_a_world_that_cannot_be_is_refused(n_people: int, names: list[str]) -> None:
    settings = [Setting(name, themes_of(1), (Reaction("buy"),)) for name in names]
    with pytest.raises(ValueError, match="needs people, and scenarios with different names"):
        World.generate(settings, n_people=n_people, n_items=3)
