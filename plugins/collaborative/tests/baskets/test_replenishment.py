"""Intervals between purchases: recovered from generated ones, and right on open ones."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec_collaborative.baskets.lines import basket_lines
from crossrec_collaborative.baskets.replenishment import (
    Intervals,
    Purchases,
    learn_intervals,
    log_days,
)

DAY = 86_400.0


def generated(intervals, *, users=400, window=200.0, chance=0.7, spread=0.25, seed=0):
    """Return purchases from a random first day on, each followed by another with a chance."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        for item, days in enumerate(intervals):
            day = rng.uniform(0, window)
            while day < window:
                rows.append((user, day, item))
                if rng.random() > chance:
                    break
                day += np.exp(np.log(days) + spread * rng.normal())
    user, day, item = np.array(sorted(rows)).T
    lines = basket_lines(user.astype(np.int64), item.astype(np.int64), day * DAY, users, 0.0)
    return Purchases.of(lines)


def test_purchases_of_two_users_by_hand():
    """Item 3 on the days 0, 2 and 10, item 1 on day 2; then another user."""
    rows, items = np.array([0, 0, 0, 0, 1]), np.array([3, 1, 3, 3, 3])
    days = np.array([0.0, 2.0, 2.0, 10.0, 4.0])
    found = Purchases.of(basket_lines(rows, items, days * DAY, 2, 0.0))
    assert found.rows.tolist() == [0, 0, 1]
    assert found.items.tolist() == [1, 3, 3]
    assert found.times.tolist() == [1, 3, 1]
    assert (found.last / DAY).tolist() == [2.0, 10.0, 4.0]
    assert found.gaps.tolist() == [1, 1]
    assert np.exp(found.logs).round(6).tolist() == [2.0, 8.0]


def test_no_purchases():
    none = np.zeros(0, dtype=np.int64)
    found = Purchases.of(basket_lines(none, none, np.zeros(0), 3, 0.0))
    assert len(found) == 0
    learnt = learn_intervals(found, 0.0, 4)
    assert learnt.chance.tolist() == [0.0] * 4, "nothing has ever come back"
    assert np.isfinite(learnt.days).all()


@pytest.mark.parametrize("chance", [0.5, 0.7, 0.9])
def test_known_intervals_and_chances_are_recovered(chance):
    purchases = generated((7, 14, 30, 60), chance=chance)
    learnt = learn_intervals(purchases, 200 * DAY, 4)
    np.testing.assert_allclose(learnt.days, [7, 14, 30, 60], rtol=0.06)
    np.testing.assert_allclose(learnt.chance, chance, atol=0.06)
    np.testing.assert_allclose(learnt.log_spread, 0.25, atol=0.05)


def test_open_intervals_are_not_forgotten():
    """Within 90 days few intervals of 60 end: those that do are the short ones."""
    purchases = generated((7, 60), window=90.0, chance=0.9, spread=0.5, users=1_000)
    of_long = purchases.items[purchases.gaps] == 1
    naive = float(np.exp(np.median(purchases.logs[of_long])))
    learnt = learn_intervals(purchases, 90 * DAY, 2)
    assert naive < 45
    assert 50 < learnt.days[1] < 67
    ended = of_long.sum() / (purchases.items == 1).sum()
    assert ended < 0.55, "of 0.9 so many have ended"
    assert learnt.chance[1] > 0.75


def test_an_item_with_few_purchases_is_near_the_mean():
    purchases = generated((20, 20, 20), users=200)
    alone = generated((4,), users=2, window=100.0, seed=3)
    rows = np.concatenate([purchases.rows, alone.rows + 200])
    both = Purchases(
        rows,
        np.concatenate([purchases.items, np.full(len(alone), 3)]),
        np.concatenate([purchases.times, alone.times]),
        np.concatenate([purchases.last, alone.last]),
        np.concatenate([purchases.gaps, alone.gaps + len(purchases)]),
        np.concatenate([purchases.logs, alone.logs]),
    )
    assert 0 < len(alone.gaps) < 12
    days = learn_intervals(both, 200 * DAY, 5).days
    assert 4 < days[3] < 18, "between its own and the mean"
    assert days[4] == pytest.approx(20, rel=0.15), "nothing is known of it"


