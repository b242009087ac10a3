"""Items that are close to each other in people's histories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.errors import ConfigError, RefitNeededError
from crossrec.numeric.ragged import offsets
from crossrec.numeric.sparse import strongest_per_row
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.costs import covisitation_cost
from crossrec_collaborative.item_source import ItemSettings, ItemSource
from crossrec_collaborative.pairs import PairCounts, count_pairs
from crossrec_collaborative.relations import SparseRelation, in_memory
from crossrec_collaborative.updating import longer

_DAY = 86_400.0


class CovisitationConfig(ItemSettings):
    """Settings of `covisitation`.

    The defaults did best on the validation items of Scientific and ML-1M.

    Attributes
    ----------
    window : int
        Two events form a pair when they are at most this many positions apart in one history.
    distance_decay : float
        Weight of a pair relative to one that is one position closer.
    half_life_days : float or None
        Age at which a pair counts half; needs a clock. None: pairs do not age.
    normalise : bool
        Divide by √(n_i · n_j) + shrinkage, n being the items' events, so that popular items do not
        dominate.
    shrinkage : float
        Lowers the weight of pairs of rare items.
    neighbours : int
        How many of an item's strongest neighbours are kept.
    update_pairs : int
        Where there are at most so many different pairs, all of them are kept, 32 bytes each, and
        new events are learnt without a fit. Of more none is kept, nor where pairs age, and new
        events wait for the next fit.
    """

    window: Annotated[int, Field(ge=1)] = 10
    distance_decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    half_life_days: Annotated[float, Field(gt=0)] | None = None
    normalise: bool = True
    shrinkage: Annotated[float, Field(ge=0)] = 50.0
    neighbours: Annotated[int, Field(ge=1)] = 200
    update_pairs: Annotated[int, Field(ge=0)] = 2_000_000


class Covisitation(ItemSource):
    """Weighted co-occurrence within a window of each history."""

    name: ClassVar[str] = "covisitation"

    def __init__(self, config: CovisitationConfig | None = None) -> None:
        self.config = config or CovisitationConfig()
        super().__init__(self.config)
        self._counts: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._events: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._pairs: PairCounts | None = None

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return covisitation_cost(size, self.config.window)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count pairs.

        Raises
        ------
        ConfigError
            Where `half_life_days` is set and the events have no clock.
        """
        self._set(self._pairs_of(dataset, self._recency(dataset)), dataset.item_counts)

    def update(self, change: EventChange) -> None:
        """Count the pairs of the changed users anew."""
        pairs = self._pairs
        if pairs is None:
            why = (
                "its pairs age (half_life_days is set)"
                if self.config.half_life_days is not None
                else "there were more pairs than "
                f"update_pairs = {self.config.update_pairs:,} when it was fitted"
            )
            raise RefitNeededError(
                f"{self.name} cannot learn new events: {why}; run `crossrec fit`"
            )
        counts = longer(self._events, change.n_items)
        counts += change.after.item_counts - change.before.item_counts
        after, before = self._pairs_of(change.after), self._pairs_of(change.before)
        self._set(pairs.plus(after).minus(before), counts)

    def forget(self, change: EventChange) -> None:
        """Take the events of the users out of the counts."""
        self.update(change)

    def state(self) -> State:
        """Return the weights and the plain counts behind them, and all pairs where kept."""
        arrays = {**self.relation.arrays(), "counts": self._counts}
        if self._pairs is not None:
            arrays |= {"events": self._events, **self._pairs.arrays()}
        return State(arrays)

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned."""
        super().restore(state, catalog)
        self._counts = in_memory(state.arrays["counts"])
        self._pairs = None
        if "events" in state.arrays:
            self._events = np.asarray(state.arrays["events"])
            self._pairs = PairCounts.from_arrays(state.arrays)

    def _pairs_of(
        self, dataset: Dataset, event_mass: NDArray[np.float64] | None = None
    ) -> PairCounts:
        return count_pairs(
            dataset.sequences,
            dataset.n_items,
            window=self.config.window,
            decay=self.config.distance_decay,
            event_mass=event_mass,
        )

    def _set(self, pairs: PairCounts, item_counts: NDArray[np.int64]) -> None:
        """Relate the items of all pairs, and keep what an update needs."""
        self._relation, self._counts = self._related(pairs, item_counts)
        ageless = self.config.half_life_days is None
        keep = ageless and len(pairs.first) <= self.config.update_pairs
        self._pairs, self._events = (pairs, item_counts) if keep else (None, item_counts[:0])

    def _recency(self, dataset: Dataset) -> NDArray[np.float64] | None:
        half_life = self.config.half_life_days
        if half_life is None:
            return None
        if not dataset.has_clock:
            raise ConfigError(
                "covisitation: half_life_days needs events with real times; leave it out"
            )
        times = dataset.interactions.times
        age = (times.max(initial=-np.inf) - times) / _DAY
        recency: NDArray[np.float64] = np.power(0.5, age / half_life)
        return recency

    def _related(
        self, pairs: PairCounts, item_counts: NDArray[np.int64]
    ) -> tuple[SparseRelation, NDArray[np.int64]]:
        """Return both directions of the pairs as rows of the strongest neighbours."""
        weight = pairs.mass
        if self.config.normalise:
            size = np.sqrt(item_counts[pairs.first] * item_counts[pairs.second].astype(float))
            weight = weight / (size + self.config.shrinkage)
        rows = np.concatenate([pairs.first, pairs.second])
        columns = np.concatenate([pairs.second, pairs.first])
        order = np.lexsort((columns, rows))
        data = np.concatenate([weight, weight])[order].astype(np.float32)
        indptr = offsets(np.bincount(rows, minlength=len(item_counts)))
        indptr, kept = strongest_per_row(indptr, data, self.config.neighbours)
        relation = SparseRelation(indptr, columns[order][kept].astype(np.int32), data[kept])
        return relation, np.concatenate([pairs.count, pairs.count])[order][kept]

    def _cells(
        self, items: NDArray[np.int64], index: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        relation = self.relation
        assert isinstance(relation, SparseRelation)
        weights, counts = relation.cells(items, index, relation.data, self._counts)
        return weights, counts

    def _words(self, counts: Sequence[int] | None) -> str:
        if counts is None:
            return self._phrase
        times = sum(counts)
        often = "once" if times == 1 else f"{times} times"
        such = "with" if len(counts) == 1 else "with items such as"
        return f"chosen together {often} {such}"
