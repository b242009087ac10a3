"""Users and targets apart: hot, warm and cold; repeat and new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.data.dataset import Dataset
from crossrec.data.splits import Targets
from crossrec.numeric.ragged import Ragged

BoolArray = NDArray[np.bool_]

#: Training interactions from which on an item counts as seen often.
OFTEN = 10


@dataclass(frozen=True, eq=False)
class Segment:
    """A part of the targets.

    Attributes
    ----------
    group : {"users", "items", "targets"}
    name : str
    counted : bool array, one for each target
    """

    group: str
    name: str
    counted: BoolArray


def segments_of(targets: Targets, fitted: Dataset) -> list[Segment]:
    """Cut the targets in three ways; the segments of a group are disjoint and cover all targets.

    - users: ``hot`` has interactions in what the models were fitted on, ``warm`` none there but a
      history at query time, ``cold`` none at all;
    - items: ``hot`` was seen `OFTEN` times or more in training, ``warm`` less often, ``cold``
      never;
    - targets: ``repeat`` stands in the user's history, ``new`` does not.
    """
    rows = targets.targets.row_of
    hot = (fitted.sequences.lengths[targets.users] > 0)[rows]
    history = (targets.history.lengths > 0)[rows]
    seen = fitted.item_counts[targets.targets.values]
    repeat = in_rows(targets.targets, targets.history)
    return [
        Segment("users", "hot", hot),
        Segment("users", "warm", ~hot & history),
        Segment("users", "cold", ~hot & ~history),
        Segment("items", "hot", seen >= OFTEN),
        Segment("items", "warm", (seen > 0) & (seen < OFTEN)),
        Segment("items", "cold", seen == 0),
        Segment("targets", "repeat", repeat),
        Segment("targets", "new", ~repeat),
    ]


def in_rows(rows: Ragged, others: Ragged) -> BoolArray:
    """Return for each value of `rows` whether the same row of `others` holds it too."""
    width = int(max(rows.values.max(initial=0), others.values.max(initial=0))) + 1
    mine = rows.row_of * width + rows.values
    return np.isin(mine, others.row_of * width + others.values)
