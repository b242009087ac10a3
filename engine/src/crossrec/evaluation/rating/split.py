"""Ratings that models may learn from, and the later ones that they have to predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossrec.data.dataset import Dataset
from crossrec.data.reviews import RatingScale
from crossrec.data.splits import LEAKS_OVER_TIME, before
from crossrec.errors import DataError
from crossrec.numeric.biased_factors import RatingRows

RatingSplitName = Literal["temporal", "leave-one-out"]

#: Shares of the ratings before validation, and before the test, of the temporal split.
_SHARES = (0.8, 0.9)


@dataclass(frozen=True, eq=False)
class HeldRatings:
    """Ratings to predict: who rates what, when, and the truth.

    Attributes
    ----------
    rows : RatingRows, n rows
    times : float64 array, shape (n,)
        Of the rating, in the dataset's clock.
    """

    rows: RatingRows
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class RatingSplit:
    """Training events and later ratings. What is predicted lies in no part that is learnt from.

    Attributes
    ----------
    train : Dataset
        All events before `validation`, which penalties are chosen on.
    learnt : Dataset
        All events before the test: what every model is fitted on in the end.
    """

    train: Dataset
    validation: HeldRatings
    learnt: Dataset
    test: HeldRatings
    notes: tuple[str, ...] = ()


def scale_of(dataset: Dataset, scenario: str) -> RatingScale:
    """Return the scale of the ratings.

    Raises
    ------
    DataError
        If the dataset holds no ratings.
    """
    reviews = dataset.events.reviews
    if reviews is None:
        raise DataError(
            f"scenario {scenario!r} declares no event type whose value is a rating: there is "
            "nothing to predict; evaluate with --task ranking"
        )
    if not len(dataset.rated_rows):
        raise DataError(
            f"scenario {scenario!r} has no events with a rating: ingest some, with the rating as "
            "their value (--map value=COLUMN)"
        )
    return reviews.scale


def split_ratings(dataset: Dataset, split: RatingSplitName) -> RatingSplit:
    """Hold out the latest ratings: after two points in time, or each user's last two.

    Raises
    ------
    DataError
        If too few ratings are there to leave some in each part.
    """
    return _by_time(dataset) if split == "temporal" else _by_user(dataset)


def _by_time(dataset: Dataset) -> RatingSplit:
    """Cut at two times; a rating at exactly the time of a cut belongs to what comes after it."""
    if not dataset.has_clock:
        raise DataError(
            "this data set has the order of its events but no times: use --protocol leave-one-out"
        )
    times = dataset.events.times[dataset.rated_rows]
    ranks = [min(int(share * len(times)), len(times) - 1) for share in _SHARES]
    first, second = np.sort(times)[ranks]
    if not times.min() < first < second:
        raise DataError(
            f"{len(times):,} ratings at too few distinct times to be split: ingest more, or use "
            "--protocol leave-one-out"
        )
    return RatingSplit(
        before(dataset, first),
        _held(dataset, (times >= first) & (times < second)),
        before(dataset, second),
        _held(dataset, times >= second),
    )


def _by_user(dataset: Dataset) -> RatingSplit:
    """Hold out the last rating of users with three or more, and the one before it."""
    users, at = dataset.ratings.users, dataset.rated_rows
    counts = np.bincount(users, minlength=dataset.n_users)
    place = np.arange(len(users)) - (np.cumsum(counts) - counts)[users]
    from_last = counts[users] - 1 - place
    enough = counts[users] >= 3
    if not enough.any():
        raise DataError("leave-one-out needs users with three ratings or more; there are none")

    def until(last: int) -> Dataset:
        """Return the events without those from each user's held-out rating on."""
        ends = np.full(dataset.n_users, len(dataset.events), dtype=np.int64)
        cut = enough & (from_last == last)
        ends[users[cut]] = at[cut]
        rows = np.arange(len(dataset.events)) < ends[dataset.events.users]
        return dataset.with_events(dataset.events.take(rows))

    return RatingSplit(
        until(1),
        _held(dataset, enough & (from_last == 1)),
        until(0),
        _held(dataset, enough & (from_last == 0)),
        (LEAKS_OVER_TIME,) if dataset.has_clock else (),
    )


def _held(dataset: Dataset, rows: NDArray[np.bool_]) -> HeldRatings:
    """Return the chosen ratings."""
    return HeldRatings(dataset.ratings.take(rows), dataset.events.times[dataset.rated_rows[rows]])
