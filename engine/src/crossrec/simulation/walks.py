"""Simulated behaviour with latent tastes, for the demo data of scenario packages.

A user likes a few themes. Each step stays with the maker of the last item, follows a series to its
next part, moves to another of the user's themes, or picks at random. So content (themes), other
users (tastes) and order (series) all have something to teach.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

DAY = 86_400.0


@dataclass(frozen=True, eq=False)
class SimulatedCatalog:
    """The items that simulated users walk among.

    Attributes
    ----------
    themes : int64 array, shape (n,)
        Theme of each item: what users like or do not.
    makers : int64 array, shape (n,)
        Author, channel, artist. Items of one maker follow each other in the order of their index.
    appeal : float64 array, shape (n,)
        Positive; how often an item is picked among others.
    created : float64 array, shape (n,), or None
        Seconds since 1970; an item is not met before it.
    """

    themes: NDArray[np.int64]
    makers: NDArray[np.int64]
    appeal: NDArray[np.float64]
    created: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Habits:
    """How users walk: probabilities of one step.

    Attributes
    ----------
    follow, stay, wander : float
        To go on to the maker's next item; to stay with the maker; to pick any item.
    again : float
        Factor on the appeal of items that the user met before; 0 never repeats one.
    fresh_days : float or None
        Half-life of an item's appeal since its creation; None for no ageing.
    events : (int, int)
        Fewest and most events of a user.
    """

    follow: float = 0.25
    stay: float = 0.3
    wander: float = 0.08
    again: float = 0.0
    fresh_days: float | None = None
    events: tuple[int, int] = (6, 40)

    def __post_init__(self) -> None:
        if self.follow + self.stay + self.wander > 1:
            raise ValueError("follow, stay and wander exclude each other: at most 1 together")


@dataclass(frozen=True, eq=False)
class Walks:
    """Which user met which item, when, and how well it fitted.

    Attributes
    ----------
    users, items : int64 arrays, shape (n,)
        Sorted by user, then time.
    times : float64 array, shape (n,)
        Whole seconds since 1970.
    liking : float64 array, shape (n,)
        0 to 1: how well the item fits the user, from which a demo derives likes and skips.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    times: NDArray[np.float64]
    liking: NDArray[np.float64]


def walk(
    catalog: SimulatedCatalog,
    habits: Habits,
    rng: np.random.Generator,
    *,
    n_users: int,
    start: float,
    days: float,
) -> Walks:
    """Let `n_users` walk through `catalog` for `days` from `start` (seconds since 1970).

    Python-level work is proportional to the number of events; each step looks at one theme.
    """
    paths = [_Path(catalog, habits, rng).run(start, days) for _ in range(n_users)]
    users = np.repeat(np.arange(n_users), [len(items) for items, _, _ in paths])
    items, times, liking = (np.concatenate([path[i] for path in paths]) for i in range(3))
    return Walks(users.astype(np.int64), items.astype(np.int64), times, liking)


@dataclass
class _Path:
    """One user's walk."""

    catalog: SimulatedCatalog
    habits: Habits
    rng: np.random.Generator
    taste: NDArray[np.float64] = field(init=False)
    met: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        n_themes = int(self.catalog.themes.max()) + 1
        liked = self.rng.choice(n_themes, size=min(n_themes, 3), replace=False)
        self.taste = np.full(n_themes, 0.02)
        self.taste[liked] += self.rng.dirichlet(np.full(len(liked), 2.0))
        self.taste /= self.taste.sum()

    def run(
        self, start: float, days: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return items, times and liking of one user."""
        items, times, liking = [], [], []
        last = -1
        for time in self._times(start, days):
            pick = self._step(last, time)
            if pick < 0:
                continue
            last = pick
            self.met.add(pick)
            fit = self.taste[self.catalog.themes[pick]] / self.taste.max()
            items.append(pick)
            times.append(time)
            liking.append(float(np.clip(0.2 + 0.6 * fit + self.rng.normal(0, 0.15), 0, 1)))
        return np.array(items, np.int64), np.array(times), np.array(liking)

    def _times(self, start: float, days: float) -> NDArray[np.float64]:
        """Draw sessions of a few minutes, whole seconds, rising."""
        low, high = self.habits.events
        n = int(np.clip(self.rng.lognormal(np.log((low * high) ** 0.5), 0.5), low, high))
        sessions = self.rng.uniform(0, days * DAY - 3600, size=max(1, n // 4))
        at = self.rng.choice(sessions, size=n) + self.rng.uniform(0, 3600, size=n)
        return np.floor(start + np.sort(at))

    def _step(self, last: int, time: float) -> int:
        """Choose the next item, -1 where there is none to choose."""
        catalog, habits = self.catalog, self.habits
        draw = self.rng.random()
        if last >= 0 and draw < habits.follow and self._is_next(last + 1, last, time):
            return last + 1
        if last >= 0 and draw < habits.follow + habits.stay:
            pool = np.flatnonzero(catalog.makers == catalog.makers[last])
        elif draw > 1 - habits.wander:
            pool = np.arange(len(catalog.themes))
        else:
            theme = self.rng.choice(len(self.taste), p=self.taste)
            pool = np.flatnonzero(catalog.themes == theme)
        pick = self._pick(pool, time)
        return pick if pick >= 0 else self._pick(np.arange(len(catalog.themes)), time)

    def _is_next(self, item: int, last: int, time: float) -> bool:
        """Whether `item` is the next part by the maker of `last`, is out, and may be met."""
        catalog = self.catalog
        if item >= len(catalog.makers) or catalog.makers[item] != catalog.makers[last]:
            return False
        out = catalog.created is None or catalog.created[item] <= time
        return out and (item not in self.met or self.rng.random() < self.habits.again)

    def _pick(self, pool: NDArray[np.int64], time: float) -> int:
        """Draw from `pool` by appeal, age and whether the item was met before."""
        weights = self.catalog.appeal[pool].copy()
        if self.met:
            weights[np.isin(pool, list(self.met))] *= self.habits.again
        if self.catalog.created is not None:
            age = (time - self.catalog.created[pool]) / DAY
            weights[age < 0] = 0
            if self.habits.fresh_days is not None:
                weights *= 0.5 ** (np.maximum(age, 0) / self.habits.fresh_days)
        total = np.cumsum(weights)
        if len(total) == 0 or total[-1] <= 0:
            return -1
        at = np.searchsorted(total, self.rng.random() * total[-1], side="right")
        return int(pool[at])
