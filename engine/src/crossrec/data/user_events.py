"""The events of one user, by item id: what a store hands to a request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import read_only


@dataclass(frozen=True, eq=False)
class UserEvents:
    """Aligned read-only columns, the oldest event first.

    Attributes
    ----------
    item_ids : tuple of str, length n
    types : int64 array, shape (n,)
        Index into the scenario's event types.
    values : float64 array, shape (n,)
        NaN where an event has none.
    weights : float32 array, shape (n,)
        Signed strength, value included.
    times : float64 array, shape (n,)
        Seconds since 1970, or a position where the scenario has no clock.
    """

    item_ids: tuple[str, ...]
    types: NDArray[np.int64]
    values: NDArray[np.float64]
    weights: NDArray[np.float32]
    times: NDArray[np.float64]

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in self.__dataclass_fields__}
        if len(lengths) != 1:
            raise ValueError("the columns of events must be equally long")
        for name in ("types", "values", "weights", "times"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.item_ids)

    @classmethod
    def empty(cls) -> UserEvents:
        """Return no events: the same object every time, since nothing can change it."""
        return _NONE

    @classmethod
    def of_items(cls, item_ids: tuple[str, ...], type_: int = 0) -> UserEvents:
        """Return one event of weight 1 and one type for each item, at positions 0, 1, 2 …"""
        n = len(item_ids)
        return cls(
            item_ids,
            np.full(n, type_, dtype=np.int64),
            np.full(n, np.nan),
            np.ones(n, dtype=np.float32),
            np.arange(n, dtype=np.float64),
        )

    def where(self, keep: NDArray[np.bool_]) -> UserEvents:
        """Return the events where the mask is true."""
        chosen = np.flatnonzero(keep)
        return UserEvents(
            tuple(self.item_ids[at] for at in chosen.tolist()),
            self.types[chosen],
            self.values[chosen],
            self.weights[chosen],
            self.times[chosen],
        )

    def followed_by(self, other: UserEvents) -> UserEvents:
        """Return these events and the others behind."""
        return UserEvents(
            self.item_ids + other.item_ids,
            np.concatenate([self.types, other.types]),
            np.concatenate([self.values, other.values]),
            np.concatenate([self.weights, other.weights]),
            np.concatenate([self.times, other.times]),
        )


_NONE = UserEvents((), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.float32), np.zeros(0))
