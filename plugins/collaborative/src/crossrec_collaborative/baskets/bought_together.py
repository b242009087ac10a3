"""Items that complement each other: bought together more often than by chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.errors import RefitNeededError
from crossrec.numeric.ragged import offsets
from crossrec.numeric.sparse import strongest_per_row
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.baskets.associations import ItemGroups, PairTable, lowest_log_lift
from crossrec_collaborative.baskets.lines import (
    BasketSettings,
    IntArray,
    lines_of_users,
    purchase_types,
)
from crossrec_collaborative.costs import bought_together_cost
from crossrec_collaborative.item_source import ItemSettings, ItemSource
from crossrec_collaborative.relations import SparseRelation, in_memory


class BoughtTogetherConfig(BasketSettings, ItemSettings):
    """Settings of `bought-together`.

    Attributes
    ----------
    decay, history, last_weight
        How several items are weighed that a list is about; a cart has no order.
    support : int
        Baskets with both items that a pair needs.
    confidence : float
        Standard errors by which the lift must be above chance: 1.64 for 95 % on one side.
    substitute_share : float
        Two items of one leaf category are substitutes, and no pair, unless this share of the rarer
        one's baskets holds both.
    largest_basket : int
        Baskets of more items are left out: they tell nothing of their pairs, and take long.
    neighbours : int
        How many complements of an item are kept.
    update_pairs : int
        Where there are at most so many pairs all of them are kept, 8 bytes each, and new events are
        learnt without a fit; of more, new events wait for a fit.
    """

    decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    support: Annotated[int, Field(ge=1)] = 3
    confidence: Annotated[float, Field(ge=0)] = 1.64
    substitute_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    largest_basket: Annotated[int, Field(ge=2)] = 100
    neighbours: Annotated[int, Field(ge=1)] = 50
    update_pairs: Annotated[int, Field(ge=0)] = 4_000_000


class BoughtTogether(ItemSource):
    """Score = P(candidate | item) - P(candidate): the share of baskets that is more than chance.

    Only pairs whose lift is above 1 beyond doubt count (`lowest_log_lift`), with some support.
    Variants of one product are no pair, nor are substitutes: items of one leaf category that hardly
    anyone buys together. Several items (a cart) count alike.
    """

    name: ClassVar[str] = "bought-together"

    def __init__(self, config: BoughtTogetherConfig | None = None) -> None:
        self.config = config or BoughtTogetherConfig()
        super().__init__(self.config)
        self._both: NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._singles: IntArray = np.zeros(0, dtype=np.int64)
        self._types: IntArray | None = None
        self._table: PairTable | None = None

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return bought_together_cost(size)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count pairs within baskets."""
        self._types = purchase_types(dataset, self.config.least_strength)
        self._set(self._counted(dataset), dataset.catalog)

    def update(self, change: EventChange) -> None:
        """Count the baskets of the changed users anew; which types are purchases stays."""
        _ = self.relation
        if self._table is None:
            raise RefitNeededError(
                f"{self.name} cannot learn new events: there were more pairs than update_pairs = "
                f"{self.config.update_pairs:,} when it was fitted; run `crossrec fit`"
            )
        table = self._table.plus(self._counted(change.after))
        self._set(table.plus(self._counted(change.before), -1), change.after.catalog)

    def forget(self, change: EventChange) -> None:
        """Take the baskets of the users out of the counts."""
        self.update(change)

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Say in how many of its baskets each item has the candidate, and that times chance."""
        found = super().explain(queries, index)
        return [
            None if one is None else self._in_numbers(one, int(item))
            for one, item in zip(found, index, strict=True)
        ]

    def state(self) -> State:
        """Return the complements, the counts behind them, and all pairs where kept."""
        arrays = {**self.relation.arrays(), "both": self._both, "singles": self._singles}
        if self._types is not None:
            arrays["types"] = self._types
        if self._table is not None:
            arrays |= self._table.arrays()
        return State(arrays)

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned."""
        super().restore(state, catalog)
        arrays = state.arrays
        self._both, self._singles = in_memory(arrays["both"]), in_memory(arrays["singles"])
        self._types = np.asarray(arrays["types"]) if "types" in arrays else None
        kept = "baskets" in arrays
        self._table = PairTable.from_arrays(arrays, self._singles) if kept else None

    def _counted(self, dataset: Dataset) -> PairTable:
        lines = lines_of_users(dataset, self._types, self.config.gap_hours)
        return PairTable.of(lines, dataset.n_items, self.config.largest_basket)

    def _set(self, table: PairTable, catalog: Catalog) -> None:
        """Keep the complements of each item, and what an update needs."""
        self._relation, self._both = self._related(table, ItemGroups.of(catalog))
        self._singles = table.singles
        self._table = table if table.pairs.nnz <= self.config.update_pairs else None

    def _related(
        self, table: PairTable, groups: ItemGroups
    ) -> tuple[SparseRelation, NDArray[np.float32]]:
        """Return the strongest complements of each item, and the baskets with both."""
        c, n_items = self.config, len(table.singles)
        row = np.repeat(np.arange(n_items), np.diff(table.pairs.indptr))
        column, both = table.pairs.indices.astype(np.int64), table.pairs.data.astype(np.float64)
        kept = np.flatnonzero(
            (both >= c.support) & (groups.variants[row] != groups.variants[column])
        )
        row, column, both = row[kept], column[kept], both[kept]
        first, second = (table.singles[at].astype(np.float64) for at in (row, column))
        bound = lowest_log_lift(both, first, second, float(max(table.baskets, 1)), c.confidence)
        one_leaf = (groups.leaves[row] == groups.leaves[column]) & (groups.leaves[row] >= 0)
        substitutes = one_leaf & (both / np.minimum(first, second) < c.substitute_share)
        real = (bound > 0) & ~substitutes
        row, column, both = row[real], column[real], both[real]
        score = both / first[real] - second[real] / max(table.baskets, 1)
        indptr, best = strongest_per_row(
            offsets(np.bincount(row, minlength=n_items)), score, c.neighbours
        )
        relation = SparseRelation(
            indptr, column[best].astype(np.int32), score[best].astype(np.float32)
        )
        return relation, both[best].astype(np.float32)

    def _in_numbers(self, evidence: Evidence, item: int) -> Evidence:
        """Give the numbers of the strongest pair behind an item."""
        assert isinstance(self.relation, SparseRelation)
        seed = evidence.history[0]
        (both,) = self.relation.cells(np.array([seed]), np.array([item]), self._both)
        together, baskets = int(both[0, 0]), int(self._singles[seed])
        phrase = f"in {together} of {baskets} baskets with"
        return replace(evidence, phrase=phrase, values={"together": together, "baskets": baskets})
