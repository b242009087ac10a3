"""The log of a world: sessions of everybody, a round of sessions at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossrec.simulation.draws import stream
from crossrec.simulation.lists import Lists
from crossrec.simulation.responses import Place, Responses, responses

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400.0
#: How busy the hours of a day and the days of a week from Monday are.
_HOURS = np.array([3, 2, 1, 1, 1, 2, 4, 6, 6, 6, 6, 7, 8, 7, 6, 6, 7, 8, 10, 12, 13, 12, 9, 5])
_WEEK = np.array([1.0, 1.0, 1.0, 1.0, 1.2, 1.5, 1.4])


@dataclass(frozen=True, eq=False)
class History:
    """What was shown to everybody and what came of it.

    Attributes
    ----------
    responses : Responses
        A row for each list, sorted by person and time.
    last : int64 array, shape (n,)
        The item that the person had clicked last before the list; -1 for none.
    propensities : float64 array, shape (n, k)
        The probability that the item stood at its position, given the items of its list.
    """

    responses: Responses
    last: NDArray[np.int64]
    propensities: NDArray[np.float64]

    def impressions(self) -> pd.DataFrame:
        """Return a row for each item shown.

        Returns
        -------
        pandas.DataFrame
            ``session``, ``person``, ``item`` (indexes), ``position`` from 0, ``time``,
            ``propensity`` and ``clicked``.
        """
        import pandas as pd

        shown = self.responses
        rows, at = np.nonzero(shown.items >= 0)
        return pd.DataFrame(
            {
                "session": rows,
                "person": shown.people[rows],
                "item": shown.items[rows, at],
                "position": at,
                "time": shown.times[rows],
                "propensity": self.propensities[rows, at],
                "clicked": shown.clicked[rows, at],
            }
        )

    def events(self) -> pd.DataFrame:
        """Return the reactions, as `Responses.events` does."""
        return self.responses.events()


def lived(
    place: Place, activity: NDArray[np.float64], start: float, days: float, sessions: float
) -> History:
    """Show lists to everybody; see `World.live`. Python-level work is one step for each round."""
    rng = stream(place.seed, "history", place.setting.name)
    people, times, rounds = _sessions(rng, activity, start, days, sessions)
    shape = (len(people), place.setting.list_length)
    lists = Lists(place, rng)
    items, propensities = np.full(shape, -1), np.ones(shape)
    latest = np.full(len(activity), -1)
    before = np.full(len(people), -1)
    for rows in rounds:
        who = people[rows]
        before[rows] = latest[who]
        items[rows], propensities[rows] = lists.draw(who, times[rows], latest[who])
        done = responses(place, who, items[rows], times[rows], latest[who])
        lists.remember(who, done)
        any_click = done.clicked.any(axis=1)
        final = shape[1] - 1 - done.clicked[:, ::-1].argmax(axis=1)
        clicked = done.items[np.arange(len(who)), final]
        latest[who[any_click]] = clicked[any_click]
    return History(responses(place, people, items, times, before), before, propensities)


def _sessions(
    rng: np.random.Generator,
    activity: NDArray[np.float64],
    start: float,
    days: float,
    sessions: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[NDArray[np.int64]]]:
    """Draw who has sessions when, sorted by person and time, and the rows of each round."""
    counts = rng.poisson(sessions * activity)
    people = np.repeat(np.arange(len(activity)), counts)
    times = np.floor(start + _moments(rng, start, days, len(people)))
    times = times[np.lexsort((times, people))]
    number = np.arange(len(people)) - np.repeat(np.cumsum(counts) - counts, counts)
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number)) if len(number) else np.zeros(0, dtype=np.int64)
    return people, times, np.split(order, ends[:-1]) if len(ends) else []


def _moments(rng: np.random.Generator, start: float, days: float, n: int) -> NDArray[np.float64]:
    """Draw seconds after `start`, more of them in busy hours and on busy days of the week."""
    hours = np.arange(max(1, int(np.ceil(days * 24))))
    at = start / 3600 + hours
    # 1970-01-01 was a Thursday.
    busy = _HOURS[(at % 24).astype(int)] * _WEEK[((at // 24 + 3) % 7).astype(int)]
    total = np.cumsum(busy)
    hour = np.searchsorted(total, rng.random(n) * total[-1], side="right")
    moments: NDArray[np.float64] = np.minimum((hour + rng.random(n)) * 3600, days * _DAY - 1)
    return moments
