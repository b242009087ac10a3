"""Catalogs of a generated world: series by makers, with titles, prices and release times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossrec.simulation.draws import stream
from crossrec.simulation.settings import Setting

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400.0
#: Series of one maker, so that makers are fewer than series.
_SERIES_OF_MAKER = 3


@dataclass(frozen=True, eq=False)
class WorldCatalog:
    """The items of one scenario, in arrays by item index; all have the shape (n,).

    Attributes
    ----------
    themes : int64 array
        Ascending.
    makers, series, parts : int64 arrays
        The parts of a series, from 0, are neighbours; a maker has several series of one theme.
    appeal : float64 array
        Positive; how often an item is put into lists.
    quality : float64 array
        How much better it is than others, for everybody; 0 on average.
    prices : float64 array
        NaN where nothing is sold.
    created : float64 array
        Seconds since 1970.
    phases : float64 array, shape (number of themes,)
        Part of the year, 0 to 1, when a theme is liked most.
    """

    themes: NDArray[np.int64]
    makers: NDArray[np.int64]
    series: NDArray[np.int64]
    parts: NDArray[np.int64]
    appeal: NDArray[np.float64]
    quality: NDArray[np.float64]
    prices: NDArray[np.float64]
    created: NDArray[np.float64]
    phases: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.themes)

    @classmethod
    def generate(cls, setting: Setting, n: int, start: float, seed: int) -> WorldCatalog:
        """Draw `n` items, at least one for each theme."""
        n_themes = len(setting.themes)
        if n < n_themes:
            raise ValueError(f"{setting.name!r} has {n_themes} themes: it needs as many items")
        rng = stream(seed, "catalog", setting.name)
        themes = np.arange(n) * n_themes // n
        within = np.arange(n) - np.searchsorted(themes, themes)
        series = _numbered(themes, within // setting.parts)
        quality = rng.normal(0, 0.6, n)
        period = setting.release_days * _DAY
        first = rng.uniform(-30 * _DAY, period, n) if period else np.full(n, -30 * _DAY)
        parts = within % setting.parts
        prices = np.full(n, np.nan)
        if setting.price is not None:
            prices = np.maximum(np.round(setting.price * rng.lognormal(0, 0.5, n), 2), 0.01)
        return cls(
            themes=themes,
            makers=_numbered(themes, within // (setting.parts * _SERIES_OF_MAKER)),
            series=series,
            parts=parts,
            appeal=rng.lognormal(0.0, 0.8, n) * np.exp(0.4 * quality),
            quality=quality,
            prices=prices,
            # A part comes out a day after the one before it.
            created=np.floor(start + first[np.arange(n) - parts] + parts * _DAY),
            phases=rng.random(n_themes),
        )

    def follows(self, items: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which items are the next part after `last`, where -1 stands for none."""
        same = self.series[items] == self.series[last]
        following: NDArray[np.bool_] = (last >= 0) & (items == last + 1) & same
        return following

    def frame(self, setting: Setting) -> pd.DataFrame:
        """Return the items as a table of the fields that scenario packages read."""
        import pandas as pd

        columns: dict[str, object] = {
            "item_id": [f"{setting.name[0]}{i + 1}" for i in range(len(self))],
            "title": self._titles(setting),
            "categories": [[setting.themes[theme].name] for theme in self.themes],
            setting.maker_field: self._makers(setting),
            "created_at": self.created,
        }
        if setting.parts > 1:
            columns["episode_number"] = self.parts + 1
        if setting.price is not None:
            columns["price"] = self.prices
        return pd.DataFrame(columns)

    def _titles(self, setting: Setting) -> list[str]:
        """Say a subject and a scene of the theme; where these are used up, count."""
        first = self.series[np.searchsorted(self.themes, self.themes)]
        titles = []
        for theme, number, part in zip(self.themes, self.series - first, self.parts):
            subjects, scenes = setting.themes[theme].subjects, setting.themes[theme].scenes
            turn, at = divmod(int(number), len(subjects) * len(scenes))
            title = f"{subjects[at % len(subjects)]} {scenes[at // len(subjects)]}"
            title += f" {turn + 1}" if turn else ""
            titles.append(f"{title}, Part {part + 1}" if setting.parts > 1 else title)
        return titles

    def _makers(self, setting: Setting) -> list[str]:
        """Name makers after a subject of their theme; where the forms are used up, count."""
        first = self.makers[np.searchsorted(self.themes, self.themes)]
        names = []
        for theme, number in zip(self.themes, self.makers - first):
            own = setting.themes[theme]
            turn, at = divmod(int(number), len(setting.makers) * len(own.subjects))
            form = setting.makers[at % len(setting.makers)]
            subject = own.subjects[at // len(setting.makers)]
            name = form.format(subject=subject, theme=own.name.title())
            names.append(f"{name} {turn + 1}" if turn else name)
        return names


def _numbered(*columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the distinct rows of ascending columns, from 0."""
    changes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        changes[1:] |= np.diff(column) != 0
    return np.cumsum(changes)
