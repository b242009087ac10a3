"""How the events of some users have changed: what a source needs to learn without a fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class EventChange:
    """The events of the users whose events changed, as they were learnt and as they are now.

    A negative event takes back what its user had done before, so new events alone would not do:
    evidence is net by user and item. What one user leaves in a source does not depend on another
    user, so a source that sums subtracts `before` and adds `after`. A user who is to be forgotten
    has events before and none after.

    Attributes
    ----------
    before, after : Dataset
        Over the same users and the same catalog, those of the new state: both may be longer than
        what was learnt, never shorter. They hold no vectors.
    """

    before: Dataset
    after: Dataset

    @classmethod
    def between(
        cls,
        users: Vocabulary,
        catalog: Catalog,
        before: Events,
        after: Events,
        *,
        has_clock: bool,
    ) -> EventChange:
        """Build from the events of the changed users, each in the order of ingestion."""
        return cls(
            Dataset.build(users, catalog, before, has_clock=has_clock),
            Dataset.build(users, catalog, after, has_clock=has_clock),
        )

    @property
    def n_users(self) -> int:
        """Number of users of the new state, changed or not."""
        return self.after.n_users

    @property
    def n_items(self) -> int:
        """Number of items of the new state."""
        return self.after.n_items

    @cached_property
    def users(self) -> NDArray[np.int64]:
        """The users who have events before or after, int64, ascending."""
        return np.union1d(self.before.events.users, self.after.events.users)

    @cached_property
    def items(self) -> NDArray[np.int64]:
        """The items that count for one of these users before or after, int64, ascending."""
        return np.union1d(self.before.interactions.items, self.after.interactions.items)
