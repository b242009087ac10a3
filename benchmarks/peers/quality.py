"""Given lists, measured as `crossrec evaluate` measures a model: same protocol, same metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from exchange import PAD, IntArray, Job

if TYPE_CHECKING:
    from crossrec.components.candidates import Candidates
    from crossrec.components.query import QueryBatch
    from crossrec.data.dataset import Dataset
    from crossrec.data.splits import Split
    from crossrec.evaluation.protocol import EvaluationProtocol

#: Length of a list and of what is measured of it; seed of all that is random.
K, SEED = 10, 0
METRICS = (f"recall@{K}", f"ndcg@{K}")


def protocol_of(users: int | None) -> EvaluationProtocol:
    """Return the protocol: leave-one-out over the full catalog, unseen items are candidates."""
    from crossrec.evaluation.protocol import EvaluationProtocol

    return EvaluationProtocol("leave-one-out", "unseen", (K,), users=users, seed=SEED)


def split_of(dataset: Dataset, protocol: EvaluationProtocol) -> Split:
    """Return the one split of the protocol."""
    (split,) = protocol.splits(dataset)
    return split


def job_of(dataset: Dataset, split: Split, minutes: int) -> Job:
    """Return what a peer may see of a split: training, validation, and the queries of the test."""
    train, validation, test = split.train.interactions, split.validation, split.test
    return Job(
        dataset.n_users,
        dataset.n_items,
        K,
        SEED,
        minutes,
        train.users.astype(np.int64),
        train.items.astype(np.int64),
        validation.users[validation.targets.row_of],
        validation.targets.values,
        test.users,
        test.history.indptr,
        test.history.values,
    )


@dataclass(frozen=True, eq=False)
class GivenLists:
    """A model that answers with lists made elsewhere.

    Attributes
    ----------
    users : int64 array, shape (n,)
        The user of each list, ascending.
    lists : int64 array, shape (n, k)
    """

    name: str
    users: IntArray
    lists: IntArray
    fit_seconds: float = 0.0

    def top(self, queries: QueryBatch, k: int) -> Candidates:
        """Return the list of each user, cut at `k`."""
        from crossrec.components.candidates import Candidates

        rows = np.minimum(np.searchsorted(self.users, queries.users), len(self.users) - 1)
        if (self.users[rows] != queries.users).any():
            raise ValueError("a query has no list")
        index = self.lists[rows, :k]
        falling = np.broadcast_to(-np.arange(index.shape[1], dtype=np.float32), index.shape)
        return Candidates(index, np.where(index == PAD, -np.inf, falling), self.name)


def quality(dataset: Dataset, protocol: EvaluationProtocol, model: GivenLists) -> dict[str, Any]:
    """Return recall and ndcg of lists with their intervals, and remarks on unusable slots.

    Raises
    ------
    ValueError
        If the lists could not be measured: an item outside of the catalog, a missing list.
    """
    from crossrec.evaluation.evaluate import evaluate

    report = evaluate(dataset, lambda train, validation: [model], protocol)
    row = report.result(model.name)
    if row is None:
        raise ValueError(report.failed[0].error)
    return {
        "metrics": {name: row.metrics[name] for name in METRICS},
        "ci95": {name: list(row.ci95[name]) for name in METRICS},
        "remarks": [note for note in report.notes if note.startswith(f"{model.name} returned")],
    }
