from __future__ import annotations

import numpy as np
import pytest
from crossrec.simulation import DAY, Habits, SimulatedCatalog, Walks, walk
from hypothesis import given, settings
from hypothesis import strategies as st

START = 1_000_000.0


def catalog(
    *, n_themes: int = 6, makers: int = 4, parts: int = 5, aged: bool = False
) -> SimulatedCatalog:
    n = n_themes * makers * parts
    return SimulatedCatalog(
        themes=np.repeat(np.arange(n_themes), makers * parts),
        makers=np.repeat(np.arange(n_themes * makers), parts),
        appeal=np.ones(n),
        created=START + np.linspace(-2, 20, n) * DAY if aged else None,
    )


def walked(habits: Habits, *, aged: bool = False, seed: int = 0, n_users: int = 40) -> Walks:
    rng = np.random.default_rng(seed)
    return walk(catalog(aged=aged), habits, rng, n_users=n_users, start=START, days=20)


def share(walks: Walks, values: np.ndarray) -> float:
    """Return how often neighbours in a walk have the same value."""
    same_user = walks.users[1:] == walks.users[:-1]
    same = values[walks.items[1:]] == values[walks.items[:-1]]
    return float(same[same_user].mean())


def test_sorted_by_user_and_time() -> None:
    walks = walked(Habits())
    assert (np.diff(walks.users) >= 0).all()
    same_user = walks.users[1:] == walks.users[:-1]
    assert (np.diff(walks.times)[same_user] >= 0).all()


def test_within_the_days() -> None:
    walks = walked(Habits())
    assert walks.times.min() >= START
    assert walks.times.max() <= START + 20 * DAY
    assert (walks.times == np.floor(walks.times)).all()


def test_number_of_events_within_bounds() -> None:
    walks = walked(Habits(events=(7, 19)))
    counts = np.bincount(walks.users)
    assert len(counts) == 40
    assert counts.min() >= 7
    assert counts.max() <= 19


def test_nothing_comes_again_where_again_is_zero() -> None:
    walks = walked(Habits(again=0.0))
    pairs = set(zip(walks.users.tolist(), walks.items.tolist()))
    assert len(pairs) == len(walks.users)


def test_something_comes_again_where_again_is_one() -> None:
    walks = walked(Habits(again=1.0, events=(20, 40)))
    pairs = set(zip(walks.users.tolist(), walks.items.tolist()))
    assert len(pairs) < len(walks.users)


def test_nothing_is_met_before_it_is_made() -> None:
    walks = walked(Habits(events=(20, 40)), aged=True)
    created = catalog(aged=True).created
    assert created is not None
    assert (created[walks.items] <= walks.times).all()


def test_fresh_items_are_met_more() -> None:
    def mean_age(habits: Habits) -> float:
        walks = walked(habits, aged=True)
        created = catalog(aged=True).created
        assert created is not None
        return float((walks.times - created[walks.items]).mean() / DAY)

    assert mean_age(Habits(fresh_days=1.0)) < 0.7 * mean_age(Habits())


def test_users_keep_to_their_themes() -> None:
    themes = catalog().themes
    walks = walked(Habits(follow=0, stay=0, wander=0), n_users=100)
    # Three of six themes, unequally liked: chance alone would give 1/6.
    assert share(walks, themes) > 0.3


def test_staying_keeps_to_makers() -> None:
    makers = catalog().makers
    loose = share(walked(Habits(follow=0, stay=0)), makers)
    close = share(walked(Habits(follow=0, stay=0.8)), makers)
    assert close > loose + 0.3


def test_following_takes_the_next_part() -> None:
    def nexts(habits: Habits) -> float:
        walks = walked(habits)
        return float((np.diff(walks.items) == 1).mean())

    assert nexts(Habits(follow=0.9, stay=0)) > nexts(Habits(follow=0, stay=0)) + 0.4


def test_what_is_liked_is_of_liked_themes() -> None:
    walks = walked(Habits(follow=0, stay=0, wander=0.5, events=(6, 12)), n_users=100)
    themes = catalog().themes
    counts = np.zeros((100, 6))
    np.add.at(counts, (walks.users, themes[walks.items]), 1)
    often = counts[walks.users, themes[walks.items]] / counts.sum(axis=1)[walks.users]
    assert np.corrcoef(often, walks.liking)[0, 1] > 0.3


def test_appeal_makes_items_popular() -> None:
    base = catalog()
    appeal = np.ones(len(base.themes))
    appeal[::5] = 10.0
    rng = np.random.default_rng(0)
    loud = SimulatedCatalog(base.themes, base.makers, appeal)
    walks = walk(loud, Habits(follow=0), rng, n_users=60, start=START, days=20)
    counts = np.bincount(walks.items, minlength=len(appeal))
    assert counts[::5].mean() > 2 * np.delete(counts, np.s_[::5]).mean()


def test_more_events_than_items_end_the_walk() -> None:
    tiny = SimulatedCatalog(np.zeros(3, np.int64), np.zeros(3, np.int64), np.ones(3))
    rng = np.random.default_rng(0)
    walks = walk(tiny, Habits(events=(10, 20)), rng, n_users=5, start=START, days=2)
    assert (np.bincount(walks.users) == 3).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), follow=st.floats(0, 0.6), again=st.floats(0, 1))
def test_same_seed_same_walk(seed: int, follow: float, again: float) -> None:
    habits = Habits(follow=follow, again=again, events=(3, 8))
    first = walked(habits, seed=seed, n_users=4)
    second = walked(habits, seed=seed, n_users=4)
    for name in ("users", "items", "times", "liking"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert first.liking.min() >= 0
    assert first.liking.max() <= 1


def test_steps_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="at most 1"):
        Habits(follow=0.5, stay=0.4, wander=0.2)


@pytest.mark.parametrize("seed", [1, 2])
def test_other_seed_other_walk(seed: int) -> None:
    assert not np.array_equal(walked(Habits(), seed=0).items, walked(Habits(), seed=seed).items)
