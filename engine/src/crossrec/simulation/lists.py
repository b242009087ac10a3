"""The lists that people of a world are shown: a recommender that is better than chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossrec.simulation.responses import Place, Responses

#: How many items are drawn by taste rather than from the whole catalog.
_BY_TASTE = 0.6
#: How many lists are shuffled, which gives every item every position.
_SHUFFLED = 0.3


class Lists:
    """Draws lists, and remembers what people clicked where lists shall not repeat it."""

    def __init__(self, place: Place, rng: np.random.Generator) -> None:
        self._place = place
        self._rng = rng
        self._appeal = np.concatenate([[0.0], np.cumsum(place.catalog.appeal)])
        n_themes = place.affinities.shape[1]
        self._bounds = np.searchsorted(place.catalog.themes, np.arange(n_themes + 1))
        self._clicked = np.zeros(0, dtype=np.int64)

    def draw(
        self, people: NDArray[np.int64], times: NDArray[np.float64], last: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return a list for each of `people` and the propensities of positions, (n, k) each.

        A list is ordered by appeal, the next part after `last` first; some lists are shuffled.
        Lists are shorter where an item was drawn twice, is not out or was clicked earlier.
        """
        length = self._place.setting.list_length
        items = self._candidates(people, last)
        valid = self._valid(people, items, times)
        rank = np.where(valid, -self._place.catalog.appeal[items], np.inf)
        rank[:, 0][valid[:, 0] & self._place.catalog.follows(items[:, 0], last)] = -np.inf
        order = np.argsort(rank, axis=1, kind="stable")[:, :length]
        shown = np.take_along_axis(np.where(valid, items, -1), order, axis=1)
        lengths = (shown >= 0).sum(axis=1)
        mixed = self._rng.random(len(people)) < _SHUFFLED
        turn = np.where(shown >= 0, self._rng.random(shown.shape), 2.0)
        turned = np.argsort(turn, axis=1, kind="stable")
        places = np.where(mixed[:, None], turned, np.arange(shown.shape[1]))
        chance = _SHUFFLED / np.maximum(lengths, 1)[:, None]
        propensities = chance + (1 - _SHUFFLED) * (places == np.arange(shown.shape[1]))
        return np.take_along_axis(shown, places, axis=1), propensities

    def remember(self, people: NDArray[np.int64], done: Responses) -> None:
        """Keep what was clicked, so that it is not shown again; nothing where lists repeat."""
        if self._place.setting.repeats:
            return
        rows, at = np.nonzero(done.clicked)
        keys = self._keys(people[rows], done.items[rows, at])
        # Two sorted runs: a stable sort merges them in one pass.
        self._clicked = np.sort(np.concatenate([self._clicked, np.sort(keys)]), kind="stable")

    def _candidates(self, people: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw more items than a list has; the first is the next part, where there may be one."""
        rng, length = self._rng, self._place.setting.list_length
        shape = (len(people), length + length // 2)
        n = len(self._place.catalog)
        weights = np.cumsum(self._place.affinities[people] ** 2, axis=1)
        level = rng.random(shape) * weights[:, -1:]
        themes = np.zeros(shape, dtype=np.int64)
        for column in weights.T[:-1]:
            themes += column[:, None] <= level
        by_taste = rng.random(shape) < _BY_TASTE
        low = np.where(by_taste, self._appeal[self._bounds[themes]], 0.0)
        high = np.where(by_taste, self._appeal[self._bounds[themes + 1]], self._appeal[-1])
        level = low + rng.random(shape) * (high - low)
        found = np.searchsorted(self._appeal, level, side="right") - 1
        items: NDArray[np.int64] = np.minimum(found, n - 1)
        after = np.minimum(last + 1, n - 1)
        items[:, 0] = np.where(self._place.catalog.follows(after, last), after, items[:, 0])
        return items

    def _valid(
        self, people: NDArray[np.int64], items: NDArray[np.int64], times: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return which candidates come for the first time, are out and were not clicked."""
        order = np.argsort(items, axis=1, kind="stable")
        ordered = np.take_along_axis(items, order, axis=1)
        again = np.zeros(items.shape, dtype=np.bool_)
        np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
        valid = ~again & (self._place.catalog.created[items] <= times[:, None])
        if len(self._clicked):
            keys = self._keys(people[:, None], items)
            at = np.minimum(np.searchsorted(self._clicked, keys), len(self._clicked) - 1)
            valid &= self._clicked[at] != keys
        return valid

    def _keys(self, people: NDArray[np.int64], items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one number for each pair."""
        keys: NDArray[np.int64] = people * len(self._place.catalog) + items
        return keys
