"""What is known of users beside their events: columns of the users table, as categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import IntArray, read_only

#: Longer texts are no category.
LONGEST = 64


@dataclass(frozen=True, eq=False)
class ProfileColumn:
    """One field of all users of a dataset.

    Attributes
    ----------
    values : tuple of str
        Distinct, in the order of their first occurrence.
    numbers : int32 array, shape (n_users,)
        Which of them each user has, -1 where it is not known.
    """

    values: tuple[str, ...]
    numbers: NDArray[np.int32]

    def of(self, users: IntArray) -> NDArray[np.str_]:
        """Return the values of some users, "" where one is not known."""
        return self._names[self.numbers[users]]

    @cached_property
    def _names(self) -> NDArray[np.str_]:
        return np.array([*self.values, ""])  # the last one is that of -1


def profile_columns(
    users: Vocabulary, records: Mapping[str, Mapping[str, Any]]
) -> dict[str, ProfileColumn]:
    """Return the fields of users by name; those in which no user has a category are left out.

    Parameters
    ----------
    records : mapping of user id to fields
        Of some or all of the users.
    """
    numbers: dict[str, NDArray[np.int32]] = {}
    values: dict[str, dict[str, int]] = {}
    for id_, fields in records.items():
        at = users.index(id_)
        for name, given in fields.items():
            value = profile_value(given)
            if at < 0 or not value:
                continue
            if name not in numbers:
                numbers[name] = np.full(len(users), -1, dtype=np.int32)
            known = values.setdefault(name, {})
            numbers[name][at] = known.setdefault(value, len(known))
    return {name: ProfileColumn(tuple(values[name]), read_only(numbers[name])) for name in numbers}


def profile_value(given: Any) -> str:
    """Return a field as a category: numbers and short texts; "" for everything else."""
    if isinstance(given, float):
        return f"{given:g}" if np.isfinite(given) else ""
    text = str(given).strip() if isinstance(given, (str, int)) else ""
    return text if len(text) <= LONGEST else ""
