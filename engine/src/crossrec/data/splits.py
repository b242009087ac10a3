"""Splits: what models may learn from, and what they have to predict.

Three ways to cut: at one global time, off the end of each user's sequence (leave-one-out), and off
the end of the sequences of one fold of users after the other (cross-validation). All of them keep
the order that `Dataset` gives: (user, time, original row).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.data.dataset import Dataset
from crossrec.errors import DataError, UsageError
from crossrec.numeric.ragged import IntArray, Ragged

LEAKS_OVER_TIME = (
    "each user's last events are cut off separately: models have seen other users' events from "
    "after a user's target, which a live system never has; the temporal protocol does not leak"
)


@dataclass(frozen=True, eq=False)
class Targets:
    """One part of a split that models are evaluated on: one query for each user.

    Attributes
    ----------
    users : int64 array, shape (n,)
        User indexes, ascending.
    history : Ragged, n rows
        All interactions of the user before the query, oldest first, with repeats.
    targets : Ragged, n rows
        Distinct items that the user interacted with after the query, in that order; at least one.
    times : float64 array, shape (n,)
        Time of the query: the cut, or the time of the user's first target.
    known : Dataset or None
        All events that came before the queries of these users: what a request would know.
    """

    users: IntArray
    history: Ragged
    targets: Ragged
    times: NDArray[np.float64]
    known: Dataset | None = None

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: IntArray) -> Targets:
        """Return the chosen rows, in the order given."""
        return Targets(
            self.users[rows],
            self.history.take(rows),
            self.targets.take(rows),
            self.times[rows],
            self.known,
        )

    def sample(self, n: int, seed: int = 0) -> Targets:
        """Return `n` users drawn without replacement, or all of them where there are fewer."""
        if n >= len(self):
            return self
        rows = np.random.default_rng(seed).choice(len(self), size=n, replace=False)
        return self.take(np.sort(rows))


@dataclass(frozen=True, eq=False)
class Split:
    """Training events and what comes after them.

    Attributes
    ----------
    train : Dataset
        The vocabularies and catalog of the whole set with the events before the cut.
    validation : Targets
        To choose settings and weights on.
    test : Targets
        To report. Its histories include the validation part.
    refit : Dataset or None
        `train` with the validation part, for models that are fitted again after the choice.
    notes : tuple of str
        What readers of the figures have to know.
    """

    protocol: str
    train: Dataset
    validation: Targets
    test: Targets
    refit: Dataset | None = None
    notes: tuple[str, ...] = ()


def temporal_split(
    dataset: Dataset,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    *,
    refit: bool = False,
) -> Split:
    """Cut at two global times, so that training, validation and test get these shares of events.

    An event at exactly the time of a cut belongs to what comes after it. Users without any history
    at the cut get queries as well: a live system has them too.

    Raises
    ------
    DataError
        If the times are positions only, or too few of them differ to leave something in each part.
    UsageError
        If the fractions are not three positive numbers with the sum 1.
    """
    if not dataset.has_clock:
        raise DataError(
            "this data set has the order of its events but no times: use --protocol leave-one-out"
        )
    if min(fractions) <= 0 or not np.isclose(sum(fractions), 1.0):
        raise UsageError(f"fractions must be three positive numbers with the sum 1: {fractions}")
    times = np.sort(dataset.interactions.times)
    shares = np.array([fractions[0], fractions[0] + fractions[1]])
    ranks = np.minimum((shares * len(times)).astype(np.int64), len(times) - 1)
    first, second = times[ranks] if len(times) else (0.0, 0.0)
    train = before(dataset, first)
    # What counts in the end may not have counted yet: a refund can come before a second purchase.
    if not len(times) or not times[0] < first < second or not len(train.interactions):
        raise DataError("too few distinct times for a temporal split: use --protocol leave-one-out")
    return Split(
        "temporal",
        train,
        between(dataset, first, second),
        between(dataset, second, np.inf),
        before(dataset, second) if refit else None,
    )


def leave_one_out(dataset: Dataset, *, refit: bool = False) -> Split:
    """Last interaction = test, the one before = validation, the rest = training.

    Users with fewer than three interactions only train. Other events of a user (dislikes,
    impressions) train only where they precede the user's validation item.

    Raises
    ------
    DataError
        If no user has three interactions.
    """
    users = np.flatnonzero(dataset.sequences.lengths >= 3)
    if not len(users):
        raise DataError("leave-one-out needs users with three interactions or more; there are none")
    return Split(
        "leave-one-out",
        without_tails(dataset, users, 2),
        tails(dataset, users, drop=2),
        tails(dataset, users, drop=1),
        without_tails(dataset, users, 1) if refit else None,
        (LEAKS_OVER_TIME,) if dataset.has_clock else (),
    )


def cross_validation(
    dataset: Dataset, folds: int = 5, *, holdout: int = 1, seed: int = 0, refit: bool = False
) -> Iterator[Split]:
    """Yield one split for each fold of users: this fold is the test, the next the validation.

    The last interactions of both are removed from the training. Over all splits each user that has
    more than `holdout` interactions is tested exactly once.

    Raises
    ------
    UsageError
        If `folds` is below 2 or above the number of users that can be held out.
    """
    parts = _fold_users(dataset, folds, holdout, seed)
    for number, users in enumerate(parts):
        others = parts[(number + 1) % len(parts)]
        held = np.sort(np.concatenate([users, others]))
        yield Split(
            "cross-validation",
            without_tails(dataset, held, holdout),
            tails(dataset, others, holdout, holdout),
            tails(dataset, users, holdout, holdout),
            without_tails(dataset, users, holdout) if refit else None,
            (LEAKS_OVER_TIME,) if dataset.has_clock else (),
        )


def _fold_users(dataset: Dataset, folds: int, holdout: int, seed: int) -> list[IntArray]:
    """Deal the users that can be held out into folds at random; ascending within a fold."""
    if holdout < 1:
        raise UsageError(f"at least one interaction must be held out, not {holdout}")
    users = np.flatnonzero(dataset.sequences.lengths > holdout)
    if not 2 <= folds <= len(users):
        raise UsageError(
            f"folds must be between 2 and the number of users with more than {holdout} "
            f"interactions, which is {len(users)}; not {folds}"
        )
    shuffled = np.random.default_rng(seed).permutation(users)
    return [np.sort(shuffled[fold::folds]) for fold in range(folds)]


def before(dataset: Dataset, cut: float) -> Dataset:
    """Return the set with its events before `cut`."""
    return dataset.with_events(dataset.events.take(dataset.events.times < cut))


def between(dataset: Dataset, start: float, end: float) -> Targets:
    """Return what each user did in [start, end), with the history before `start`."""
    events = dataset.interactions
    within = (events.times >= start) & (events.times < end)
    users = np.unique(events.users[within])
    known = before(dataset, start)
    return Targets(
        users,
        known.sequences.take(users),
        Ragged.grouped(events.users[within], events.items[within], dataset.n_users)
        .take(users)
        .distinct(),
        np.full(len(users), start, dtype=np.float64),
        known,
    )


def tails(dataset: Dataset, users: IntArray, drop: int, count: int = 1) -> Targets:
    """Return the first `count` of the last `drop` interactions as targets of what came before."""
    sequences = dataset.sequences.take(users)
    first = sequences.indptr[1:] - drop
    times = dataset.interactions.times[dataset.sequences.indptr[users + 1] - drop]
    targets = sequences.values[first[:, None] + np.arange(count)]
    indptr = np.arange(len(users) + 1, dtype=np.int64) * count
    known = without_tails(dataset, users, drop)
    return Targets(
        users,
        known.sequences.take(users),
        Ragged(indptr, targets.ravel()).distinct(),
        times,
        known,
    )


def without_tails(dataset: Dataset, users: IntArray, drop: int | IntArray) -> Dataset:
    """Return the set without the last `drop` interactions of `users` and all that follows them.

    Parameters
    ----------
    drop : int or int64 array, aligned with `users`
    """
    events = dataset.events
    cut = np.full(dataset.n_users, len(events), dtype=np.int64)
    cut[users] = dataset.interaction_rows[dataset.sequences.indptr[users + 1] - drop]
    return dataset.with_events(events.take(np.arange(len(events)) < cut[events.users]))
