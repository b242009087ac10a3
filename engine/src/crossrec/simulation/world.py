"""A generated world: people, the catalogs of several scenarios, and what they do with lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from crossrec.errors import UsageError, nearest
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

        Raises
        ------
        UsageError
            Where there is no such scenario, person or item, no item at all, or no time.
        """
        place = self._place(scenario)
        lists = np.asarray(items, dtype=np.int64).reshape(1, -1)
        if not lists.size:
            raise UsageError("the list is empty: give at least one item")
        if not 0 <= person < len(self.people):
            raise UsageError(f"there is no person {person}: give 0 to {len(self.people) - 1}")
        for item in (lists.min(), lists.max()):
            if not 0 <= item < len(place.catalog):
                raise UsageError(f"there is no item {item}: give 0 to {len(place.catalog) - 1}")
        if not -1 <= last < len(place.catalog):
            raise UsageError(f"there is no last item {last}: give -1 for none")
        if not np.isfinite(now):
            raise UsageError(f"now is {now}: give seconds since 1970")
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
        place = self._place(scenario)
        return lived(place, self.people.activity, self.start, days, sessions)

    def items(self, scenario: str) -> pd.DataFrame:
        """Return the items of a scenario as a table, as `crossrec.ingest` reads it."""
        place = self._place(scenario)
        return place.catalog.frame(place.setting)

    def events(self, scenario: str, *, days: float, sessions: float = 8.0) -> pd.DataFrame:
        """Return the reactions of `live` in ids, as `crossrec.ingest` reads them.

        Returns
        -------
        pandas.DataFrame
            ``user_id`` (``u1`` for person 0, the same in every scenario), ``item_id``,
            ``event_type``, ``time`` and ``value``, sorted by person and time.
        """
        log = self.live(scenario, days=days, sessions=sessions).events()
        log["user_id"] = "u" + (log["person"] + 1).astype(str)
        log["item_id"] = self.items(scenario)["item_id"].to_numpy()[log["item"]]
        return log[["user_id", "item_id", "event_type", "time", "value"]]

    def _place(self, scenario: str) -> Place:
        """Return the scenario of a name."""
        if scenario not in self.places:
            meant = nearest(scenario, self.places) or ", ".join(self.places)
            raise UsageError(f"the world has no scenario {scenario!r}; did you mean {meant}?")
        return self.places[scenario]
