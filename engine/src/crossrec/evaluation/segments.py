"""Parts of the users and targets: hot, warm and cold; repeat and new."""

from __future__ import annotations

from dataclasses import dataclass

from crossrec.data.dataset import Dataset
from crossrec.data.splits import Targets
from crossrec.numeric.ragged import BoolArray

#: Training interactions from which on an item is hot.
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
    - targets: ``repeat`` is in the user's history, ``new`` is not.
    """
    rows = targets.targets.row_of
    hot = (fitted.sequences.lengths[targets.users] > 0)[rows]
    history = (targets.history.lengths > 0)[rows]
    seen = fitted.item_counts[targets.targets.values]
    repeat = targets.targets.isin(targets.history)
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
