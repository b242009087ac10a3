"""The generated world: known answers about positions, tastes, series and seeds."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.simulation import Reaction, Setting, Theme, World
from crossrec.simulation.history import History

NAMES = ("nature", "crime", "space", "history")
START = 1_767_571_200.0


def setting(name: str, *, parts: int = 1, price: float | None = None) -> Setting:
    themes = tuple(
        Theme(f"{name} {one}", {one: 1.0}, ("Wolves", "Castle"), ("at Dawn", "Twice"))
        for one in NAMES
    )
    reactions = (Reaction("watch", value="liking"), Reaction("like", least=0.6, share=0.5))
    return Setting(name, themes, reactions, parts=parts, price=price, list_length=6)


@pytest.fixture(scope="module")
def world() -> World:
    settings = [setting("video", parts=4, price=5.0), setting("music")]
    return World.generate(settings, n_people=1_500, n_items=400, start=START, seed=3)


@pytest.fixture(scope="module")
def log(world: World) -> History:
    return world.live("video", days=30, sessions=15)


def test_position_bias_is_recovered_by_inverse_propensity(world: World, log: History) -> None:
    shown = log.impressions()
    shown = shown[shown.session.isin(shown[shown.position == 5].session)]  # full lists
    weight = 1 / shown.propensity
    clicks = (weight * shown.clicked).groupby(shown.position).sum().to_numpy()
    rates = clicks / weight.groupby(shown.position).sum().to_numpy()
    naive = shown.groupby("position").clicked.mean().to_numpy()
    truth = world.places["video"].examination()
    error = np.abs(rates / rates[0] - truth)
    assert error.max() < 0.06
    assert np.abs(naive / naive[0] - truth).max() > 1.5 * error.max(), "nothing to correct"


def test_tastes_are_shared_over_scenarios(world: World) -> None:
    counts = []
    for name in ("video", "music"):
        events = world.live(name, days=30, sessions=15).events()
        table = np.zeros((1_500, 4))
        np.add.at(table, (events.person, world.places[name].catalog.themes[events.item]), 1)
        counts.append(table / np.maximum(table.sum(axis=1, keepdims=True), 1))
    own = np.corrcoef(counts[0].ravel(), counts[1].ravel())[0, 1]
    other = np.corrcoef(counts[0].ravel(), np.roll(counts[1], 1, axis=0).ravel())[0, 1]
    assert own > 0.5
    assert abs(other) < 0.1


def test_events_are_the_log_in_ids(world: World, log: History) -> None:
    table, reactions = world.events("video", days=30, sessions=15), log.events()
    items = world.items("video")["item_id"]
    assert list(table.columns) == ["user_id", "item_id", "event_type", "time", "value"]
    assert (table["item_id"].to_numpy() == items.to_numpy()[reactions["item"]]).all()
    assert table["user_id"].tolist() == [f"u{person + 1}" for person in reactions["person"]]
    assert table["time"].tolist() == reactions["time"].tolist()


def test_same_seed_same_world(world: World, log: History) -> None:
    settings = [setting("video", parts=4, price=5.0), setting("music")]
    again = World.generate(settings, n_people=1_500, n_items=400, start=START, seed=3)
    assert again.items("video").equals(world.items("video"))
    assert again.live("video", days=30, sessions=15).events().equals(log.events())
    other = World.generate(settings, n_people=1_500, n_items=400, start=START, seed=4)
    assert not np.array_equal(other.people.tastes, world.people.tastes)


def test_respond_is_independent_of_the_order_of_calls(world: World) -> None:
    lists = [(person, np.arange(person, person + 6), START + person) for person in range(200)]
    forth = [world.respond("video", *one).clicked for one in lists]
    back = [world.respond("video", *one).clicked for one in reversed(lists)][::-1]
    assert np.array_equal(forth, back)
    assert 0 < np.mean(forth) < 0.5


def test_the_log_is_what_people_respond(world: World, log: History) -> None:
    done = log.responses
    for row in range(0, len(done.people), 997):
        items, last = done.items[row], int(log.last[row])
        items = items[items >= 0]
        one = world.respond("video", int(done.people[row]), items, done.times[row], last=last)
        assert np.array_equal(one.clicked[0], done.clicked[row, : len(items)])
        assert not done.clicked[row, len(items) :].any()


def test_the_next_part_attracts_and_nothing_clicked_is_shown_again(
    world: World, log: History
) -> None:
    new, later = (world.respond("video", 7, [1], START, last=last) for last in (-1, 0))
    assert later.attraction[0, 0] > new.attraction[0, 0]
    clicked = log.impressions().query("clicked")
    assert not clicked.duplicated(["person", "item"]).any()


def test_high_prices_put_people_off(world: World) -> None:
    place = world.places["video"]
    dear = place.catalog.prices > 5
    every = np.arange(400)
    seen = np.array(
        [
            place.attraction(np.full(400, one), every, np.full(400, START), np.full(400, -1))
            for one in range(300)
        ]
    ).mean(axis=0)
    assert seen[~dear].mean() > seen[dear].mean()


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="interests"):
        Theme("x", {}, ("a",), ("b",))
    with pytest.raises(ValueError, match="carries a price"):
        Setting("x", setting("x").themes, (Reaction("purchase", value="price"),))
    with pytest.raises(ValueError, match="as many items"):
        World.generate([setting("x")], n_people=1, n_items=2)
