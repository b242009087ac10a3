"""Items chosen by people with a similar history."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.components.topk import top_sums
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.numeric.sparse import gathered_rows, strongest
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.base import blocks, not_fitted
from crossrec_collaborative.costs import user_knn_cost
from crossrec_collaborative.relations import SparseRelation
from crossrec_collaborative.updating import with_changed_users


class UserKnnConfig(Settings):
    """Settings of `user-knn`.

    Attributes
    ----------
    neighbours : int
        How many of the most similar users count.
    """

    neighbours: Annotated[int, Field(ge=1)] = 100


class UserKnn:
    """Cosine between users over all items, as in the textbook: u · v / (‖u‖ ‖v‖).

    The score of an item is the sum of the similarities of the neighbours, each times the weight
    that the item has for that neighbour. A query is the vector of its history: an item that the
    known user has in the fitted matrix weighs what it weighs there, any other 1 for each
    occurrence. So it works for users who are only a history; a known user is not their own
    neighbour. Time of a query grows with the number of users who share an item with it.
    """

    name: ClassVar[str] = "user-knn"

    def __init__(self, config: UserKnnConfig | None = None) -> None:
        self.config = config or UserKnnConfig()
        self._matrix: Any = None
        self._by_user = self._by_item = _NOTHING
        self._norms: NDArray[np.float64] = np.zeros(0)

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return user_knn_cost(size)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Keep the matrix of users × items."""
        self._take(dataset.matrix())

    def update(self, change: EventChange) -> None:
        """Replace the rows of the changed users."""
        self._check()
        self._take(with_changed_users(self._matrix, change))

    def forget(self, change: EventChange) -> None:
        """Empty the rows of the users."""
        self.update(change)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items that neighbours have, none of them excluded."""
        parts = []
        for block in blocks(queries, self._n_items):
            exclude = block.exclude.within(self._n_items)
            parts.append(top_sums(self._scores(block), k, exclude, source=self.name))
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN where there is no evidence."""
        out = np.full(index.shape, np.nan, dtype=np.float32)
        known = (index != PAD) & (index < self._n_items)
        for row in range(len(queries) if index.size and self._n_items else 0):
            scores = self._row(queries, row)[index[row, known[row]]]
            out[row, known[row]] = np.where(scores > 0, scores, np.nan)
        return out

    def similarities(self, queries: QueryBatch, row: int = 0) -> NDArray[np.float64]:
        """Return the cosine of one query with every user, float64 (n_users,); 0 with itself."""
        items, values = self._vector(queries, row)
        dots = _weighted_sum(self._by_item, items, values, len(self._norms))
        length = float(np.sqrt(np.square(values).sum()))
        cosine = np.divide(dots, self._norms * length, out=np.zeros_like(dots), where=dots > 0)
        user = int(queries.users[row])
        if 0 <= user < len(cosine):
            cosine[user] = 0.0
        return cosine

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return how many neighbours chose each item, and which history items they share.

        The strengths are each history item's part of the similarities; they sum to the score.
        """
        self._check()
        items, values = self._vector(queries, 0)
        users, cosine = self._neighbours(queries, 0)
        length = np.sqrt(np.square(values).sum()) * self._norms[users]
        shared = self._cells(users, items)
        chosen = self._cells(users, index)
        found: list[Evidence | None] = []
        for have in chosen.T:
            people = int((have > 0).sum())
            if people == 0:
                found.append(None)
                continue
            terms = values * ((have / length) @ shared)
            order = np.argsort(-terms, kind="stable")[: int((terms > 0).sum())]
            who = f"{people} people" if people > 1 else "one person"
            found.append(
                Evidence(
                    f"chosen by {who} with similar taste, such as for",
                    tuple(items[order].tolist()),
                    tuple(terms[order].tolist()),
                )
            )
        return found

    def state(self) -> State:
        """Return the matrix of users × items."""
        self._check()
        return State(pack_sparse("matrix", self._matrix))

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back the matrix."""
        self._take(unpack_sparse("matrix", state.arrays))

    def _take(self, matrix: Any) -> None:
        self._matrix = matrix
        self._by_user = _rows(matrix)
        self._by_item = _rows(matrix.T.tocsr())
        row_of = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        squares = np.square(matrix.data, dtype=np.float64)
        self._norms = np.sqrt(np.bincount(row_of, squares, minlength=matrix.shape[0]))

    def _check(self) -> None:
        if self._matrix is None:
            raise not_fitted(self.name)

    @property
    def _n_items(self) -> int:
        self._check()
        return int(self._matrix.shape[1])

    def _scores(self, queries: QueryBatch) -> NDArray[np.float32]:
        """Score all items, float32 (n, n_items), one query after the other."""
        rows = [self._row(queries, row) for row in range(len(queries))]
        return np.stack(rows) if rows else np.zeros((0, self._n_items), dtype=np.float32)

    def _row(self, queries: QueryBatch, row: int) -> NDArray[np.float32]:
        users, cosine = self._neighbours(queries, row)
        return _weighted_sum(self._by_user, users, cosine, self._n_items).astype(np.float32)

    def _neighbours(
        self, queries: QueryBatch, row: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the most similar users, ascending, and their cosines."""
        cosine = self.similarities(queries, row)
        touched = np.flatnonzero(cosine)
        near = touched[strongest(cosine[touched], self.config.neighbours)]
        return near, cosine[near]

    def _cells(self, users: NDArray[np.int64], items: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the weights of `items` for `users`, float32 (len(users), len(items))."""
        cells: NDArray[np.float32] = self._by_user.cells(users, items, self._by_user.data)[0]
        return cells

    def _vector(
        self, queries: QueryBatch, row: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the distinct known items of one history and their weights."""
        history = queries.history.row(row)
        known = history[(history >= 0) & (history < self._n_items)]
        items, times = np.unique(known, return_counts=True)
        values = times.astype(np.float64)
        user = int(queries.users[row])
        if 0 <= user < len(self._norms):
            own = self._cells(np.array([user]), items)[0]
            values = np.where(own > 0, own, values)
        return items, values


def _weighted_sum(
    matrix: SparseRelation, rows: NDArray[np.int64], weights: NDArray[np.float64], width: int
) -> NDArray[np.float64]:
    """Return the sum of some rows of a matrix, each times its weight, float64 (width,)."""
    at, bounds = gathered_rows(matrix.indptr, rows)
    mass = matrix.data[at] * np.repeat(weights, np.diff(bounds))
    return np.bincount(matrix.indices[at], mass, minlength=width).astype(np.float64, copy=False)


def _rows(matrix: Any) -> SparseRelation:
    matrix.sort_indices()
    return SparseRelation(matrix.indptr.astype(np.int64), matrix.indices, matrix.data)


_NOTHING = SparseRelation(
    np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
)
