"""What a user bought before and is due again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.protocols import SourceReport
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import moments_with_zeros, padded
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.numeric.arrays import among
from crossrec.numeric.ragged import offsets
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.base import not_fitted
from crossrec_collaborative.baskets.consumables import declared_of
from crossrec_collaborative.baskets.lines import (
    DAY,
    BasketSettings,
    FloatArray,
    IntArray,
    lines_of_queries,
    lines_of_users,
    purchase_types,
)
from crossrec_collaborative.baskets.replenishment import Intervals, Purchases, learn_intervals
from crossrec_collaborative.baskets.words import ago, days_text, times_bought
from crossrec_collaborative.costs import buy_again_cost

#: The score of what is due by the rule and hopeless by its probability.
_LEAST = 1e-30


class BuyAgainConfig(BasketSettings):
    """Settings of `buy-again`.

    Attributes
    ----------
    early : float
        Share of the interval after which an item is due.
    late : float
        Intervals after which it is due no more: the user has stopped buying it.
    horizon_days : float
        The score is the probability of a purchase within so many days.
    least_intervals : int
        Intervals of all users that an item needs whose fields do not say that it is used up; one of
        the user's own does too.
    """

    early: Annotated[float, Field(ge=0)] = 0.8
    late: Annotated[float, Field(gt=0)] = 3.0
    horizon_days: Annotated[float, Field(gt=0)] = 7.0
    least_intervals: Annotated[int, Field(ge=1)] = 5


@dataclass(frozen=True, eq=False)
class Larder:
    """What a fit of `buy-again` learns.

    Attributes
    ----------
    intervals : Intervals, n_items
    comes_back : bool array, shape (n_items,)
        Whether an item may be due without an interval of the user's own.
    never : bool array, shape (n_items,)
        Whether its fields say that it is not used up.
    counts : mapping of str to int
        What was learnt from, for reports.
    types : int64 array or None
        Event types that are purchases; None where all are.
    has_clock : bool
    """

    intervals: Intervals
    comes_back: NDArray[np.bool_]
    never: NDArray[np.bool_]
    counts: dict[str, int]
    types: IntArray | None
    has_clock: bool


@dataclass(frozen=True, eq=False)
class Due:
    """The purchases of some queries, and how due each is; aligned arrays.

    Attributes
    ----------
    purchases : Purchases
        Row = query.
    since, days : float64 arrays
        Days since the last purchase, and of the usual interval.
    score : float64 array
        Probability of a purchase within the horizon; NaN where it is not due.
    """

    purchases: Purchases
    since: FloatArray
    days: FloatArray
    score: FloatArray


class BuyAgain:
    """Score = probability that the user buys the item again within the next days.

    Only what is due is a candidate: `early` of the usual interval has passed since the last
    purchase, and less than `late` intervals have. The interval is the user's own, drawn towards the
    item's (`learn_intervals`); where the field ``repurchase_days`` gives it, towards that. An item
    whose ``is_consumable`` is false is never due. Without a clock nothing is.
    """

    name: ClassVar[str] = "buy-again"

    def __init__(self, config: BuyAgainConfig | None = None) -> None:
        self.config = config or BuyAgainConfig()
        self._larder: Larder | None = None

    @property
    def larder(self) -> Larder:
        """What was learnt.

        Raises
        ------
        NotFittedError
            Before `fit` or `restore`.
        """
        if self._larder is None:
            raise not_fitted(self.name)
        return self._larder

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return buy_again_cost(size)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Learn the intervals of all items."""
        n_items, types = dataset.n_items, purchase_types(dataset, self.config.least_strength)
        lines = lines_of_users(dataset, types, self.config.gap_hours)
        purchases = Purchases.of(lines if dataset.has_clock else lines.empty())
        end = float(dataset.events.times.max(initial=0.0))
        learnt = learn_intervals(purchases, end, n_items)
        declared = declared_of(dataset.catalog)
        ended = np.bincount(purchases.items[purchases.gaps], minlength=n_items)
        comes_back = (ended >= self.config.least_intervals) | declared.consumable
        self._larder = Larder(
            declared.applied_to(learnt),
            comes_back & ~declared.durable,
            declared.durable,
            {
                "intervals": len(purchases.gaps),
                "items": int(comes_back.sum()),
                "declared": int(np.isfinite(declared.days).sum()),
            },
            types,
            dataset.has_clock,
        )

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the ≤ k items that are due, the likeliest first, none of them excluded."""
        due = self._due(queries)
        rows, items = due.purchases.rows, due.purchases.items
        width = len(self.larder.never) + 1
        exclude = queries.exclude.within(width - 1)
        barred = np.sort(exclude.row_of * width + exclude.values)
        open_ = np.flatnonzero(np.isfinite(due.score) & ~among(rows * width + items, barred))
        order = open_[np.lexsort((items[open_], -due.score[open_], rows[open_]))]
        bounds = offsets(np.bincount(rows[order], minlength=len(queries))).tolist()
        parts = [order[start:stop][:k] for start, stop in zip(bounds[:-1], bounds[1:], strict=True)]
        if not parts:
            return Candidates.empty(len(queries), self.name)
        index = padded([items[part] for part in parts])
        # Over the catalogue, most of which is not due: of one item that is, too, it says much.
        moments = np.array(
            [
                moments_with_zeros(due.score[order[start:stop]], max(width - 1, 1))
                for start, stop in zip(bounds[:-1], bounds[1:], strict=True)
            ],
            dtype=np.float32,
        )
        score = np.full(index.shape, -np.inf, dtype=np.float32)
        for row, part in enumerate(parts):
            score[row, : len(part)] = due.score[part]
        return Candidates(index, score, self.name, moments[:, 0], moments[:, 1])

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN where they are not due."""
        due, at = self._found(queries, index)
        out = np.full(index.shape, np.nan, dtype=np.float32)
        out[at >= 0] = due.score[at[at >= 0]]
        return out

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Say how often and when an item was bought, how long it lasts, and when it is due."""
        due, at = self._found(queries, index[None, :])
        return [
            None if place < 0 or np.isnan(due.score[place]) else _in_words(due, place)
            for place in at[0].tolist()
        ]

    def report(self) -> SourceReport:
        """Say from how many purchases intervals were learnt, and of how many items."""
        larder = self.larder
        if not larder.has_clock:
            return SourceReport({"clock": False}, ("events have no times: nothing is ever due",))
        counts = larder.counts
        line = (
            f"{counts['items']:,} items come back, learnt from {counts['intervals']:,} intervals; "
            f"{counts['declared']:,} have a declared one"
        )
        return SourceReport({"clock": True, **counts}, (line,))

    def state(self) -> State:
        """Return the intervals."""
        larder = self.larder
        arrays: dict[str, NDArray[Any]] = {
            "chance": larder.intervals.chance,
            "log_mean": larder.intervals.log_mean,
            "log_spread": larder.intervals.log_spread,
            "comes_back": larder.comes_back,
            "never": larder.never,
        }
        if larder.types is not None:
            arrays["types"] = larder.types
        return State(arrays, {"clock": larder.has_clock, "counts": dict(larder.counts)})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back the intervals."""
        arrays = {name: np.asarray(array) for name, array in state.arrays.items()}
        self._larder = Larder(
            Intervals(arrays["chance"], arrays["log_mean"], arrays["log_spread"]),
            arrays["comes_back"],
            arrays["never"],
            {name: int(count) for name, count in state.values["counts"].items()},
            arrays.get("types"),
            bool(state.values["clock"]),
        )

    def _due(self, queries: QueryBatch) -> Due:
        """Return the purchases of all queries, and how due each is."""
        larder, c = self.larder, self.config
        lines = lines_of_queries(
            queries, len(larder.never), larder.types, c.gap_hours, larder.has_clock
        )
        timed = larder.has_clock and queries.now is not None and queries.times is not None
        purchases = Purchases.of(lines if timed else lines.empty())
        intervals = larder.intervals.of_users(purchases)
        now = np.zeros(0) if queries.now is None or not timed else queries.now[purchases.rows]
        since = np.maximum(now - purchases.last, 0.0) / DAY
        own = np.bincount(purchases.gaps, minlength=len(purchases)) > 0
        used_up = (larder.comes_back[purchases.items] | own) & ~larder.never[purchases.items]
        share = since / intervals.days
        is_due = used_up & (share >= c.early) & (share <= c.late)
        probability = np.maximum(intervals.within(since, c.horizon_days), _LEAST)
        score = np.where(is_due, probability, np.nan)
        return Due(purchases, since, intervals.days, score)

    def _found(self, queries: QueryBatch, index: NDArray[np.int64]) -> tuple[Due, IntArray]:
        """Return the purchases, and the place of each of some items among them, -1 for none."""
        due = self._due(queries)
        width = len(self.larder.never) + 1
        keys = due.purchases.rows * width + due.purchases.items
        wanted = np.arange(len(index))[:, None] * width + np.where(
            (index != PAD) & (index < width - 1), index, width - 1
        )
        at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        hit = keys[at] == wanted if len(keys) else np.zeros(index.shape, dtype=bool)
        return due, np.where(hit, at, -1)


def _in_words(due: Due, at: int) -> Evidence:
    """Return ``"bought 4 times, lasts about 14 days, last 12 days ago: due in 2 days"``."""
    times, days, since = int(due.purchases.times[at]), due.days[at], due.since[at]
    left = round(days) - round(since)
    when = "due today" if left == 0 else f"due in {days_text(left)}"
    if left < 0:
        when = f"due since {days_text(-left)}"
    phrase = f"{times_bought(times)}, lasts about {days_text(days)}, last {ago(since)}: {when}"
    values = {"times": times, "interval_days": round(float(days), 1)}
    return Evidence(phrase, values={**values, "days": round(float(since), 1), "due_in_days": left})
