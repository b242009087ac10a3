"""The source: closeness of an item's price to the prices in the history."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import NotFittedError
from numpy.typing import NDArray
from pydantic import Field


class NearestPriceConfig(Settings):
    """Settings of `nearest-price`.

    Attributes
    ----------
    attribute : str
        The catalog's attribute that holds the price.
    history : int
        How many of the latest items count.
    """

    attribute: str = "price"
    history: Annotated[int, Field(ge=1)] = 10


class NearestPrice:
    """Scores an item by ``exp(-|log price - mean log price of the history|)``, in (0, 1].

    Items without a price, and histories without one, have no evidence and no candidates.
    """

    def __init__(self, config: NearestPriceConfig | None = None) -> None:
        self.config = config or NearestPriceConfig()
        self._log_price: NDArray[np.float64] | None = None

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Read the prices; events are not needed."""
        nothing = (None,) * dataset.n_items
        column = dataset.catalog.attributes.get(self.config.attribute, nothing)
        price = np.array([_number(value) for value in column], dtype=np.float64)
        self._log_price = np.log(np.where(price > 0, price, np.nan))

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the ≤ k items of the nearest price, none of them excluded."""
        return top_k(self._scores(queries), k, queries.exclude, source="nearest-price")

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN where there is no evidence."""
        scores = self._scores(queries)
        picked = np.take_along_axis(scores, np.maximum(index, 0), axis=1)
        return np.where(index == PAD, np.float32(np.nan), picked)

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Name the history items, nearest in price first, for a batch of one query."""
        prices = self._prices()
        history = np.unique(queries.history.tail(self.config.history).row(0))
        history = history[np.isfinite(prices[history])]
        found: list[Evidence | None] = []
        for item in index:
            close = np.exp(-np.abs(prices[history] - prices[item]))
            if not len(history) or not np.isfinite(prices[item]):
                found.append(None)
                continue
            order = np.argsort(-close, kind="stable")
            names = tuple(history[order].tolist())
            found.append(Evidence("costs about as much as", names, tuple(close[order].tolist())))
        return found

    def state(self) -> State:
        """Return the logarithms of the prices."""
        return State({"log_price": self._prices()})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take the logarithms of the prices back."""
        self._log_price = state.arrays["log_price"]

    def _prices(self) -> NDArray[np.float64]:
        if self._log_price is None:
            raise NotFittedError("source 'nearest-price' is not fitted: run `crossrec fit`")
        return self._log_price

    def _scores(self, queries: QueryBatch) -> NDArray[np.float32]:
        """Score all items, float32 (n, n_items); NaN where there is no evidence."""
        prices = self._prices()
        recent = queries.history.tail(self.config.history)
        known = np.isfinite(prices[recent.values])
        rows = recent.row_of[known]
        sums = np.bincount(rows, prices[recent.values[known]], minlength=len(queries))
        counts = np.bincount(rows, minlength=len(queries))
        centre = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        return np.exp(-np.abs(prices[None, :] - centre[:, None])).astype(np.float32)


def _number(value: Any) -> float:
    """Return a price as a number; not-a-number where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
