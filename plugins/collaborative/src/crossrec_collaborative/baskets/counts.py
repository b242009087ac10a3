"""What baskets teach of the next one: sums over users, so that new events can be added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.state import pack_sparse, unpack_sparse
from crossrec.numeric.sparse import keep_top
from numpy.typing import NDArray

from crossrec_collaborative.baskets.lines import BasketLines, FloatArray, IntArray
from crossrec_collaborative.relations import SparseRelation

#: Chances to come back that every item is given at the mean rate.
_PRIOR = 100.0


@dataclass(frozen=True, eq=False)
class BasketCounts:
    """What is counted over the baskets of users.

    Attributes
    ----------
    pairs : scipy CSR, float32, shape (n_items, n_items)
        How often the item of the column was in the basket after one with the item of the row.
    starts : float64 array, shape (n_items,)
        Baskets with the item that another one followed.
    popular : float64 array, shape (n_items,)
        Baskets with the item, each with the weight of its age.
    chances : float64 array, shape (n_items,)
        Baskets that followed the first one with the item, over all users.
    returns : float64 array, shape (n_items,)
        Those of them that had the item again.
    people : int64 array, shape (n_items,)
        Users who had the item.
    """

    pairs: Any
    starts: FloatArray
    popular: FloatArray
    chances: FloatArray
    returns: FloatArray
    people: IntArray

    @classmethod
    def of(cls, lines: BasketLines, n_items: int, decay: float) -> BasketCounts:
        """Count; a basket weighs ``decay ** age`` in `popular`."""
        matrix: Any = lines.matrix(n_items)
        followed = np.flatnonzero(lines.owners[1:] == lines.owners[:-1])
        before, after = matrix[followed], matrix[followed + 1]
        ages = lines.ages[lines.baskets]
        weights = np.power(decay, ages)
        order = np.lexsort((lines.baskets, lines.items, lines.rows))
        items, rows = lines.items[order], lines.rows[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (items[1:] != items[:-1]) | (rows[1:] != rows[:-1])

        def summed(at: IntArray, mass: NDArray[Any] | None = None) -> FloatArray:
            return np.bincount(at, mass, minlength=n_items).astype(np.float64, copy=False)

        pairs = (before.T @ after).tocsr()
        pairs.sort_indices()
        return cls(
            pairs,
            np.asarray(before.sum(axis=0), dtype=np.float64).ravel(),
            summed(lines.items, weights),
            summed(items[first], ages[order][first]),
            summed(items[~first]),
            np.bincount(items[first], minlength=n_items).astype(np.int64, copy=False),
        )

    def plus(self, other: BasketCounts, sign: int = 1) -> BasketCounts:
        """Return the sum of both; this one's items may be fewer."""
        n_items = len(other.starts)
        pairs = self.pairs.copy()
        pairs.resize((n_items, n_items))
        pairs = (pairs + sign * other.pairs).tocsr()
        pairs.eliminate_zeros()
        pairs.sort_indices()
        missing = n_items - len(self.starts)
        columns = [
            np.pad(getattr(self, name), (0, missing)) + sign * getattr(other, name)
            for name in ("starts", "popular", "chances", "returns", "people")
        ]
        columns[1][columns[4] == 0] = 0.0  # not what rounding leaves
        return BasketCounts(pairs, *columns)

    @property
    def rates(self) -> FloatArray:
        """How much more often than the mean each item is bought again, float64 (n_items,).

        Of items with few chances it stays near 1.
        """
        mean = self.returns.sum() / max(float(self.chances.sum()), 1.0)
        if mean <= 0:
            return np.ones(len(self.returns))
        rates: FloatArray = (self.returns + _PRIOR * mean) / (self.chances + _PRIOR) / mean
        return rates

    def relation(self, shrinkage: float, neighbours: int) -> SparseRelation:
        """Return the share of an item's baskets that its strongest followers come after."""
        weights = self.pairs.copy().astype(np.float64)
        lengths = np.diff(weights.indptr)
        weights.data /= np.repeat(self.starts + shrinkage, lengths)
        kept = keep_top(weights, neighbours)
        return SparseRelation(
            kept.indptr.astype(np.int64),
            kept.indices.astype(np.int32),
            kept.data.astype(np.float32),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_arrays` takes back."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return {**pack_sparse("pairs", self.pairs), **columns}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> BasketCounts:
        """Return the counts whose `arrays` these are; they may be read-only."""
        pairs = unpack_sparse("pairs", arrays)
        return cls(pairs, *(np.asarray(arrays[name]) for name in _COLUMNS))


_COLUMNS = ("starts", "popular", "chances", "returns", "people")
