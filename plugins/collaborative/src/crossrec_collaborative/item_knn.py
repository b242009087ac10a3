"""Items chosen by the same people."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.errors import RefitNeededError
from crossrec.numeric.ragged import offsets
from crossrec.numeric.sparse import strongest_per_row
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.costs import item_knn_cost
from crossrec_collaborative.item_source import ItemSettings, ItemSource
from crossrec_collaborative.relations import SparseRelation
from crossrec_collaborative.updating import with_changed_users

_ROWS = 512


class ItemKnnConfig(ItemSettings):
    """Settings of `item-knn`.

    Attributes
    ----------
    shrinkage : float
        Added to the product of the norms: lowers similarities with little support.
    neighbours : int
        How many of an item's most similar items are kept.
    update_entries : int
        Where users chose at most so many items in all (pairs of a user and an item), these pairs
        are kept, 8 bytes each, and new events are learnt without a fit. Of more none is kept, and
        new events wait for the next fit.
    """

    shrinkage: Annotated[float, Field(ge=0)] = 10.0
    neighbours: Annotated[int, Field(ge=1)] = 200
    update_entries: Annotated[int, Field(ge=0)] = 5_000_000


class ItemKnn(ItemSource):
    """Cosine of item columns with shrinkage: x_i · x_j / (‖x_i‖ ‖x_j‖ + shrinkage).

    As in Dacrema, Cremonesi & Jannach (RecSys 2019). It is computed in
    sparse blocks of 512 rows.
    """

    name: ClassVar[str] = "item-knn"
    _phrase: ClassVar[str] = "chosen by the same people as"

    def __init__(self, config: ItemKnnConfig | None = None) -> None:
        self.config = config or ItemKnnConfig()
        super().__init__(self.config)
        self._matrix: Any = None

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return item_knn_cost(size, self.config.neighbours)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Compute the similarities."""
        matrix = dataset.matrix()
        self._relation = self._related(matrix, np.arange(dataset.n_items), run)
        self._keep(matrix)

    def update(self, change: EventChange) -> None:
        """Compute the rows of the changed items anew, and of all that people have with them."""
        relation = self.relation
        assert isinstance(relation, SparseRelation)
        if self._matrix is None:
            raise RefitNeededError(
                f"{self.name} kept no events to learn new ones from: there were more than "
                f"update_entries = {self.config.update_entries:,}; run `crossrec fit`"
            )
        matrix = with_changed_users(self._matrix, change)
        touched = np.zeros(change.n_items, dtype=np.float32)
        touched[change.items] = 1.0
        holders = (matrix @ touched) > 0
        touched[matrix[holders].indices] = 1.0
        rows = np.flatnonzero(touched)
        self._relation = relation.with_rows(
            self._related(matrix, rows, RunOptions()), rows, change.n_items
        )
        self._keep(matrix)

    def forget(self, change: EventChange) -> None:
        """Take the events of the users out of the similarities."""
        self.update(change)

    def state(self) -> State:
        """Return the similarities, and the events behind them where they are kept."""
        kept = {} if self._matrix is None else pack_sparse("matrix", self._matrix)
        return State({**self.relation.arrays(), **kept})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned."""
        super().restore(state, catalog)
        kept = "matrix.data" in state.arrays
        self._matrix = unpack_sparse("matrix", state.arrays) if kept else None

    def _keep(self, matrix: Any) -> None:
        self._matrix = matrix if matrix.nnz <= self.config.update_entries else None

    def _related(self, matrix: Any, items: NDArray[np.int64], run: RunOptions) -> SparseRelation:
        """Return the rows of these items, one after another."""
        n_items = matrix.shape[1]
        norms = np.sqrt(np.bincount(matrix.indices, np.square(matrix.data), n_items))
        columns = matrix.tocsc()
        lengths: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        indices: list[NDArray[np.int32]] = [np.zeros(0, dtype=np.int32)]
        data: list[NDArray[np.float32]] = [np.zeros(0, dtype=np.float32)]
        for start in range(0, len(items), _ROWS):
            rows = items[start : start + _ROWS]
            length, index, weight = self._block(columns, matrix, norms, rows)
            lengths.append(length)
            indices.append(index)
            data.append(weight)
            run.progress("item-knn", start + len(rows), len(items))
        return SparseRelation(
            offsets(np.concatenate(lengths)), np.concatenate(indices), np.concatenate(data)
        )

    def _block(
        self, columns: Any, matrix: Any, norms: NDArray[np.float64], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """Return lengths, indices and weights of the rows of some items."""
        product = (columns[:, rows].T @ matrix).tocsr()
        product.sort_indices()
        row_of = np.repeat(rows, np.diff(product.indptr))
        size = norms[row_of] * norms[product.indices] + self.config.shrinkage
        weight = (product.data / size).astype(np.float32)
        weight[product.indices == row_of] = 0.0
        indptr, kept = strongest_per_row(product.indptr, weight, self.config.neighbours)
        return np.diff(indptr), product.indices[kept].astype(np.int32), weight[kept]
