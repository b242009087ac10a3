"""People with latent tastes, the same in every scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.simulation.draws import stream
from crossrec.simulation.settings import Setting, Theme

#: Shape of the gamma draws behind a taste: low, so that people care for a few interests.
_CONCENTRATION = 0.35


@dataclass(frozen=True, eq=False)
class People:
    """Who lives in a world.

    Attributes
    ----------
    interests : tuple of str
        Sorted; the columns of `tastes`.
    tastes : float64 array, shape (n, len(interests))
        Rows add up to 1.
    activity : float64 array, shape (n,)
        Sessions of a person relative to others; the mean is about 1.
    thrift : float64 array, shape (n,)
        How much a high price puts a person off, 0 or more.
    """

    interests: tuple[str, ...]
    tastes: NDArray[np.float64]
    activity: NDArray[np.float64]
    thrift: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.tastes)

    @classmethod
    def generate(cls, settings: Sequence[Setting], n: int, seed: int) -> People:
        """Draw `n` people who have a taste for every interest that a theme names."""
        themes = [theme for setting in settings for theme in setting.themes]
        interests = tuple(sorted({name for theme in themes for name in theme.interests}))
        rng = stream(seed, "people")
        tastes = rng.gamma(_CONCENTRATION, size=(n, len(interests))) + 1e-6
        return cls(
            interests=interests,
            tastes=tastes / tastes.sum(axis=1, keepdims=True),
            activity=rng.lognormal(-0.18, 0.6, n),
            thrift=rng.gamma(2.0, 0.4, n),
        )

    def affinities(self, themes: Sequence[Theme]) -> NDArray[np.float64]:
        """Return how much each person likes each theme, 0 to 1, the best one of a person 1.

        Returns
        -------
        float64 array, shape (n, len(themes))
        """
        columns = {name: i for i, name in enumerate(self.interests)}
        weights = np.zeros((len(self.interests), len(themes)))
        for at, theme in enumerate(themes):
            for name, weight in theme.interests.items():
                weights[columns[name], at] = weight
        fit: NDArray[np.float64] = self.tastes @ (weights / weights.sum(axis=0))
        fit /= fit.max(axis=1, keepdims=True)
        return fit