def test_a_users_own_intervals_move_the_items():
    item = Intervals(*(np.array([value]) for value in (0.5, np.log(10.0), 0.3)))
    lines = basket_lines(
        np.zeros(5, np.int64), np.zeros(5, np.int64), np.arange(5) * 20 * DAY, 1, 0.0
    )
    own = item.of_users(Purchases.of(lines))
    assert own.days[0] == pytest.approx(20 ** (4 / 6) * 10 ** (2 / 6))
    assert own.chance[0] == pytest.approx((4 + 2 * 0.5) / 6)
    once = basket_lines(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1), 1, 0.0)
    assert item.of_users(Purchases.of(once)).days[0] == pytest.approx(10.0)


def test_the_probability_is_that_of_simulated_purchases():
    """Given none until day 8, within 7 days: against a million draws."""
    rng = np.random.default_rng(0)
    chance, mean, spread = 0.6, np.log(10.0), 0.4
    n = 1_000_000
    days = np.where(rng.random(n) < chance, np.exp(mean + spread * rng.normal(size=n)), np.inf)
    left = days > 8.0
    wanted = (days[left] <= 15.0).mean()
    one = Intervals(*(np.array([value]) for value in (chance, mean, spread)))
    assert one.within(np.array([8.0]), 7.0)[0] == pytest.approx(wanted, abs=0.002)


def test_who_has_not_come_for_long_will_not():
    one = Intervals(*(np.full(3, value) for value in (0.8, np.log(10.0), 0.3)))
    soon, due, long_ago = one.within(np.array([1.0, 9.0, 40.0]), 5.0)
    assert due > 0.4 > 0.05 > soon
    assert long_ago < 0.01
    never = Intervals(*(np.full(1, value) for value in (1.0, np.log(10.0), 0.3)))
    assert np.isfinite(never.within(np.array([1e6]), 5.0)).all()


def test_several_purchases_of_one_day_count_as_a_short_interval():
    assert log_days(np.array([0.0, DAY])).tolist() == [np.log(0.25), 0.0]


def test_calibration_on_generated_purchases():
    """What is predicted on a day happens that often in the days after it."""
    whole = generated((7, 14, 30), users=2_000, window=120.0, spread=0.4, seed=5)
    # The same people until day 90, seen from there.
    rng = np.random.default_rng(9)
    rows, days, items = [], [], []
    for user in range(3_000):
        for item, mean in enumerate((7, 14, 30)):
            day = rng.uniform(0, 90)
            while day < 104:
                rows.append(user)
                days.append(day)
                items.append(item)
                if rng.random() > 0.7:
                    break
                day += np.exp(np.log(mean) + 0.4 * rng.normal())
    order = np.lexsort((days, rows))
    row, day, item = np.array(rows)[order], np.array(days)[order], np.array(items)[order]
    learnt = learn_intervals(whole, 120 * DAY, 3)
    early = day <= 90
    known = Purchases.of(basket_lines(row[early], item[early], day[early] * DAY, 3_000, 0.0))
    predicted = learnt.take(known.items).within(90.0 - known.last / DAY, 14.0)
    late = set(zip(row[~early].tolist(), item[~early].tolist()))
    happened = np.array([one in late for one in zip(known.rows.tolist(), known.items.tolist())])
    assert predicted.mean() == pytest.approx(happened.mean(), rel=0.06)
    for low, high in ((0.0, 0.1), (0.1, 0.4), (0.4, 1.0)):
        part = (predicted >= low) & (predicted < high)
        assert part.sum() > 100
        assert predicted[part].mean() == pytest.approx(happened[part].mean(), abs=0.04)
