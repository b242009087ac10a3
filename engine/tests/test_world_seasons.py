"""What moves people of a generated world: the time, makers, series, earlier clicks, releases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.simulation import Reaction, Setting, Theme, World
from crossrec.simulation.history import History

DAY = 86_400.0
START = 1_767_571_200.0  # Monday, 2026-01-05, 00:00
THEMES = tuple(
    Theme(name, {name: 1.0}, ("River", "Tower"), ("Tonight", "Alone"))
    for name in ("nature", "crime", "space")
)
PLAIN = Setting("plain", THEMES, (Reaction("watch"),), list_length=5, repeats=True)
SERIES = replace(PLAIN, name="series", parts=3, repeats=False)


@pytest.fixture(scope="module")
def world() -> World:
    return World.generate([PLAIN, SERIES], n_people=800, n_items=90, start=START, seed=11)


@pytest.fixture(scope="module")
def year(world: World) -> History:
    return world.live("plain", days=365.25, sessions=60)


def test_the_season_of_every_theme_is_recovered_from_a_year(world: World, year: History) -> None:
    place, shown = world.places["plain"], year.impressions()
    theme = place.catalog.themes[shown.item]
    turn = np.exp(2j * np.pi * shown.time.to_numpy() / (365.25 * DAY))
    for at, phase in enumerate(place.catalog.phases):
        here = theme == at
        clicked = shown.clicked.to_numpy()[here]
        # The first harmonic of the clicks, less that of what was shown.
        swing = np.mean(turn[here][clicked]) - np.mean(turn[here])
        found = np.angle(swing) / (2 * np.pi)
        assert abs((found - phase + 0.5) % 1 - 0.5) < 0.08
        assert abs(swing) > 0.08


def test_attraction_is_highest_at_the_phase_of_the_theme(world: World) -> None:
    place = world.places["plain"]
    days = np.arange(366)
    times = days * DAY
    for at, phase in enumerate(place.catalog.phases):
        item = np.full(366, np.searchsorted(place.catalog.themes, at))
        seen = place.attraction(np.zeros(366, int), item, times, np.full(366, -1))
        assert abs(seen.argmax() / 365.25 - phase) < 1 / 365 or seen.argmax() in (0, 365)


def test_days_of_the_week_are_as_busy_as_set(year: History) -> None:
    times = year.responses.times
    weekday = ((times // DAY) + 3) % 7
    counts = np.bincount(weekday.astype(int), minlength=7) / len(times)
    busy = np.array([1.0, 1.0, 1.0, 1.0, 1.2, 1.5, 1.4])
    assert counts == pytest.approx(busy / busy.sum(), rel=0.07)


def test_hours_of_the_day_are_as_busy_as_set(year: History) -> None:
    hour = (year.responses.times % DAY // 3600).astype(int)
    counts = np.bincount(hour, minlength=24)
    assert counts[20] > 8 * counts[3]
    assert counts.argmax() in (19, 20, 21)
    assert set(np.argsort(counts)[:3]) == {2, 3, 4}


def test_active_people_have_more_sessions(world: World, year: History) -> None:
    counts = np.bincount(year.responses.people, minlength=800)
    assert counts == pytest.approx(60 * world.people.activity, abs=6 * np.sqrt(60 * 8))
    assert np.corrcoef(counts, world.people.activity)[0, 1] > 0.95


def test_followed_makers_get_more_clicks_from_their_followers(world: World, year: History) -> None:
    place, shown = world.places["plain"], year.impressions()
    followed = place.makers.has(shown.person.to_numpy(), place.catalog.makers[shown.item])
    affinity = place.affinities[shown.person, place.catalog.themes[shown.item]]
    best = affinity == 1  # the same taste on both sides
    rates = [shown.clicked[best & side].mean() for side in (followed, ~followed)]
    assert rates[0] > 1.15 * rates[1]


def test_following_multiplies_the_odds_of_a_click_by_a_known_factor(world: World) -> None:
    place = world.places["plain"]
    person, maker = place.makers.people[:50], place.makers.targets[:50]
    item = np.searchsorted(place.catalog.makers, maker)
    stranger = replace(place, makers=replace(place.makers, people=place.makers.people + 800))
    call = (person, item, np.full(50, START), np.full(50, -1))
    with_it, without = place.attraction(*call), stranger.attraction(*call)
    odds = with_it / (1 - with_it) / (without / (1 - without))
    assert odds == pytest.approx(np.exp(0.8))


def test_makers_are_followed_by_people_who_like_their_theme(world: World) -> None:
    place = world.places["plain"]
    item = np.searchsorted(place.catalog.makers, place.makers.targets)
    liked = place.affinities[place.makers.people, place.catalog.themes[item]]
    assert liked.mean() > place.affinities.mean() + 0.2
    edges = np.stack([place.makers.people, place.makers.targets])
    assert np.unique(edges, axis=1).shape == edges.shape
    assert place.makers.targets.max() < place.makers.n_targets


@pytest.mark.parametrize(("name", "again"), [("plain", True), ("series", False)])
def test_lists_show_what_was_clicked_again_only_where_they_may(
    world: World, name: str, again: bool
) -> None:
    shown = world.live(name, days=20, sessions=30).impressions()
    clicks = shown[shown.clicked].groupby(["person", "item"]).time.min().rename("first")
    joined = shown.join(clicks, on=["person", "item"], how="inner")
    assert bool((joined.time > joined["first"]).any()) is again


def test_the_next_part_leads_the_lists_after_a_click(world: World) -> None:
    log, catalog = world.live("series", days=20, sessions=10), world.places["series"].catalog
    last = log.last
    whole = (last >= 0) & (catalog.parts[last] < 2)
    following = log.responses.items[whole] == last[whole, None] + 1
    first = following[:, 0].mean()
    assert first > 0.4
    assert first > 5 * following[:, 1].mean()


def test_a_series_goes_on_within_itself_only(world: World) -> None:
    catalog = world.places["series"].catalog
    items = np.arange(1, 90)
    following = catalog.follows(items, items - 1)
    assert np.array_equal(following, catalog.parts[1:] == catalog.parts[:-1] + 1)
    assert not catalog.follows(items, np.full(89, -1)).any()
    assert not catalog.follows(items, items).any()
    assert not catalog.follows(items[1:], items[1:] - 2).any()


def test_last_is_the_latest_click_of_the_same_person(world: World) -> None:
    log = world.live("series", days=10, sessions=5)
    people, clicked, items = log.responses.people, log.responses.clicked, log.responses.items
    expected, at = -1, -1
    for row, person in enumerate(people):
        expected = expected if person == at else -1
        assert log.last[row] == expected
        found = items[row][clicked[row]]
        expected, at = (int(found[-1]) if len(found) else expected), person


def test_items_come_out_evenly_and_nothing_is_shown_before() -> None:
    new = replace(PLAIN, release_days=40)
    world = World.generate([new], n_people=200, n_items=600, start=START, seed=2)
    created = world.items("plain").created_at.to_numpy()
    days = (created - START) / DAY
    assert np.histogram(days, 7, (-30, 40))[0] == pytest.approx(600 / 7, rel=0.35)
    shown = world.live("plain", days=40).impressions()
    assert (shown.time >= created[shown.item]).all()
    assert (days[shown.item] > 0).any(), "items that came out later are shown too"


def test_without_releases_everything_is_out_before_the_start(world: World) -> None:
    assert (world.places["series"].catalog.created < START).all()


@pytest.mark.parametrize("price", [0.5, 20.0, 300.0])
def test_prices_lie_around_their_median_in_whole_cents(price: float) -> None:
    sold = replace(PLAIN, price=price)
    catalog = World.generate([sold], n_people=1, n_items=2_000).places["plain"].catalog
    assert np.median(catalog.prices) == pytest.approx(price, rel=0.06)
    assert np.log(catalog.prices).std() == pytest.approx(0.5, rel=0.1)
    assert catalog.prices * 100 == pytest.approx(np.round(catalog.prices * 100))
    assert catalog.prices.min() >= 0.01


def test_where_nothing_is_sold_there_is_no_price(world: World) -> None:
    assert np.isnan(world.places["plain"].catalog.prices).all()
    assert "price" not in world.items("plain")
    assert world.live("plain", days=5).events().value.isna().all()
