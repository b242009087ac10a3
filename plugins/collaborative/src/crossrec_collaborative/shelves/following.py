"""The newest items of creators whom a person follows: authors, artists, channels."""

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
from crossrec_collaborative.shelves.lists import (
    CREATOR,
    Lists,
    Past,
    columns_of,
    follow_types,
)


class FollowingConfig(ArrivalSettings):
    """Settings of `following`.

    Attributes
    ----------
    events : int
        Creators of so many items of the history count as followed too; 0 for none.
    """

    events: Annotated[int, Field(ge=0)] = 0


class Following(DatedSource):
    """Items of followed creators in reverse time.

    Followed are the creators of the items on which an event was made that is positive and that the
    scenario declares to act on a relation (``follow_author``). The history has none that a later
    event has undone. The list is shorter where a creator has gone silent.
    """

    name: ClassVar[str] = "following"

    def __init__(self, config: FollowingConfig | None = None) -> None:
        self.config = config or FollowingConfig()
        self._follows = np.zeros(0, dtype=np.int64)
        self._creators = Ragged.empty(0)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Read dates and creators, and which events follow."""
        self._follows = follow_types(dataset.event_types)
        self._read(arrivals_of(dataset, self.config.fields), dataset.catalog)

    def add_items(self, dataset: Dataset) -> None:
        """Take in new items: what has no date has come just now."""
        dates = with_new_items(self.dates, dataset.catalog, self.config.fields)
        self._read(dates, dataset.catalog)

    def state(self) -> State:
        """Return the dates, and which events follow."""
        return State({"dates": self.dates, "follows": self._follows})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back dates and events; creators are read from the catalogue."""
        self._follows = np.asarray(state.arrays["follows"])
        self._read(np.asarray(state.arrays["dates"]), catalog)

    def _read(self, dates: Dates, catalog: Catalog) -> None:
        self._dates = dates
        self._creators = columns_of(catalog).entities(CREATOR).codes

    def _lists(self, queries: QueryBatch) -> Lists:
        config, dates = self.config, self.dates
        past = Past.of(queries, len(dates))
        rows, ages, causes = [], [], []
        for row in range(len(queries)):
            now = np.inf if queries.now is None else float(queries.now[row])
            cause = self._followed(past, row)
            among = self._items_of(cause)
            found = new_items(dates, now, config.days, among)[: config.most]
            rows.append(found)
            causes += [cause[self._code(item, cause)] for item in found.tolist()]
            ages.append((now - dates[found]) / DAY)
        items = Ragged.from_rows(rows)
        days = np.concatenate([np.zeros(0), *ages])
        # The same scale for all queries: an item's place in time among all items.
        place = np.searchsorted(np.sort(dates[~np.isnan(dates)]), dates[items.values], side="right")

        def say(at: int) -> Evidence:
            return _in_words(causes[at], float(days[at]))

        return Lists(items, place / max(len(dates), 1), say)

    def _followed(self, past: Past, row: int) -> dict[int, int]:
        """Return the creators whom one query follows: code → the last item that says so."""
        begin, end = past.items.indptr[row : row + 2].tolist()
        items = past.items.values[begin:end]
        direct = np.isin(past.types[begin:end], self._follows)
        found = {code: item for item in items[direct].tolist() for code in self._codes(item)}
        if not self.config.events:
            return found
        named = self._creators.take(items)
        codes, counts = np.unique(named.values, return_counts=True)
        often = set(codes[counts >= self.config.events].tolist())
        known = {code: item for item in items.tolist() for code in self._codes(item)}
        return {**{code: known[code] for code in sorted(often)}, **found}

    def _codes(self, item: int) -> list[int]:
        codes: list[int] = self._creators.row(item).tolist()
        return codes

    def _code(self, item: int, followed: dict[int, int]) -> int:
        """Return the first creator of an item that is followed."""
        return next(code for code in self._codes(item) if code in followed)

    def _items_of(self, followed: dict[int, int]) -> IntArray:
        """Return the items of these creators, int64, ascending."""
        codes: NDArray[np.int64] = np.array(sorted(followed), dtype=np.int64)
        return np.unique(self._creators.row_of[np.isin(self._creators.values, codes)])


def _in_words(cause: int, days: float) -> Evidence:
    """Return ``"came yesterday, by the maker of"`` and the item on which the creator was met."""
    if not np.isfinite(days):
        return Evidence("by the maker of", (cause,), (1.0,))
    return Evidence(
        f"came {ago(days)}, by the maker of", (cause,), (1.0,), {"days": round(days, 1)}
    )
