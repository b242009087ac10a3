"""What people do with lists: they look at a position, click an item that attracts them, react.

The position-based model: a click is examination times attraction (Richardson, Dominowska and Ragno,
2007; Craswell et al., 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from crossrec.simulation.catalogs import WorldCatalog
from crossrec.simulation.draws import uniforms
from crossrec.simulation.follows import Follows
from crossrec.simulation.settings import Setting

if TYPE_CHECKING:
    import pandas as pd

#: Seconds from one position of a list to the next, and from a click to the reaction.
_SECONDS_A_POSITION, _SECONDS_TO_REACT = 20.0, 1.0

_T = TypeVar("_T", bound=np.generic)
_YEAR = 365.25 * 86_400.0
#: Effects on the log-odds of a click on an item that is looked at.
_BASE, _FIT, _QUALITY, _PRICE, _FOLLOWED, _NEXT, _SEASON = -2.6, 3.0, 0.7, 0.9, 0.8, 1.5, 0.5


@dataclass(frozen=True, eq=False)
class Place:
    """A scenario with its items and what people think of them.

    Attributes
    ----------
    setting : Setting
    catalog : WorldCatalog
    affinities : float64 array, shape (n people, n themes)
    thrift : float64 array, shape (n people,)
    makers : Follows
        Which people follow which makers.
    seed : int
    """

    setting: Setting
    catalog: WorldCatalog
    affinities: NDArray[np.float64]
    thrift: NDArray[np.float64]
    makers: Follows
    seed: int

    def attraction(
        self,
        people: NDArray[np.int64],
        items: NDArray[np.int64],
        times: NDArray[np.float64],
        last: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return the probability of a click on an item that is looked at.

        All arrays have one shape; `last` is the item clicked last, -1 for none.
        """
        catalog = self.catalog
        themes = catalog.themes[items]
        odds = _BASE + _FIT * self.affinities[people, themes] + _QUALITY * catalog.quality[items]
        if self.setting.price is not None:
            odds -= (
                _PRICE * self.thrift[people] * np.log(catalog.prices[items] / self.setting.price)
            )
        odds += _FOLLOWED * self.makers.has(people, catalog.makers[items])
        odds += _NEXT * catalog.follows(items, last)
        odds += _SEASON * np.cos(2 * np.pi * (times / _YEAR - catalog.phases[themes]))
        attraction: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
        return attraction

    def examination(self) -> NDArray[np.float64]:
        """Return the probability that a position is looked at, shape (list length,)."""
        return examination(self.setting.list_length, self.setting.steepness)


def examination(length: int, steepness: float) -> NDArray[np.float64]:
    """Return ``(1 + p) ** -steepness`` for the positions from 0."""
    looked: NDArray[np.float64] = np.arange(1.0, length + 1) ** -steepness
    return looked


@dataclass(frozen=True, eq=False)
class Responses:
    """Shown lists, one row each, and what was done with them.

    Attributes
    ----------
    place : Place
    people : int64 array, shape (n,)
    items : int64 array, shape (n, k)
        In the order of the list; -1 after its end.
    times : float64 array, shape (n,)
        When a list was shown.
    attraction : float64 array, shape (n, k)
        Probability of a click if looked at; 0 after the end of a list.
    looked, clicked : bool arrays, shape (n, k)
    liking : float64 array, shape (n, k)
        0 to 1: how well the item is liked once it is clicked.
    """

    place: Place
    people: NDArray[np.int64]
    items: NDArray[np.int64]
    times: NDArray[np.float64]
    attraction: NDArray[np.float64]
    looked: NDArray[np.bool_]
    clicked: NDArray[np.bool_]
    liking: NDArray[np.float64]

    def events(self) -> pd.DataFrame:
        """Return the reactions to what was clicked, sorted by person and time.

        Returns
        -------
        pandas.DataFrame
            ``person``, ``item`` (indexes), ``event_type``, ``time`` and ``value``.
        """
        import pandas as pd

        rows, at = np.nonzero(self.clicked)
        who, what, liking = self.people[rows], self.items[rows, at], self.liking[rows, at]
        when = self.times[rows] + _SECONDS_A_POSITION * at + _SECONDS_TO_REACT
        seed, setting = self.place.seed, self.place.setting
        parts = []
        for number, reaction in enumerate(setting.reactions):
            luck = uniforms(seed, f"{setting.name} reaction {number}", who, what, self.times[rows])
            done = (liking >= reaction.least) & (liking <= reaction.most) & (luck < reaction.share)
            carried = {"liking": np.round(liking, 2), "price": self.place.catalog.prices[what]}
            value = carried[reaction.value] if reaction.value else np.full(len(who), np.nan)
            columns = {"person": who, "item": what, "time": when, "value": value}
            part = pd.DataFrame({name: column[done] for name, column in columns.items()})
            parts.append(part.assign(event_type=reaction.event_type))
        events = pd.concat(parts, ignore_index=True)
        order = np.lexsort((events["time"], events["person"]))
        return events.iloc[order].reset_index(drop=True)


def responses(
    place: Place,
    people: NDArray[np.int64],
    items: NDArray[np.int64],
    times: NDArray[np.float64],
    last: NDArray[np.int64],
) -> Responses:
    """Show a list to each of `people`; arrays as in `Responses`, `last` of shape (n,).

    An item is looked at and clicked by draws of its own: they change neither with the other items
    of the list nor with other lists.
    """
    shown = items >= 0
    rows, at = np.nonzero(shown)
    who, what, when = people[rows], items[rows, at], times[rows]
    name = place.setting.name
    attracted = place.attraction(who, what, when, last[rows])
    seen = examination(items.shape[1], place.setting.steepness)[at]
    looked = uniforms(place.seed, f"{name} looked", who, what, when) < seen
    clicked = looked & (uniforms(place.seed, f"{name} clicked", who, what, when) < attracted)
    noise = uniforms(place.seed, f"{name} liking", who, what, when) - 0.5
    fit = place.affinities[who, place.catalog.themes[what]]
    liking = 0.25 + 0.55 * fit + 0.1 * place.catalog.quality[what] + 0.4 * noise

    def spread(values: NDArray[_T]) -> NDArray[_T]:
        whole = np.zeros(items.shape, dtype=values.dtype)
        whole[rows, at] = values
        return whole

    return Responses(
        place,
        people,
        items,
        times,
        spread(attracted),
        spread(looked),
        spread(clicked),
        spread(np.clip(liking, 0, 1)),
    )
