"""What a feature set with the capability ``rate`` does."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crossrec.components.protocols import FeatureSource
from crossrec.components.query import QueryBatch
from crossrec.data.event_change import EventChange

#: The capability: fits read ratings and texts of events where a set of the pipeline declares it.
RATE = "rate"


class RatingSource(FeatureSource, Protocol):
    """A feature set with the capability ``rate``: it predicts what a user would rate.

    It is fitted on a dataset whose events have `reviews`. The text that a user wrote about an item
    is never an input of the predicted rating of that pair. It declares ``forget`` too, since it
    keeps what users rated and wrote in some form.
    """

    def rate(self, queries: QueryBatch, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return predicted ratings, float32 (n, m) in the unit of the events' values.

        Unknown users and empty histories are valid queries.

        Parameters
        ----------
        index : int64 array, shape (n, m)
            Item indexes; NaN is returned at `PAD`, for items that came after the fit, and
            everywhere where the fit had no ratings.
        """
        ...

    def rate_texts(self, queries: QueryBatch, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return predicted ratings of texts that are no items, float32 (n, m).

        Parameters
        ----------
        vectors : float32 array, shape (m, dim)
            Of the texts, by the pipeline's encoder.
        """
        ...

    def forget(self, change: EventChange) -> None:
        """Take out the users of the change, who have events before and none after.

        Called on a shallow copy, so it replaces what it changes and writes into nothing.
        """
        ...
