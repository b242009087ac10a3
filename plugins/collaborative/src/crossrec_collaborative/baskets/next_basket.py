"""What a user will put into the next basket: their own staples, what follows, what all buy."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.protocols import SourceReport
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_sums
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.errors import RefitNeededError
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.base import blocks, not_fitted
from crossrec_collaborative.baskets.counts import BasketCounts
from crossrec_collaborative.baskets.habits import Habits
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
from crossrec_collaborative.baskets.weighing import Weights, all_options, choose_weights
from crossrec_collaborative.baskets.words import ago, times_bought
from crossrec_collaborative.costs import next_basket_cost
from crossrec_collaborative.relations import SparseRelation, in_memory

#: Where too few users have two baskets to choose by.
_UNKNOWN = Weights(following=2.0, popular=0.05)


class NextBasketConfig(BasketSettings):
    """Settings of `next-basket`.

    The defaults did best on the last history basket of Ta Feng, learnt from those before it; the
    weights are chosen in the same way at each fit.

    Attributes
    ----------
    decay : float
        Weight of a basket relative to the one after it, as the user's own and as popularity.
    prior_baskets : float
        Baskets without anything that every user is given: who has few relies more on the others.
    following : float or None
        Weight of what came after such baskets with other users; 0 leaves it out. None: chosen on
        the last basket of users, from those before it.
    recency : float
        For that, the weight of a basket relative to the one after it.
    shrinkage : float
        Lowers what follows rare items.
    neighbours : int
        How many followers of an item are kept.
    popular : float or None
        Weight of what all users buy; it breaks ties and fills the list. 0 leaves it out. None:
        chosen likewise.
    update_pairs : int
        Where there are at most so many pairs of an item and a follower all of them are kept, 8
        bytes each, and new events are learnt without a fit; of more, new events wait for a fit.
    """

    decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    prior_baskets: Annotated[float, Field(ge=0)] = 2.0
    following: Annotated[float, Field(ge=0)] | None = None
    recency: Annotated[float, Field(gt=0, le=1)] = 0.3
    shrinkage: Annotated[float, Field(ge=0)] = 100.0
    neighbours: Annotated[int, Field(ge=1)] = 50
    popular: Annotated[float, Field(ge=0)] | None = None
    update_pairs: Annotated[int, Field(ge=0)] = 4_000_000


class NextBasket:
    """Score = own frequency + what follows baskets like the latest + popularity.

    The user's own part is the share of their baskets with the item, each weighing ``decay ** age``
    (personal frequency with decay as in TIFU-KNN, Hu et al. 2020, without groups), times the root
    of the item's rate of coming back. The second part is the mean over the items of the latest
    baskets of how often the candidate was in the next basket of others who had the item. The third
    is the number of baskets of all users with the item. The known is thus ranked by the first part
    and the new by the other two, on one scale, by weights that the last baskets tell.
    """

    name: ClassVar[str] = "next-basket"

    def __init__(self, config: NextBasketConfig | None = None) -> None:
        self.config = config or NextBasketConfig()
        self._habits: Habits | None = None
        self._weights = _UNKNOWN
        self._types: IntArray | None = None
        self._has_clock = False
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
        c, n_items = self.config, dataset.n_items
        self._types = purchase_types(dataset, c.least_strength)
        self._has_clock = dataset.has_clock
        lines = lines_of_users(dataset, self._types, c.gap_hours)

        def learn(some: BasketLines) -> Habits:
            counts = BasketCounts.of(some, n_items, c.decay)
            return Habits.of(counts, c.shrinkage, c.neighbours)

        options = all_options(c.following, c.popular)
        found = choose_weights(lines, learn, self._parts, options, run.seed)
        self._weights = found or Weights(
            _UNKNOWN.following if c.following is None else c.following,
            _UNKNOWN.popular if c.popular is None else c.popular,
        )
        self._set(BasketCounts.of(lines, n_items, c.decay))

    def update(self, change: EventChange) -> None:
        """Count the baskets of the changed users anew.

        The weights, and which types are purchases, stay as the fit had them.
        """
        _ = self.habits
        if self._counts is None:
            raise RefitNeededError(
                f"{self.name} cannot learn new events: there were more pairs than update_pairs = "
                f"{self.config.update_pairs:,} when it was fitted; run `crossrec fit`"
            )
        before, after = (self._counted(one) for one in (change.before, change.after))
        self._set(self._counts.plus(after).plus(before, -1))

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
        latest = habits.latest(lines, self.config.recency)
        items, weights = latest.merged
        known = (index >= 0) & (index < habits.n_items)
        terms = habits.followers.between(items, np.where(known, index, 0)) * weights[:, None]
        moment = None if queries.now is None else float(queries.now[0])
        found: list[Evidence | None] = []
        for item, is_known, column in zip(index.tolist(), known.tolist(), terms.T, strict=True):
            own = lines.baskets[lines.items == item]
            if len(own) and is_known:
                found.append(self._bought(lines, own, moment))
            elif is_known and (column > 0).any() and self._weights.following > 0:
                order = np.argsort(-column, kind="stable")[: int((column > 0).sum())]
                history, strengths = items[order].tolist(), column[order].tolist()
                found.append(Evidence("often bought after", tuple(history), tuple(strengths)))
            elif is_known and habits.popular[item] > 0 and self._weights.popular > 0:
                people = int(habits.people[item])
                who = "1 person" if people == 1 else f"{people} people"
                found.append(Evidence(f"popular: {who}", values={"people": people}))
            else:
                found.append(None)
        return found

    def state(self) -> State:
        """Return what was learnt, and all counts where kept."""
        habits = self.habits
        arrays: dict[str, NDArray[Any]] = {
            "rates": habits.rates,
            "popular_share": habits.popular,
            "buyers": habits.people,
            **habits.followers.arrays(),
        }
        if self._types is not None:
            arrays["types"] = self._types
        if self._counts is not None:
            arrays |= self._counts.arrays()
        return State(arrays, {"clock": self._has_clock, "weights": vars(self._weights)})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back what `state` returned."""
        arrays = state.arrays
        self._habits = Habits(
            in_memory(arrays["rates"]),
            in_memory(arrays["popular_share"]),
            in_memory(arrays["buyers"]),
            SparseRelation(*(in_memory(arrays[name]) for name in ("indptr", "indices", "data"))),
        )
        self._types = np.asarray(arrays["types"]) if "types" in arrays else None
        self._has_clock = bool(state.values["clock"])
        self._weights = Weights(**state.values["weights"])
        self._counts = BasketCounts.from_arrays(arrays) if "starts" in arrays else None

    def report(self) -> SourceReport:
        """Say what the weights are, and whether they were chosen."""
        _ = self.habits
        words = f"what follows weighs {self._weights.following:g}, popularity"
        line = f"{words} {self._weights.popular:g}, a user's own baskets 1"
        return SourceReport(dict(vars(self._weights)), (line,))

    def _counted(self, dataset: Dataset) -> BasketCounts:
        lines = lines_of_users(dataset, self._types, self.config.gap_hours)
        return BasketCounts.of(lines, dataset.n_items, self.config.decay)

    def _set(self, counts: BasketCounts) -> None:
        c = self.config
        self._habits = Habits.of(counts, c.shrinkage, c.neighbours)
        self._counts = counts if counts.pairs.nnz <= c.update_pairs else None

    def _lines(self, queries: QueryBatch) -> BasketLines:
        n_items, gap = self.habits.n_items, self.config.gap_hours
        return lines_of_queries(queries, n_items, self._types, gap, self._has_clock)

    def _parts(self, habits: Habits, lines: BasketLines) -> tuple[FloatArray, NDArray[np.float32]]:
        """Return what each line adds to the user's own part, and the part of what follows."""
        own = habits.own(lines, self.config.decay, self.config.prior_baskets)
        return own, habits.followers.scores(habits.latest(lines, self.config.recency))

    def _scores(self, queries: QueryBatch) -> NDArray[np.float32]:
        """Score all items, float32 (n, n_items)."""
        habits, lines, weights = self.habits, self._lines(queries), self._weights
        own, following = self._parts(habits, lines)
        scores = np.float32(weights.following) * following
        scores += np.float32(weights.popular) * habits.popular
        np.add.at(scores, (lines.rows, lines.items), own.astype(np.float32))
        return scores

    def _bought(self, lines: BasketLines, own: IntArray, now: float | None) -> Evidence:
        """Say how often an item was bought, and when last."""
        latest = int(own[-1])
        values: dict[str, float] = {"times": len(own)}
        if self._has_clock and now is not None:
            values["days"] = max(0.0, round((now - float(lines.times[latest])) / DAY, 1))
            return Evidence(f"{times_bought(len(own))}, last {ago(values['days'])}", values=values)
        values |= {"baskets": int(lines.per_row[0]), "baskets_ago": int(lines.ages[latest]) + 1}
        last = (
            "in the latest basket"
            if values["baskets_ago"] == 1
            else (f"{values['baskets_ago']} baskets ago")
        )
        return Evidence(f"{times_bought(len(own))}, last {last}", values=values)
