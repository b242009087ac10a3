"""Behaviour relations between given candidates and a given history, all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec.numeric.sparse import gathered_rows

from crossrec_backbone.relations.behaviour import Behaviour


class BehaviourPairs:
    """All behaviour relations and the joint counts, stacked in one CSR matrix.

    Row ``j · n + i`` is item i under the j-th relation.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        from scipy.sparse import vstack

        self.names = (*behaviour.relations, "joint")
        self._n_items = behaviour.n_items
        stacked: Any = vstack([*behaviour.relations.values(), behaviour.joint], format="csr")
        self._columns, self._values = stacked.indices, stacked.data
        self._bounds = stacked.indptr.astype(np.int64)

    def pairs(self, candidates: IntArray, history: IntArray) -> FloatArray:
        """Return each relation from each history item to each candidate; 0 where there is none.

        Candidates must be distinct.

        Returns
        -------
        float32 array, shape (len(names), len(history), len(candidates))
        """
        kinds = np.arange(len(self.names))[:, None] * self._n_items
        at, bounds = gathered_rows(self._bounds, (kinds + history).ravel())
        place = np.full(self._n_items, -1, dtype=np.int32)  # one for each call: threads serve
        place[candidates] = np.arange(len(candidates), dtype=np.int32)
        column = place.take(self._columns.take(at))
        hit = np.flatnonzero(column >= 0)
        row = np.searchsorted(bounds, hit, side="right") - 1
        out = np.zeros((len(bounds) - 1, len(candidates)), dtype=np.float32)
        out[row, column.take(hit)] = self._values.take(at.take(hit))
        return out.reshape(len(self.names), len(history), len(candidates))
