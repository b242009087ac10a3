"""What has come lately, nearest to the taste of the history."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from crossrec.components.consumption import DAY
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import IntArray, Ragged
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.baskets.words import ago
from crossrec_collaborative.shelves.arrivals import (
    ArrivalSettings,
    DatedSource,
    Dates,
    arrivals_of,
    new_items,
    with_new_items,
)
from crossrec_collaborative.shelves.lists import CREATOR, Lists, columns_of


class NewestConfig(ArrivalSettings):
    """Settings of `newest`.

    Attributes
    ----------
    half_life_days : float
        Age at which an item counts half as much as the newest one.
    taste : float
        How many times more an item counts whose categories and creator the whole history shares; 0
        orders by date alone.
    """

    half_life_days: Annotated[float, Field(gt=0)] = 15.0
    taste: Annotated[float, Field(ge=0)] = 10.0


class Newest(DatedSource):
    """Score = ``0.5 ** (age / half_life) * (1 + taste * match)``, age since the newest item.

    `match` is half the share of the history that has the item's most frequent category, and half
    that of its creator.
    """

    name: ClassVar[str] = "newest"

    def __init__(self, config: NewestConfig | None = None) -> None:
        self.config = config or NewestConfig()
        self._columns: tuple[Ragged, ...] = ()

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Read dates, categories and creators."""
        self._read(arrivals_of(dataset, self.config.fields), dataset.catalog)

    def add_items(self, dataset: Dataset) -> None:
        """Take in new items: what has no date has come just now."""
        dates = with_new_items(self.dates, dataset.catalog, self.config.fields)
        self._read(dates, dataset.catalog)

    def state(self) -> State:
        """Return the dates."""
        return State({"dates": self.dates})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back the dates; what items are is read from the catalogue."""
        self._read(np.asarray(state.arrays["dates"]), catalog)

    def _read(self, dates: Dates, catalog: Catalog) -> None:
        columns = columns_of(catalog)
        self._dates = dates
        self._columns = tuple(columns.entities(name).codes for name in ("categories", CREATOR))

    def _lists(self, queries: QueryBatch) -> Lists:
        config, dates = self.config, self.dates
        seeds = queries.seeds.within(len(dates))
        rows, ages, scores = [], [], []
        for row in range(len(queries)):
            now = np.inf if queries.now is None else float(queries.now[row])
            found = new_items(dates, now, config.days)[: config.most]
            age = (dates[found].max(initial=-np.inf) - dates[found]) / DAY
            match = self._match(seeds.row(row), found)
            rows.append(found)
            ages.append(age if np.isinf(now) else (now - dates[found]) / DAY)
            scores.append(np.power(0.5, age / config.half_life_days) * (1 + config.taste * match))
        days = np.concatenate([np.zeros(0), *ages])

        def say(at: int) -> Evidence:
            when = ago(float(days[at]))
            return Evidence(f"new: came {when}", values={"days": round(float(days[at]), 1)})

        # What is ages old still has a score.
        score = np.maximum(np.concatenate([np.zeros(0), *scores]), 1e-30)
        return Lists(Ragged.from_rows(rows), score, say)

    def _match(self, history: IntArray, items: IntArray) -> NDArray[np.float64]:
        """Return how much of a history the items share, float64 (n,), from 0 to 1."""
        total = np.zeros(len(items))
        for codes in self._columns:
            if not len(history) or not len(codes.values):
                continue
            width = int(codes.values.max()) + 1
            share = np.bincount(codes.take(history).values, minlength=width) / len(history)
            own = codes.take(items)
            best = np.zeros(len(items))
            np.maximum.at(best, own.row_of, share[own.values])
            total += best / len(self._columns)
        return np.minimum(total, 1.0)
