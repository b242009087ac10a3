"""Sources that propose the same items to all users: popular of all time, popular lately, rising.

Only ``Dataset.has_clock`` decides whether there is a clock. Without one, times give no order among
the events of different users: an event's age is then the number of later events of the same user,
and "lately" means at the end of people's histories.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.components.topk import padded
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.event_change import EventChange
from crossrec.numeric.ragged import Ragged
from numpy.typing import NDArray
from pydantic import Field

from crossrec_collaborative.base import not_fitted
from crossrec_collaborative.costs import board_cost
from crossrec_collaborative.updating import longer

_DAY = 86_400.0


@dataclass(frozen=True, eq=False)
class Board:
    """One score for each item, the same for every query.

    Attributes
    ----------
    scores : float64 array, shape (n_items,)
        0 or less where there is no evidence for an item.
    counts : int64 array, shape (2, n_items)
        The numbers of people that explanations name; each source defines their meaning.
    clock : bool
        Whether ages were in days.
    """

    scores: NDArray[np.float64]
    counts: NDArray[np.int64]
    clock: bool

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The items with a positive score, best first, ties in the order of the index."""
        order = np.argsort(-self.scores, kind="stable")
        return order[: int((self.scores > 0).sum())]

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """Place of each item in `order`, int64 (n_items,), behind the last for the others."""
        place = np.full(len(self), len(self), dtype=np.int64)
        place[self.order] = np.arange(len(self.order))
        return place

    @cached_property
    def sums(self) -> tuple[float, float]:
        """Sum of the scores, and of their squares."""
        return float(self.scores.sum()), float(np.square(self.scores).sum())


