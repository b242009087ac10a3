"""The query: `Query` at the edge (ids), `QueryBatch` inside (indexes)."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.errors import UsageError
from crossrec.numeric.ragged import Ragged


@dataclass(frozen=True)
class Query:
    """One request, in ids. The query carries the user: a new user is a history, not a retraining.

    Attributes
    ----------
    user_id : str or None
        History is read from the store unless `history` is given.
    history : tuple of str or None
        Item ids, oldest first.
    item_ids : tuple of str
        The items that an item surface is about ("more like this").
    session : tuple of str
        Items of the running session, oldest first; they follow the history.
    exclude : tuple of str
        Items that must not be returned.
    now : float or None
        Seconds since 1970; the current time where None.
    """

    user_id: str | None = None
    history: tuple[str, ...] | None = None
    item_ids: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    now: float | None = None
    surface: str | None = None
    k: int = 10

    def __post_init__(self) -> None:
        try:
            operator.index(self.k)
        except TypeError:
            raise UsageError(f"k must be a whole number, not {self.k!r}") from None
        if self.k < 1:
            raise UsageError(f"k must be 1 or more, not {self.k}")


@dataclass(frozen=True, eq=False)
class QueryBatch:
    """Queries in indexes; everything that scores takes this.

    Attributes
    ----------
    users : int64 array, shape (n,)
        User index, -1 for a user who is unknown to the fitted dataset.
    history : Ragged, n rows
        Items, oldest first, session included; for an item surface the items it is about.
    exclude : Ragged, n rows
        Items that must not be returned.
    now : float64 array, shape (n,), or None
        Time of each query in the dataset's clock; None where it has none.
    """

    users: NDArray[np.int64]
    history: Ragged
    exclude: Ragged
    now: NDArray[np.float64] | None = None

    @classmethod
    def from_histories(
        cls,
        history: Ragged,
        *,
        users: NDArray[np.int64] | None = None,
        exclude: Ragged | None = None,
        now: NDArray[np.float64] | None = None,
    ) -> QueryBatch:
        """Build a batch; users default to unknown, `exclude` to the history itself."""
        unknown = np.full(len(history), -1, dtype=np.int64)
        return cls(
            unknown if users is None else users,
            history,
            history if exclude is None else exclude,
            now,
        )

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: NDArray[np.int64]) -> QueryBatch:
        """Return the chosen queries."""
        return QueryBatch(
            self.users[rows],
            self.history.take(rows),
            self.exclude.take(rows),
            None if self.now is None else self.now[rows],
        )

    def blocks(self, size: int) -> list[NDArray[np.int64]]:
        """Return the row numbers in blocks of at most `size`."""
        return [np.arange(i, min(i + size, len(self))) for i in range(0, len(self), size)]

    def last_items(self) -> NDArray[np.int64]:
        """Return the last item of each history, int64 (n,), -1 where it is empty."""
        last = np.full(len(self), -1, dtype=np.int64)
        filled = self.history.lengths > 0
        last[filled] = self.history.values[self.history.indptr[1:][filled] - 1]
        return last
