"""What a person has begun: the rest of it, or the next episode of its series."""

from __future__ import annotations

from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from crossrec.components.consumption import DAY
from crossrec.components.episodes import Episodes
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import EventType
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.base import not_fitted
from crossrec_collaborative.baskets.words import ago
from crossrec_collaborative.shelves.lists import Lists, ListSource, Past, columns_of


class ContinuationConfig(Settings):
    """Settings of `continuation`.

    Attributes
    ----------
    series : str
        Field that says which series an item is of.
    season : str
        Field with the number of the season; without one it is the first.
    episode : str
        Field with the number in the season.
    began : float
        From this portion on an item counts as begun.
    finished : float
        From this portion on it counts as finished, and the next episode takes its place.
    days : float
        What was left alone for so many days is not proposed; without a clock nothing is too old.
    """

    series: str = "series_id"
    season: str = "season_number"
    episode: str = "episode_number"
    began: Annotated[float, Field(ge=0, le=1)] = 0.1
    finished: Annotated[float, Field(gt=0, le=1)] = 0.9
    days: Annotated[float, Field(gt=0)] = 60.0


class Step(NamedTuple):
    """Where one person stands in one series, or in an item of none.

    Attributes
    ----------
    item : int
        What was watched last there.
    at : int
        Position of that event in the histories.
    portion : float
        How much of it was watched; 1 for all of it.
    """

    item: int
    at: int
    portion: float


class Continuation(ListSource):
    """What was begun and not finished and, behind a finished episode, the next unwatched one.

    One item of each series, the latest first. How far an item was watched is read from events whose
    type has a portion as its value: their weight is that share of the strength. An event that
    consumes its item for good finishes it; others (a click) do neither. Where only items are
    known, as on a surface about an item, they count as finished.
    """

    name: ClassVar[str] = "continuation"

    def __init__(self, config: ContinuationConfig | None = None) -> None:
        self.config = config or ContinuationConfig()
        self._n_items: int | None = None
        self._episodes: Episodes | None = None
        self._strength = np.zeros(0)
        self._ends = np.zeros(0, dtype=bool)

    @property
    def n_items(self) -> int:
        """Number of items that the source knows."""
        if self._n_items is None:
            raise not_fitted(self.name)
        return self._n_items

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Put the episodes in order, and see which event types say how far somebody came."""
        self._strength, self._ends = _effects(dataset.event_types)
        self._read(dataset.catalog)

    def add_items(self, dataset: Dataset) -> None:
        """Put new episodes in their places."""
        self._read(dataset.catalog)

    def state(self) -> State:
        """Return what event types mean; the order of the episodes is the catalogue's."""
        arrays = {"strength": self._strength, "ends": self._ends}
        return State(arrays, {"items": self.n_items})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what event types mean, and put the episodes in order again."""
        self._strength = np.asarray(state.arrays["strength"])
        self._ends = np.asarray(state.arrays["ends"])
        self._read(catalog)

    def _read(self, catalog: Catalog) -> None:
        config = self.config
        self._n_items = len(catalog)
        self._episodes = Episodes.of(
            columns_of(catalog), config.series, config.season, config.episode
        )

    def _lists(self, queries: QueryBatch) -> Lists:
        past = Past.of(queries, self.n_items)
        portions = self._portions(past)
        rows: list[list[int]] = []
        steps: list[Step] = []
        for row in range(len(queries)):
            found = self._next(past, portions, row)
            rows.append(list(found))
            steps += found.values()
        length = past.items.lengths
        row_of = past.items.row_of
        start = past.items.from_start()
        at = np.array([step.at for step in steps], dtype=np.int64)
        score = (start[at] + 1.0) / (length[row_of[at]] + 1.0)
        items = Ragged.from_rows(rows)

        def say(place: int) -> Evidence:
            step = steps[place]
            days = None if past.ages is None else float(past.ages[step.at]) / DAY
            return _in_words(int(items.values[place]), step, days)

        return Lists(items, score, say)

    def _portions(self, past: Past) -> NDArray[np.float64]:
        """Return how much of its item each event says was watched; NaN where it says nothing."""
        types = past.types
        declared = (types >= 0) & (types < len(self._strength)) & ~np.isnan(past.weights)
        known = np.where(declared, types, 0)
        if not len(self._strength):
            return np.ones(len(types))
        strength = self._strength[known]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(strength > 0, past.weights / strength, np.nan)
        share = np.where(self._ends[known], 1.0, share)
        return np.where(declared, share, 1.0)

    def _next(self, past: Past, portions: NDArray[np.float64], row: int) -> dict[int, Step]:
        """Return what goes on for one query: item → the step that it follows, distinct items."""
        config, episodes = self.config, self._episodes
        begin, end = past.items.indptr[row : row + 2].tolist()
        done: set[int] = set()
        steps: dict[int, Step] = {}
        for at in range(begin, end):
            item, portion = int(past.items.values[at]), float(portions[at])
            if not portion >= config.began:
                continue
            if portion >= config.finished:
                done.add(item)
            code = -1 if episodes is None else int(episodes.series[item])
            # Of no series: an entry of its own.
            steps[code if code >= 0 else -1 - item] = Step(item, at, portion)
        found: dict[int, Step] = {}
        for code, step in steps.items():
            if past.ages is not None and past.ages[step.at] > config.days * DAY:
                continue
            item = step.item
            if step.portion >= config.finished:
                item = self._after(code, step.item, done)
            if item >= 0:
                found[item] = step
        return found

    def _after(self, code: int, item: int, done: set[int]) -> int:
        """Return the first episode behind an item that is not finished; -1 for none."""
        episodes = self._episodes
        if episodes is None or code < 0 or episodes.place[item] < 0:
            return -1
        later = episodes.order[episodes.place[item] + 1 : episodes.bounds[code + 1]]
        return next((one for one in later.tolist() if one not in done), -1)


def _effects(types: tuple[EventType, ...]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the strength of types that say a portion, else 0, and which types end an item."""
    strength = [one.strength if one.value == "portion" else 0.0 for one in types]
    ends = [one.consumes == "hard" and one.value != "portion" for one in types]
    return np.array(strength, dtype=np.float64), np.array(ends, dtype=bool)


def _in_words(item: int, step: Step, days: float | None) -> Evidence:
    """Return ``"40% watched yesterday"``, or ``"next episode after"`` and what was finished."""
    if item != step.item:
        return Evidence("next episode after", (step.item,), (1.0,))
    when = "" if days is None else f" {ago(days)}"
    return Evidence(f"{step.portion:.0%} watched{when}", values={"portion": round(step.portion, 3)})