class BoardSource:
    """Base: the best items of one board, less those that the query excludes."""

    name: ClassVar[str] = ""
    #: Reference seconds of one event in a fit.
    _per_event: ClassVar[float] = 4.5e-7

    def __init__(self) -> None:
        self._board: Board | None = None

    @property
    def board(self) -> Board:
        """The scores and counts of the fit.

        Raises
        ------
        NotFittedError
            Before `fit` or `restore`.
        """
        if self._board is None:
            raise not_fitted(self.name)
        return self._board

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what a fit costs, and the answers to ``size.queries`` queries."""
        return board_cost(size, self._per_event)

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the best ≤ k items with a positive score, none of them excluded."""
        board = self.board
        exclude = queries.exclude.within(len(board)).distinct()
        index = padded([_first(board, exclude.row(row), k) for row in range(len(exclude))])
        score = np.where(index == PAD, -np.inf, board.scores[index])
        mean, std = _moments(board, exclude)
        return Candidates(index, score.astype(np.float32), self.name, mean, std)

    def score(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of given items, float32 (n, m); NaN where there is no evidence."""
        board = self.board
        known = (index != PAD) & (index < len(board))
        out = np.full(index.shape, np.nan, dtype=np.float32)
        out[known] = board.scores[index[known]]
        out[out <= 0] = np.nan
        return out

    def explain(self, queries: QueryBatch, index: NDArray[np.int64]) -> list[Evidence | None]:
        """Return the numbers of people behind each item of `index`."""
        board = self.board
        return [
            self._evidence(board, int(item))
            if 0 <= item < len(board) and board.scores[item] > 0
            else None
            for item in index
        ]

    def state(self) -> State:
        """Return scores and counts."""
        board = self.board
        arrays = {"scores": board.scores, "counts": board.counts}
        return State(arrays, {"clock": board.clock})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back scores and counts."""
        self._board = Board(
            np.asarray(state.arrays["scores"]),
            np.asarray(state.arrays["counts"]),
            bool(state.values["clock"]),
        )

    def _evidence(self, board: Board, item: int) -> Evidence:
        raise NotImplementedError


class PopularityConfig(Settings):
    """`popularity` has no settings: an event counts with the strength of its type."""


class Popularity(BoardSource):
    """Sum of the strengths of an item's events, of all time."""

    name: ClassVar[str] = "popularity"
    _per_event: ClassVar[float] = 5e-8

    def __init__(self, config: PopularityConfig | None = None) -> None:
        super().__init__()
        self.config = config or PopularityConfig()

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count."""
        events = dataset.interactions
        scores = _sums(events.items, events.weights, dataset.n_items)
        counts = np.stack([dataset.item_people, dataset.item_people])
        self._board = Board(scores, counts, dataset.has_clock)

    def update(self, change: EventChange) -> None:
        """Count the events of the changed users anew."""
        board, n = self.board, change.n_items
        scores, people = longer(board.scores, n), longer(board.counts[0], n)
        scores += change.after.item_evidence - change.before.item_evidence
        people += change.after.item_people - change.before.item_people
        scores[people == 0] = 0.0  # not what rounding leaves
        self._board = Board(scores, np.stack([people, people]), board.clock)

    def forget(self, change: EventChange) -> None:
        """Take the events of the users out of the counts."""
        self.update(change)

    def _evidence(self, board: Board, item: int) -> Evidence:
        people = int(board.counts[0, item])
        return Evidence(f"popular: {people_text(people)}", values={"people": people})


class DecayedPopularityConfig(Settings):
    """Settings of `popularity-decayed`.

    Attributes
    ----------
    half_life_days : float
        Age at which an event counts half.
    half_life_events : float
        The same without a clock: number of later events of the same user.
    """

    half_life_days: Annotated[float, Field(gt=0)] = 30.0
    half_life_events: Annotated[float, Field(gt=0)] = 10.0


class DecayedPopularity(BoardSource):
    """Sum of an item's event strengths, each halved with every half-life of its age.

    Age is counted from the last event of the set. The time of the query does not matter: it would
    multiply all scores by the same factor.
    """

    name: ClassVar[str] = "popularity-decayed"

    def __init__(self, config: DecayedPopularityConfig | None = None) -> None:
        super().__init__()
        self.config = config or DecayedPopularityConfig()

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count with decay."""
        events, n_items = dataset.interactions, dataset.n_items
        age = ages_of(dataset)
        half_life = self.config.half_life_days * _DAY
        if not dataset.has_clock:
            half_life = self.config.half_life_events
        mass = events.weights * np.power(0.5, age / half_life)
        recent = people_of(dataset, age <= half_life)
        scores = _sums(events.items, mass, n_items)
        self._board = Board(scores, np.stack([recent, dataset.item_people]), dataset.has_clock)

    def _evidence(self, board: Board, item: int) -> Evidence:
        recent, total = (int(count) for count in board.counts[:, item])
        if recent == 0:
            words = f"popular: {people_text(total)}, none lately"
        elif board.clock:
            days = days_text(self.config.half_life_days)
            words = f"popular: {people_text(recent)} in the last {days}"
        else:
            words = f"popular: {people_text(recent)} at the end of histories"
        return Evidence(words, values={"people": total, "lately": recent})


class TrendingConfig(Settings):
    """Settings of `trending`.

    Attributes
    ----------
    window_days : float
        Length of the latest window and of the one before it.
    window_events : int
        The same without a clock: number of last events of each user.
    smoothing : float
        Strength added to the earlier window, so that a few events make no trend.
    """

    window_days: Annotated[float, Field(gt=0)] = 7.0
    window_events: Annotated[int, Field(ge=1)] = 5
    smoothing: Annotated[float, Field(gt=0)] = 5.0


class Trending(BoardSource):
    """Rise rate of the latest window: (now - before) / (before + smoothing), in event strength.

    Only rising items are candidates. The windows end at the last event of the set.
    """

    name: ClassVar[str] = "trending"

    def __init__(self, config: TrendingConfig | None = None) -> None:
        super().__init__()
        self.config = config or TrendingConfig()

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count both windows."""
        events = dataset.interactions
        window = self.config.window_days * _DAY
        if not dataset.has_clock:
            window = float(self.config.window_events)
        which = np.floor_divide(ages_of(dataset), window)
        n, items = dataset.n_items, events.items
        inside = [which == 0, which == 1]
        now, before = (_sums(items[at], events.weights[at], n) for at in inside)
        counts = np.stack([people_of(dataset, at) for at in inside])
        rise = (now - before) / (before + self.config.smoothing)
        self._board = Board(rise, counts, dataset.has_clock)

    def _evidence(self, board: Board, item: int) -> Evidence:
        now, before = (int(count) for count in board.counts[:, item])
        if board.clock:
            days = days_text(self.config.window_days)
            words = f"rising: {people_text(now)} in the last {days}, {before} in the {days} before"
        else:
            words = f"rising: {people_text(now)} at the end of histories, {before} just before"
        return Evidence(words, values={"now": now, "before": before})


def ages_of(dataset: Dataset) -> NDArray[np.float64]:
    """Age of each interaction: seconds before the last one or, without a clock, later events."""
    if not dataset.has_clock:
        return dataset.sequences.from_end().astype(np.float64)
    times = dataset.interactions.times
    ages: NDArray[np.float64] = times.max(initial=-np.inf) - times
    return ages


def people_of(dataset: Dataset, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many people have one of the chosen interactions with each item, (n_items,)."""
    events, n = dataset.interactions, dataset.n_items
    pairs = np.unique(events.users[which] * n + events.items[which])
    return np.bincount(pairs % max(n, 1), minlength=n)


def _sums(items: NDArray[np.int64], mass: NDArray[Any], n_items: int) -> NDArray[np.float64]:
    """Sum of the masses of each item, float64 (n_items,)."""
    return np.bincount(items, mass, minlength=n_items).astype(np.float64)


def _first(board: Board, exclude: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return the first ≤ k items of the board's order that are not excluded."""
    head = board.order[: k + len(exclude)]
    admitted = np.ones(len(head), dtype=bool)
    place = board.place[exclude]
    admitted[place[place < len(head)]] = False
    return head[admitted][: max(k, 0)]


def _moments(board: Board, exclude: Ragged) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation over what each row admits, float32 (n,) each."""
    n, row, away = len(exclude), exclude.row_of, board.scores[exclude.values]
    total, squares = board.sums
    count = np.maximum(len(board) - exclude.lengths, 1)
    mean = (total - np.bincount(row, away, minlength=n)) / count
    square = (squares - np.bincount(row, np.square(away), minlength=n)) / count
    std = np.sqrt(np.maximum(square - np.square(mean), 0.0))
    return mean.astype(np.float32), std.astype(np.float32)


def people_text(count: int) -> str:
    """Return ``"1 person"`` or ``"12 people"``."""
    return "1 person" if count == 1 else f"{count} people"


def days_text(days: float) -> str:
    """Return ``"day"`` or ``"7 days"``, as they stand behind "the last"."""
    return "day" if days == 1 else f"{days:g} days"
