"""The feature set `item_facts`: what an item is, beside the last item and the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crossrec.components.candidates import PAD
from crossrec.components.live_items import LiveItems
from crossrec.components.policies import number, seconds
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import NotFittedError
from crossrec.numeric.ragged import Ragged

_DAY = 86_400.0
_NAN = np.float32(np.nan)


class ItemFactsConfig(Settings):
    """Settings of `item_facts`.

    Attributes
    ----------
    price : str
        Field that holds the price.
    published : tuple of str
        Fields that say since when an item is there; the first that does counts, and where none does
        the item's first event.
    categories : int
        Categories of an item that are compared, from the first on.
    """

    price: str = "price"
    published: tuple[str, ...] = ("release_date", "available_at", "created_at")
    categories: Annotated[int, Field(ge=1, le=64)] = 8


@dataclass(frozen=True, eq=False)
class _CatalogColumns:
    """Columns of a catalog as numbers: codes of creators and categories (-1: none), text lengths.

    Attributes
    ----------
    creators : int64 array, shape (n_items,)
    categories : int64 array, shape (n_items, width)
    lengths : float64 array, shape (n_items,)
        NaN where an item has no text.
    """

    creators: NDArray[np.int64]
    categories: NDArray[np.int64]
    lengths: NDArray[np.float64]

    @classmethod
    def of(cls, catalog: Catalog, width: int) -> _CatalogColumns:
        """Turn names into codes."""
        codes: dict[str, int] = {"": -1}
        creators = [codes.setdefault(name.casefold(), len(codes)) for name in catalog.creators]
        rows = [names[:width] for names in catalog.categories]
        categories = np.full((len(rows), max(map(len, rows), default=0)), -1, dtype=np.int64)
        codes = {"": -1}
        for at, names in enumerate(rows):
            found = [codes.setdefault(name.casefold(), len(codes)) for name in names]
            categories[at, : len(found)] = found
        lengths = np.array([len(text) or np.nan for text in catalog.texts], dtype=np.float64)
        return cls(np.array(creators, dtype=np.int64), categories, lengths)


class ItemFacts:
    """Age, people, price, category, creator and text length of a candidate.

    `age` and `people` and `text_length` are logarithms (of 1 + days, 1 + people, characters).
    `relative_price` is the logarithm of the price over the median price of the history.
    `same_category` is the share of a candidate's categories that the last item has, `same_creator`
    whether both have one creator. On a surface about items these take the place of the history.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "age",
        "people",
        "relative_price",
        "same_category",
        "same_creator",
        "text_length",
    )

    def __init__(self, config: ItemFactsConfig | None = None) -> None:
        self.config = config or ItemFactsConfig()
        self._first: NDArray[np.float64] | None = None
        self._people: NDArray[np.float64] | None = None
        self._known: WeakKeyDictionary[Catalog, _CatalogColumns] = WeakKeyDictionary()

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Find out when each item was first chosen, and by how many people."""
        events = dataset.interactions
        first = np.full(dataset.n_items, np.inf)
        np.minimum.at(first, events.items, events.times)
        nothing = ~np.isfinite(first) | (not dataset.has_clock)
        self._first = np.where(nothing, np.nan, first)
        self._people = dataset.item_people.astype(np.float64)

    def compute(
        self, queries: QueryBatch, index: NDArray[np.int64], items: LiveItems
    ) -> NDArray[np.float32]:
        """Return the columns of each candidate, float32 (n, m, 6); NaN where one is not known."""
        known = self._columns(items.catalog)
        at = np.maximum(index, 0)
        seeds = queries.seeds
        last = _last(seeds)
        out = np.full((*index.shape, len(self.columns)), np.nan, dtype=np.float32)
        if not at.size:
            return out
        with np.errstate(invalid="ignore", divide="ignore"):
            out[..., 0] = self._age(queries, at, items)
            out[..., 1] = np.log1p(_fitted(self._learnt(self._people), at))
            out[..., 2] = self._relative_price(seeds, at, items)
            out[..., 5] = np.log(known.lengths[at])
        out[..., 3] = _shared(known.categories, at, last)
        out[..., 4] = _same(known.creators, at, last)
        out[index == PAD] = _NAN
        return out

    def state(self) -> State:
        """Return what the events said of each item."""
        return State({"first": self._learnt(self._first), "people": self._learnt(self._people)})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take it back."""
        self._first, self._people = state.arrays["first"], state.arrays["people"]

    @staticmethod
    def _learnt(array: NDArray[np.float64] | None) -> NDArray[np.float64]:
        if array is None:
            raise NotFittedError("the feature set 'item_facts' is not fitted: call fit() first")
        return array

    def _columns(self, catalog: Catalog) -> _CatalogColumns:
        """Return the columns of a catalog, made once for each."""
        known = self._known.get(catalog)
        if known is None:
            known = _CatalogColumns.of(catalog, self.config.categories)
            self._known[catalog] = known
        return known

    def _age(
        self, queries: QueryBatch, at: NDArray[np.int64], items: LiveItems
    ) -> NDArray[np.float64]:
        """Return log(1 + days) since an item came, float64 (n, m); NaN where there is no clock."""
        first = _fitted(self._learnt(self._first), at)
        if queries.now is None:
            return np.full(at.shape, np.nan)
        born = np.full(at.shape, np.nan)
        for name in self.config.published:
            born = np.where(np.isnan(born), items.numbers(name, seconds)[at], born)
        born = np.where(np.isnan(born), first, born)
        age: NDArray[np.float64] = np.log1p(np.maximum(queries.now[:, None] - born, 0.0) / _DAY)
        return age

    def _relative_price(
        self, seeds: Ragged, at: NDArray[np.int64], items: LiveItems
    ) -> NDArray[np.float64]:
        """Return log(price / median price of the row's seeds), float64 (n, m)."""
        prices = items.numbers(self.config.price, number)
        prices = np.where(prices > 0, prices, np.nan)
        usual = np.full(len(seeds), np.nan)
        for row in range(len(seeds)):
            own = prices[seeds.row(row)]
            own = own[~np.isnan(own)]
            if len(own):
                usual[row] = np.median(own)
        ratio: NDArray[np.float64] = np.log(prices[at] / usual[:, None])
        return ratio


