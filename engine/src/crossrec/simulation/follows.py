"""Who follows whom: people follow makers of themes that they like, and people like themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.simulation.catalogs import WorldCatalog
from crossrec.simulation.draws import stream
from crossrec.simulation.people import People


@dataclass(frozen=True, eq=False)
class Follows:
    """Edges of one kind, each once, sorted by who follows, then by whom.

    Attributes
    ----------
    people, targets : int64 arrays, shape (n,)
        Targets are makers or people.
    n_targets : int
    """

    people: NDArray[np.int64]
    targets: NDArray[np.int64]
    n_targets: int

    @classmethod
    def of(cls, people: NDArray[np.int64], targets: NDArray[np.int64], n_targets: int) -> Follows:
        """Sort the edges and drop those that come again."""
        keys = np.unique(people * n_targets + targets)
        return cls(keys // n_targets, keys % n_targets, n_targets)

    def has(self, people: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which pairs are edges; the arrays are broadcast."""
        keys = self.people * self.n_targets + self.targets
        wanted = people * self.n_targets + targets
        if not len(keys):
            return np.zeros(wanted.shape, dtype=np.bool_)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found: NDArray[np.bool_] = keys[at] == wanted
        return found


def drawn_rows(
    weights: NDArray[np.float64], rows: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw a column of `weights` for each of `rows`, in proportion to the row's weights."""
    total = np.cumsum(weights, axis=1)
    level = rng.random(len(rows)) * total[rows, -1]
    columns: NDArray[np.int64] = (total[rows] <= level[:, None]).sum(axis=1)
    return columns


def followed_makers(
    people: People, catalog: WorldCatalog, affinities: NDArray[np.float64], seed: int, name: str
) -> Follows:
    """Let each person follow a few makers, of themes by the square of the affinity to them."""
    rng = stream(seed, "makers followed", name)
    who = np.repeat(np.arange(len(people)), rng.poisson(3.0, len(people)))
    themes = drawn_rows(affinities**2, who, rng)
    first = np.searchsorted(catalog.themes, themes)
    last = np.searchsorted(catalog.themes, themes, side="right")
    # An item at random within the theme, so that makers of more items have more followers.
    items = first + (rng.random(len(who)) * (last - first)).astype(np.int64)
    return Follows.of(who, catalog.makers[items], int(catalog.makers[-1]) + 1)


def followed_people(people: People, seed: int) -> Follows:
    """Let each person follow others, four of five of whom care most for the same interest."""
    rng = stream(seed, "people followed")
    n = len(people)
    top = people.tastes.argmax(axis=1)
    order = np.argsort(top, kind="stable")
    who = np.repeat(np.arange(n), rng.poisson(5.0, n))
    first = np.searchsorted(top[order], top[who])
    last = np.searchsorted(top[order], top[who], side="right")
    alike = order[first + (rng.random(len(who)) * (last - first)).astype(np.int64)]
    others = np.where(rng.random(len(who)) < 0.8, alike, rng.integers(0, max(n, 1), len(who)))
    kept = others != who
    return Follows.of(who[kept], others[kept], max(n, 1))
