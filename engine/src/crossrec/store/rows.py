"""Validated events on their way into a store: columns, with strings coded as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of strings: row `i` holds ``values[codes[i]]``.

    Attributes
    ----------
    codes : int64 array, shape (n,)
    values : sequence of str
        Distinct, in the order of their first row. Not every value needs a row.
    """

    codes: NDArray[np.int64]
    values: Sequence[str]

    @classmethod
    def of(cls, strings: Sequence[str]) -> Coded:
        """Code a sequence of strings."""
        index: dict[str, int] = {}
        codes = [index.setdefault(string, len(index)) for string in strings]
        return cls(np.array(codes, dtype=np.int64), list(index))

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Coded:
        """Return the chosen rows; values without a row are dropped."""
        chosen = self.codes[rows]
        fresh, first = np.unique(chosen, return_index=True)
        fresh = fresh[np.argsort(first, kind="stable")]
        renumber = np.zeros(len(self.values), dtype=np.int64)
        renumber[fresh] = np.arange(len(fresh))
        return Coded(renumber[chosen], [self.values[code] for code in fresh.tolist()])

    def strings(self) -> list[str]:
        """Return one string for each row."""
        values = self.values
        return [values[code] for code in self.codes.tolist()]


@dataclass(frozen=True, eq=False)
class EventRows:
    """Good events of one batch, in the order of their source.

    Attributes
    ----------
    users, items : Coded
        Ids.
    types : Coded
        Names of the scenario's event types.
    times : float64 array, shape (n,), or None
        Seconds since 1970; None where the source has only an order.
    values : float64 array, shape (n,)
        NaN where an event has none.
    keys : int64 array, shape (n,)
        Identity of each event: a store keeps one event for each key.
    texts : Coded or None
        What was written with each event, "" where it has none; None where no event has any.
    positions : float64 array, shape (n,), or None
        Of events without times: where each stands, the same for those of one session. None where
        each has the place of its own number.
    """

    users: Coded
    items: Coded
    types: Coded
    times: NDArray[np.float64] | None
    values: NDArray[np.float64]
    keys: NDArray[np.int64]
    texts: Coded | None = None
    positions: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> EventRows:
        """Return the chosen rows (indexes or a mask)."""
        return EventRows(
            self.users.take(rows),
            self.items.take(rows),
            self.types.take(rows),
            None if self.times is None else self.times[rows],
            self.values[rows],
            self.keys[rows],
            None if self.texts is None else self.texts.take(rows),
            None if self.positions is None else self.positions[rows],
        )