def _last(seeds: Ragged) -> NDArray[np.int64]:
    """Return the last item of each row, int64 (n,); -1 where it is empty."""
    last = np.full(len(seeds), -1, dtype=np.int64)
    filled = seeds.lengths > 0
    last[filled] = seeds.values[seeds.indptr[1:][filled] - 1]
    return last


def _fitted(values: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the values of items, float64 of `at`'s shape; NaN for those after the fit."""
    if not len(values):
        return np.full(at.shape, np.nan)
    return np.where(at < len(values), values[np.minimum(at, len(values) - 1)], np.nan)


def _same(
    codes: NDArray[np.int64], at: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return 1 where a candidate has the code of the row's last item, else 0, float64 (n, m)."""
    theirs = np.where(last >= 0, codes[np.maximum(last, 0)], -1)[:, None]
    same = (codes[at] == theirs).astype(np.float64)
    return np.where((codes[at] < 0) | (theirs < 0), np.nan, same)


def _shared(
    codes: NDArray[np.int64], at: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the share of a candidate's codes that the row's last item has, float64 (n, m)."""
    width = codes.shape[1]
    theirs = np.where((last >= 0)[:, None], codes[np.maximum(last, 0)], -1)
    hits, own = np.zeros(at.shape), np.zeros(at.shape)
    for slot in range(width):
        code = codes[at, slot]
        own += code >= 0
        hits += ((code[:, :, None] == theirs[:, None, :]) & (code >= 0)[:, :, None]).any(axis=2)
    unknown = (own == 0) | np.asarray((theirs < 0).all(axis=1))[:, None]
    return np.where(unknown, np.nan, hits / np.maximum(own, 1))
