"""A generated world: people, the catalogs of several scenarios, and what they do with lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from crossrec.simulation.catalogs import WorldCatalog
from crossrec.simulation.follows import Follows, followed_makers, followed_people
from crossrec.simulation.history import History, lived
from crossrec.simulation.people import People
from crossrec.simulation.responses import Place, Responses, responses
from crossrec.simulation.settings import Setting

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class World:
    """People who share their tastes over scenarios.

    What a person does with a list depends on the world's seed, the person, the items, their
    positions and the time, never on what was requested before.

    Attributes
    ----------
    people : People
    follows : Follows
        Which people follow which.
    places : mapping of str to Place
        The scenarios by name.
    start : float
        Seconds since 1970.
    seed : int
    """

    people: People
    follows: Follows
    places: Mapping[str, Place]
    start: float
    seed: int

    @classmethod
    def generate(
        cls,
        settings: Sequence[Setting],
        *,
        n_people: int,
        n_items: int,
        start: float = 1_767_571_200.0,
        seed: int = 0,
    ) -> World:
        """Draw a world of `n_people`, and `n_items` in each scenario.

        Raises
        ------
        ValueError
            Where nobody lives there, a scenario comes twice, or has more themes than items.
        """
        if n_people < 1 or len({one.name for one in settings}) != len(settings) or not settings:
            raise ValueError("a world needs people, and scenarios with different names")
        people = People.generate(settings, n_people, seed)
        places = {}
        for setting in settings:
            catalog = WorldCatalog.generate(setting, n_items, start, seed)
            affinities = people.affinities(setting.themes)
            makers = followed_makers(people, catalog, affinities, seed, setting.name)
            places[setting.name] = Place(setting, catalog, affinities, people.thrift, makers, seed)
        return cls(people, followed_people(people, seed), places, start, seed)

    def respond(
        self, scenario: str, person: int, items: ArrayLike, now: float, *, last: int = -1
    ) -> Responses:
        """Return what a person would do with a list.

        Parameters
        ----------
        items : array-like of int, shape (k,)
            Item indexes in the order of the list.
        now : float
            Seconds since 1970.
        last : int
            The item clicked last, after which the next part of a series is wanted; -1 for none.
        """
        place = self.places[scenario]
        lists = np.asarray(items, dtype=np.int64)[None, :]
        return responses(place, np.array([person]), lists, np.array([now], float), np.array([last]))

    def live(self, scenario: str, *, days: float, sessions: float = 8.0) -> History:
        """Let everybody live with a recommender that is better than chance; return the log.

        Parameters
        ----------
        days : float
            Length of the log from the world's start.
        sessions : float
            Lists shown to a person, on average.
        """
        place = self.places[scenario]
        return lived(place, self.people.activity, self.start, days, sessions)

    def items(self, scenario: str) -> pd.DataFrame:
        """Return the items of a scenario as a table."""
        place = self.places[scenario]
        return place.catalog.frame(place.setting)
