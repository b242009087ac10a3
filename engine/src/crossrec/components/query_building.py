"""Queries from held-out targets."""

from __future__ import annotations

import numpy as np

from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.data.splits import Targets
from crossrec.numeric.ragged import Ragged


def queries_of(targets: Targets, fitted: Dataset, *, keep_history: bool) -> QueryBatch:
    """Return the queries that should find `targets`, for a model that was fitted on `fitted`.

    Users without an interaction in `fitted` are unknown (-1): their history is all that is known.

    Parameters
    ----------
    keep_history : bool
        Whether items of the history are candidates.
    """
    known = fitted.sequences.lengths[targets.users] > 0
    return QueryBatch(
        users=np.where(known, targets.users, -1),
        history=targets.history,
        exclude=Ragged.empty(len(targets)) if keep_history else targets.history,
        now=targets.times if fitted.has_clock else None,
    )
