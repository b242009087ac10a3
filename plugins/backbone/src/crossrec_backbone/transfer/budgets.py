"""Budgets of a target: the same test users, and whole users of the training part until N events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.data.splits import leave_one_out
from crossrec.numeric.ragged import IntArray, Ragged

from crossrec_backbone.transfer.settings import Level

#: The test users are drawn with a seed of their own, so that no budget and no run changes them.
_USERS_SEED = 0


@dataclass(frozen=True, eq=False)
class TransferSplit:
    """A target, cut for a transfer report.

    Attributes
    ----------
    train : Dataset
        Users, items and texts of the whole target; interactions s[:-2] only.
    queries : QueryBatch
        Histories s[:-1] of the test users, oldest first.
    targets : int64 array, shape (n,)
        Their last items.
    repeat : bool array, shape (n,)
        Whether the target is in the history.
    """

    train: Dataset
    queries: QueryBatch
    targets: IntArray
    repeat: np.ndarray

    @property
    def n_train(self) -> int:
        """Interactions of the training part."""
        return len(self.train.interactions)


def cut(target: Dataset, *, users: int | None, unseen: bool) -> TransferSplit:
    """Hold out the last item of every user as test and the one before as the query's own.

    Parameters
    ----------
    users : int, optional
        Test only so many users, drawn at random, always the same.
    unseen : bool
        Whether the items of a history are no candidates.

    Raises
    ------
    DataError
        If no user has three interactions.
    """
    split = leave_one_out(target)
    test = split.test if users is None else split.test.sample(users, _USERS_SEED)
    exclude = test.history if unseen else Ragged.empty(len(test))
    queries = QueryBatch.from_histories(test.history, users=test.users, exclude=exclude)
    repeat = test.targets.without(test.history).lengths == 0
    return TransferSplit(split.train, queries, test.targets.values, repeat)


def drawn(train: Dataset, level: Level, seed: int) -> Dataset:
    """Return `train` with the interactions of whole users, drawn at random, until `level` events.

    Only the last user is cut short, so that the number is met. Budgets of one seed contain one
    another.
    """
    events = train.interactions
    if level == "all" or level >= len(events):
        return train
    lengths = train.sequences.lengths
    order = np.random.default_rng([seed, 1]).permutation(len(lengths))
    left = np.empty(len(lengths), dtype=np.int64)
    left[order] = level - (np.cumsum(lengths[order]) - lengths[order])
    place = np.arange(len(events)) - train.sequences.indptr[:-1][events.users]
    return train.with_events(events.take(place < left[events.users]))
