"""What a user will put into the next basket: their own staples, what follows, what all buy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.history import WeightedHistory
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_sums
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.errors import RefitNeededError
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.base import blocks, not_fitted
from crossrec_collaborative.baskets.counts import BasketCounts
from crossrec_collaborative.baskets.lines import (
    DAY,
    BasketLines,
    BasketSettings,
    FloatArray,
    IntArray,
    lines_of_queries,
    lines_of_users,
    purchase_types,
)
from crossrec_collaborative.baskets.words import ago, times_bought
from crossrec_collaborative.costs import next_basket_cost
from crossrec_collaborative.relations import SparseRelation, in_memory


class NextBasketConfig(BasketSettings):
    """Settings of `next-basket`.

    The defaults did best on the last history basket of Ta Feng, learnt from those before it.

    Attributes
    ----------
    decay : float
        Weight of a basket relative to the one after it, as the user's own and as popularity.
    prior_baskets : float
        Baskets without anything that every user is given: who has few relies more on the others.
    following : float
        Weight of what came after such baskets with other users; 0 leaves it out.
    recency : float
        For that, the weight of a basket relative to the one after it.
    shrinkage : float
        Lowers what follows rare items.
    neighbours : int
        How many followers of an item are kept.
    popular : float
        Weight of what all users buy; it breaks ties and fills the list. 0 leaves it out.
    update_pairs : int
        Where there are at most so many pairs of an item and a follower all of them are kept, 8
        bytes each, and new events are learnt without a fit; of more, new events wait for a fit.
    """

    decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    prior_baskets: Annotated[float, Field(ge=0)] = 2.0
    following: Annotated[float, Field(ge=0)] = 6.0
    recency: Annotated[float, Field(gt=0, le=1)] = 0.3
    shrinkage: Annotated[float, Field(ge=0)] = 100.0
    neighbours: Annotated[int, Field(ge=1)] = 50
    popular: Annotated[float, Field(ge=0)] = 0.15
    update_pairs: Annotated[int, Field(ge=0)] = 4_000_000


@dataclass(frozen=True, eq=False)
class Habits:
    """What a fit of `next-basket` learns.

    Attributes
    ----------
    rates : float32 array, shape (n_items,)
        By how much buying an item once tells that it is bought again; 1 is the mean.
    popular : float32 array, shape (n_items,)
        Share of the most popular item's baskets.
    people : int64 array, shape (n_items,)
    followers : SparseRelation
        Share of an item's baskets that each follower comes after.
    types : int64 array or None
        Event types that are purchases; None where all are.
    has_clock : bool
    """

    rates: NDArray[np.float32]
    popular: NDArray[np.float32]
    people: IntArray
    followers: SparseRelation
    types: IntArray | None
    has_clock: bool

    @property
    def n_items(self) -> int:
        """Number of items at the fit."""
        return len(self.people)


class NextBasket:
    """Score = own frequency + what follows baskets like the latest + popularity.

    The user's own part is the share of their baskets with the item, each weighing ``decay ** age``
    (personal frequency with decay as in TIFU-KNN, Hu et al. 2020, without groups), times the root
    of the item's rate of coming back. The second part is the mean over the items of the latest
    baskets of how often the candidate was in the next basket of others who had the item. The third
    is the number of baskets of all users with the item. The known is thus ranked by the first part
    and the new by the other two, on one scale.
    """

    name: ClassVar[str] = "next-basket"

    def __init__(self, config: NextBasketConfig | None = None) -> None:
        self.config = config or NextBasketConfig()
        self._habits: Habits | None = None
        self._counts: BasketCounts | None = None

    @property
    def habits(self) -> Habits:
        """What was learnt.

        Raises
        ------
        NotFittedError
            Before `fit` or `restore`.
        """
        if self._habits is None:
            raise not_fitted(self.name)
        return self._habits

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return next_basket_cost(size)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count over the baskets of all users."""
        types = purchase_types(dataset, self.config.least_strength)
        self._set(self._counted(dataset, types), types, dataset.has_clock)

    def update(self, change: EventChange) -> None:
        """Count the baskets of the changed users anew; which types are purchases stays."""
        habits = self.habits
        if self._counts is None:
            raise RefitNeededError(
                f"{self.name} cannot learn new events: there were more pairs than update_pairs = "
                f"{self.config.update_pairs:,} when it was fitted; run `crossrec fit`"
            )
        before, after = (self._counted(one, habits.types) for one in (change.before, change.after))
        counts = self._counts.plus(after).plus(before, -1)
        self._set(counts, habits.types, habits.has_clock)

    def forget(self, change: EventChange) -> None:
        """Take the baskets of the users out of the counts."""
        self.update(change)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with a positive score, none of them excluded."""
        n_items, parts = self.habits.n_items, []
        for block in blocks(queries, n_items):
            exclude = block.exclude.within(n_items)
            parts.append(top_sums(self._scores(block), k, exclude, source=self.name))
        return Candidates.stack(parts, self.name)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN where there is no evidence."""
        n_items = self.habits.n_items
        out = np.full(index.shape, np.nan, dtype=np.float32)
        known = (index != PAD) & (index < n_items)
        start = 0
        for block in blocks(queries, n_items):
            rows = slice(start, start + len(block))
            start = rows.stop
            if index.size and n_items:
                found = np.take_along_axis(
                    self._scores(block), np.where(known, index, 0)[rows], axis=1
                )
                out[rows] = np.where(known[rows] & (found > 0), found, np.nan)
        return out

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Say how often and when an item was bought, else what it follows, else who buys it."""
        habits, lines = self.habits, self._lines(queries)
        latest = self._latest(lines)
        items, weights = latest.merged
        known = (index >= 0) & (index < habits.n_items)
        terms = habits.followers.between(items, np.where(known, index, 0)) * weights[:, None]
        moment = None if queries.now is None else float(queries.now[0])
        found: list[Evidence | None] = []
        for item, is_known, column in zip(index.tolist(), known.tolist(), terms.T, strict=True):
            own = lines.baskets[lines.items == item]
            if len(own) and is_known:
                found.append(self._bought(lines, own, moment))
            elif is_known and (column > 0).any() and self.config.following > 0:
                order = np.argsort(-column, kind="stable")[: int((column > 0).sum())]
                history, strengths = items[order].tolist(), column[order].tolist()
                found.append(Evidence("often bought after", tuple(history), tuple(strengths)))
            elif is_known and habits.popular[item] > 0 and self.config.popular > 0:
                people = int(habits.people[item])
                who = "1 person buys it" if people == 1 else f"{people} people buy it"
                found.append(Evidence(f"popular: {who}", values={"people": people}))
            else:
                found.append(None)
        return found

    def state(self) -> State:
        """Return what was learnt, and all counts where kept."""
        habits = self.habits
        arrays = {
            "rates": habits.rates,
            "popular_share": habits.popular,
            "buyers": habits.people,
            **habits.followers.arrays(),
        }
        if habits.types is not None:
            arrays["types"] = habits.types
        if self._counts is not None:
            arrays |= self._counts.arrays()
        return State(arrays, {"clock": habits.has_clock})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned."""
        arrays = state.arrays
        self._habits = Habits(
            in_memory(arrays["rates"]),
            in_memory(arrays["popular_share"]),
            in_memory(arrays["buyers"]),
            SparseRelation(*(in_memory(arrays[name]) for name in ("indptr", "indices", "data"))),
            np.asarray(arrays["types"]) if "types" in arrays else None,
            bool(state.values["clock"]),
        )
        self._counts = BasketCounts.from_arrays(arrays) if "starts" in arrays else None

    def _counted(self, dataset: Dataset, types: IntArray | None) -> BasketCounts:
        lines = lines_of_users(dataset, types, self.config.gap_hours)
        return BasketCounts.of(lines, dataset.n_items, self.config.decay)

    def _set(self, counts: BasketCounts, types: IntArray | None, has_clock: bool) -> None:
        c = self.config
        self._habits = Habits(
            np.sqrt(counts.rates).astype(np.float32),
            (counts.popular / max(counts.popular.max(initial=0.0), 1e-12)).astype(np.float32),
            counts.people,
            counts.relation(c.shrinkage, c.neighbours),
            types,
            has_clock,
        )
        self._counts = counts if counts.pairs.nnz <= c.update_pairs else None

    def _lines(self, queries: QueryBatch) -> BasketLines:
        habits = self.habits
        return lines_of_queries(
            queries, habits.n_items, habits.types, self.config.gap_hours, habits.has_clock
        )

    def _scores(self, queries: QueryBatch) -> NDArray[np.float32]:
        """Score all items, float32 (n, n_items)."""
        habits, lines = self.habits, self._lines(queries)
        scores = np.tile(np.float32(self.config.popular) * habits.popular, (len(queries), 1))
        if self.config.following > 0:
            scores += np.float32(self.config.following) * habits.followers.scores(
                self._latest(lines)
            )
        np.add.at(scores, (lines.rows, lines.items), self._own(lines).astype(np.float32))
        return scores

    def _own(self, lines: BasketLines) -> FloatArray:
        """Return what each line adds to the score of its item, float64 (n_lines,)."""
        decayed = np.power(self.config.decay, lines.ages)
        total = np.bincount(lines.owners, decayed, minlength=lines.n_rows)
        share = decayed[lines.baskets] / (total[lines.rows] + self.config.prior_baskets)
        own: FloatArray = share * self.habits.rates[lines.items]
        return own

    def _latest(self, lines: BasketLines) -> WeightedHistory:
        """Return the items of the baskets with their weights: 1 in all, the latest the most."""
        decayed = np.power(self.config.recency, lines.ages)
        total = np.bincount(lines.owners, decayed, minlength=lines.n_rows)
        sizes = np.maximum(lines.sizes[lines.baskets], 1)
        weights = decayed[lines.baskets] / (total[lines.rows] * sizes)
        return WeightedHistory(Ragged(lines.indptr, lines.items), weights, self.habits.n_items)

    def _bought(self, lines: BasketLines, own: IntArray, now: float | None) -> Evidence:
        """Say how often an item was bought, and when last."""
        habits, latest = self.habits, int(own[-1])
        values: dict[str, float] = {"times": len(own)}
        if habits.has_clock and now is not None:
            values["days"] = max(0.0, round((now - float(lines.times[latest])) / DAY, 1))
            return Evidence(f"{times_bought(len(own))}, last {ago(values['days'])}", values=values)
        values |= {"baskets": int(lines.per_row[0]), "baskets_ago": int(lines.ages[latest]) + 1}
        last = (
            "in the latest basket"
            if values["baskets_ago"] == 1
            else (f"{values['baskets_ago']} baskets ago")
        )
        return Evidence(f"{times_bought(len(own))}, last {last}", values=values)
