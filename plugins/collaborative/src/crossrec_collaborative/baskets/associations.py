"""Pairs of items in one basket: how often, and by how much more often than by chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.state import pack_sparse, unpack_sparse
from crossrec.data.catalog import Catalog, as_text
from numpy.typing import NDArray

from crossrec_collaborative.baskets.lines import BasketLines, FloatArray, IntArray

_VARIANT = "primary_product_id"


@dataclass(frozen=True, eq=False)
class PairTable:
    """Baskets by item and by pair of items: sums, so that others can be added.

    Attributes
    ----------
    pairs : scipy CSR, float32, shape (n_items, n_items)
        Baskets with both items; symmetric, nothing on the diagonal.
    singles : int64 array, shape (n_items,)
        Baskets with the item.
    baskets : int
    """

    pairs: Any
    singles: IntArray
    baskets: int

    @classmethod
    def of(cls, lines: BasketLines, n_items: int, largest: int) -> PairTable:
        """Count; baskets of more than `largest` items tell nothing of their pairs."""
        matrix: Any = lines.matrix(n_items)
        kept = matrix[np.flatnonzero((lines.sizes <= largest) & (lines.sizes > 1))]
        pairs = (kept.T @ kept).tocsr()
        pairs.setdiag(0)
        pairs.eliminate_zeros()
        pairs.sort_indices()
        singles = np.bincount(lines.items, minlength=n_items).astype(np.int64, copy=False)
        return cls(pairs, singles, len(lines.owners))

    def plus(self, other: PairTable, sign: int = 1) -> PairTable:
        """Return the sum of both; this one's items may be fewer."""
        n_items = len(other.singles)
        pairs = self.pairs.copy()
        pairs.resize((n_items, n_items))
        pairs = (pairs + sign * other.pairs).tocsr()
        pairs.eliminate_zeros()
        pairs.sort_indices()
        singles = np.pad(self.singles, (0, n_items - len(self.singles))) + sign * other.singles
        return PairTable(pairs, singles, self.baskets + sign * other.baskets)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_arrays` takes back."""
        return {**pack_sparse("pairs", self.pairs), "baskets": np.array([self.baskets])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], singles: IntArray) -> PairTable:
        """Return the table whose `arrays` these are; they may be read-only."""
        return cls(unpack_sparse("pairs", arrays), singles, int(arrays["baskets"][0]))


def lowest_log_lift(
    both: FloatArray, first: FloatArray, second: FloatArray, baskets: float, z: float
) -> FloatArray:
    """Return the lower confidence bound of the log of the lift.

    The lift is both · baskets / (first · second): 1 where two items meet as often as by chance. Its
    logarithm has the variance 1/both - 1/first - 1/second + 2 both/(first second) - 1/baskets, by
    the delta method on the four counts of a multinomial draw.

    Parameters
    ----------
    both, first, second : float64 arrays, shape (n,)
        Baskets with both items, with the first and with the second.
    z : float
        Standard errors below the estimate: 1.64 for 95 % on one side.
    """
    lift = np.log(both * baskets / (first * second))
    spread = 1 / both - 1 / first - 1 / second + 2 * both / (first * second) - 1 / baskets
    bound: FloatArray = lift - z * np.sqrt(np.maximum(spread, 0.0))
    return bound


@dataclass(frozen=True, eq=False)
class ItemGroups:
    """What makes two items stand for each other.

    Attributes
    ----------
    variants : int64 array, shape (n_items,)
        Items with one number are variants of one product.
    leaves : int64 array, shape (n_items,)
        Items with one number are of the same leaf category; -1 where none is known.
    """

    variants: IntArray
    leaves: IntArray

    @classmethod
    def of(cls, catalog: Catalog) -> ItemGroups:
        """Read them off the catalog: a product without a group is the only one of its own."""
        ids = catalog.items.ids
        primary = catalog.attributes.get(_VARIANT, (None,) * len(ids))
        heads = [as_text(one) or id_ for one, id_ in zip(primary, ids, strict=True)]
        return cls(_numbered(heads), _numbered([_leaf(paths) for paths in catalog.categories]))


def _leaf(paths: tuple[str, ...]) -> str:
    """Return the last category of an item: the deepest, or the one that stands last."""
    return paths[-1].strip() if paths else ""


def _numbered(names: list[str]) -> IntArray:
    """Return a number for each distinct name, -1 for ""."""
    numbers: dict[str, int] = {"": -1}
    found = [numbers.setdefault(name, len(numbers) - 1) for name in names]
    return np.array(found, dtype=np.int64)
