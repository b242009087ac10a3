"""What people of one scenario did in others, of those who agreed to its use here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import Ragged, read_only


@dataclass(frozen=True, eq=False)
class LinkedHistories:
    """Histories from other scenarios, for users of this one. Arrays are read-only.

    Attributes
    ----------
    catalog : Catalog
        The items of the other scenarios; ids are those that `linked_id` makes.
    users : int64 array, shape (n,)
        Indexes of users of this scenario, ascending and distinct.
    histories : Ragged, n rows
        Indexes into `catalog`, oldest first.
    people : int
        All who have a linked history: `users`, and those who have no event here yet.
    vectors : mapping of str to float32 array, shape (len(catalog), dim)
        Vectors of `catalog` by encoder name, in one space with those of the scenario's own items.
    """

    catalog: Catalog
    users: NDArray[np.int64]
    histories: Ragged
    people: int = 0
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "users", read_only(self.users))
        object.__setattr__(self, "histories", self.histories.read_only())

    def with_vectors(self, name: str, vectors: NDArray[np.float32]) -> LinkedHistories:
        """Return the same histories with one more set of item vectors."""
        return replace(self, vectors={**self.vectors, name: read_only(vectors)})

    def of_users(self, users: NDArray[np.int64]) -> Ragged:
        """Return the linked history of each user, empty where there is none."""
        order = np.searchsorted(self.users, users)
        at = np.minimum(order, max(len(self.users) - 1, 0))
        found = self.users[at] == users if len(self.users) else np.zeros(len(users), dtype=bool)
        empty = np.zeros(0, dtype=np.int64)
        rows = [
            self.histories.row(row) if known else empty
            for row, known in zip(at.tolist(), found.tolist(), strict=True)
        ]
        return Ragged.from_rows(rows)

    def learnt_from(self) -> dict[str, Any]:
        """Return what a fit may learn of it as arrays and texts, for a digest."""
        vectors = {f"linked vectors {name}": one for name, one in self.vectors.items()}
        histories = {"linked values": self.histories.values, "linked rows": self.histories.indptr}
        return {"linked users": self.users, **histories, **vectors}


def linked_id(scenario: str, item_id: str) -> str:
    """Return the id of another scenario's item; the name of a scenario has no slash."""
    return f"{scenario}/{item_id}"
