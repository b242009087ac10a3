"""A person's own items: what was seen last, or most often lately."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from crossrec.components.consumption import DAY
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import Ragged
from pydantic import Field

from crossrec_collaborative.base import not_fitted
from crossrec_collaborative.baskets.words import ago
from crossrec_collaborative.shelves.lists import Lists, ListSource, Past, last_and_count


class OwnHistoryConfig(Settings):
    """Settings of `own-history`.

    Attributes
    ----------
    order : {"recent", "count"}
        The latest item first, or the one with the most events, of equal ones the latest.
    days : float
        Events of the last so many days alone; 0 for all. Without a clock all count.
    least : int
        Items with fewer events are left out.
    """

    order: Literal["recent", "count"] = "recent"
    days: Annotated[float, Field(ge=0)] = 0.0
    least: Annotated[int, Field(ge=1)] = 1


class OwnHistory(ListSource):
    """The items of the history itself, which a surface shows with ``consumed = "keep"``.

    It learns nothing but how many items there are: what somebody did a moment ago counts.
    """

    name: ClassVar[str] = "own-history"

    def __init__(self, config: OwnHistoryConfig | None = None) -> None:
        self.config = config or OwnHistoryConfig()
        self._n_items: int | None = None

    @property
    def n_items(self) -> int:
        """Number of items that the source knows."""
        if self._n_items is None:
            raise not_fitted(self.name)
        return self._n_items

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Take in the items."""
        self._n_items = dataset.n_items

    def add_items(self, dataset: Dataset) -> None:
        """Take in new items."""
        self._n_items = dataset.n_items

    def state(self) -> State:
        """Return the number of items."""
        return State({}, {"items": self.n_items})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back the number of items."""
        self._n_items = int(state.values["items"])

    def _lists(self, queries: QueryBatch) -> Lists:
        config, n = self.config, self.n_items
        past = Past.of(queries, n)
        if config.days and past.ages is not None:
            past = past.where(past.ages <= config.days * DAY)
        events = past.items
        last, counts = last_and_count(events, n)
        enough = counts >= config.least
        last, counts = last[enough], counts[enough]
        rows = events.row_of[last]
        # Below 1: the place of the last event counts only among equal numbers.
        late = (events.from_start()[last] + 1.0) / (events.lengths[rows] + 1.0)
        since = None if past.ages is None else past.ages[last] / DAY

        def say(at: int) -> Evidence:
            return _in_words(int(counts[at]), None if since is None else float(since[at]))

        items = Ragged.grouped(rows, events.values[last], len(queries))
        often = np.zeros(len(late)) if config.order == "recent" else counts.astype(np.float64)
        return Lists(items, often + late, say)


def _in_words(times: int, days: float | None) -> Evidence:
    """Return ``"yours: 3 times, last yesterday"``."""
    often = {1: "once", 2: "twice"}.get(times, f"{times} times")
    if days is None:
        return Evidence(f"yours: {often}", values={"times": times})
    values = {"times": times, "days": round(days, 1)}
    return Evidence(f"yours: {often}, last {ago(days)}", values=values)
