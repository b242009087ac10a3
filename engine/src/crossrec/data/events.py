"""Events as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.data.reviews import Reviews
from crossrec.numeric.ragged import read_only

_COLUMNS = ("users", "items", "types", "times", "weights")


@dataclass(frozen=True, eq=False)
class Events:
    """Events in the order in which they were ingested. Arrays are read-only.

    Attributes
    ----------
    users, items : int64 arrays, shape (n,)
        Indexes into the vocabularies.
    types : int64 array, shape (n,)
        Index into the scenario's event types.
    times : float64 array, shape (n,)
        Seconds since 1970, or the position in the source where the set has no clock.
    weights : float32 array, shape (n,)
        Signed strength of each event; 0 for events without preference (an impression).
    reviews : Reviews, n rows, or None
        Ratings and texts, where they were read: most of what is fitted needs neither.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    types: NDArray[np.int64]
    times: NDArray[np.float64]
    weights: NDArray[np.float32]
    reviews: Reviews | None = None

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in _COLUMNS}
        if self.reviews is not None:
            lengths.add(len(self.reviews))
        if len(lengths) != 1:
            raise ValueError("the columns of events must be equally long")
        for name in _COLUMNS:
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Events:
        """Return the chosen rows (indexes or a mask)."""
        return Events(
            self.users[rows],
            self.items[rows],
            self.types[rows],
            self.times[rows],
            self.weights[rows],
            None if self.reviews is None else self.reviews.take(rows),
        )

    @classmethod
    def empty(cls) -> Events:
        """Return no events."""
        whole = np.zeros(0, dtype=np.int64)
        real = np.zeros(0)
        return cls(whole, whole, whole, real, real.astype(np.float32))

    @classmethod
    def from_columns(
        cls,
        users: object,
        items: object,
        times: object | None = None,
        weights: object | None = None,
        types: object | None = None,
    ) -> Events:
        """Build from array-likes; times default to the position, weights to 1, types to 0."""
        user = np.asarray(users, dtype=np.int64)
        n = len(user)
        return cls(
            user,
            np.asarray(items, dtype=np.int64),
            np.zeros(n, np.int64) if types is None else np.asarray(types, dtype=np.int64),
            np.arange(n, dtype=np.float64) if times is None else np.asarray(times, np.float64),
            np.ones(n, np.float32) if weights is None else np.asarray(weights, np.float32),
        )
