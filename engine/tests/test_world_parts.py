"""Parts of the generated world: draws, catalogs, who follows whom, single lists."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.simulation import Reaction, Setting, Theme, World
from crossrec.simulation.draws import uniforms
from crossrec.simulation.responses import examination
from hypothesis import given
from hypothesis import strategies as st

SHOP = Setting(
    "shop",
    (
        Theme("tents", {"nature": 1.0}, ("Tent", "Mat"), ("for Two", "for Winter")),
        Theme("pans", {"cooking": 1.0}, ("Pan", "Pot"), ("of Iron", "of Steel")),
    ),
    (Reaction("purchase", value="price"),),
    parts=2,
    price=20.0,
    release_days=10,
)


@pytest.fixture(scope="module")
def world() -> World:
    return World.generate([SHOP], n_people=400, n_items=60, seed=1)


@given(seed=st.integers(0, 2**31), keys=st.lists(st.integers(-5, 10**9), min_size=1, max_size=20))
def test_a_draw_depends_on_its_keys_alone(seed: int, keys: list[int]) -> None:
    whole = uniforms(seed, "looked", np.array(keys), 7)
    single = [uniforms(seed, "looked", np.array([key]), 7)[0] for key in keys]
    assert whole.tolist() == single
    assert whole.min() >= 0
    assert whole.max() < 1


def test_draws_are_uniform_and_purposes_independent() -> None:
    one, two = (uniforms(0, name, np.arange(20_000)) for name in ("a", "b"))
    assert np.histogram(one, 10, (0, 1))[0] == pytest.approx(2_000, rel=0.1)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_items_have_titles_prices_and_parts(world: World) -> None:
    items = world.items("shop")
    assert items.title[0] == "Tent for Two, Part 1"
    assert items.title[1] == "Tent for Two, Part 2"
    assert items.item_id.is_unique
    assert items.title.is_unique
    assert items.price.median() == pytest.approx(20, rel=0.3)
    assert items.created_at[1] == items.created_at[0] + 86_400


def test_people_follow_those_who_are_like_them(world: World) -> None:
    top = world.people.tastes.argmax(axis=1)
    same = top[world.follows.people] == top[world.follows.targets]
    assert same.mean() > 0.8
    assert (world.follows.people != world.follows.targets).all()
    assert world.follows.has(world.follows.people, world.follows.targets).all()


def test_a_purchase_carries_the_price_and_nothing_is_shown_before_it_is_out(world: World) -> None:
    log = world.live("shop", days=20, sessions=10)
    catalog, events, shown = world.places["shop"].catalog, log.events(), log.impressions()
    assert len(events) > 100
    assert (events.value == catalog.prices[events.item]).all()
    assert (catalog.created[shown.item] <= shown.time).all()
    assert not shown.duplicated(["session", "item"]).any()


def test_positions_are_looked_at_less_and_less() -> None:
    assert examination(4, 1.0).tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert examination(3, 0.0).tolist() == [1, 1, 1]
