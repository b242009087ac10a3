"""Fields of users as numbers of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import IntArray
from numpy.typing import NDArray


@dataclass(frozen=True)
class ProfileSpace:
    """The values of some fields that have an embedding: those of two users or more.

    Attributes
    ----------
    values : mapping of field to tuple of str
        The most frequent value first.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def fit(cls, name: str, dataset: Dataset, fields: Sequence[str]) -> ProfileSpace:
        """Collect the values of some fields.

        Raises
        ------
        ConfigError
            If no user has one of them.
        """
        values: dict[str, tuple[str, ...]] = {}
        for one in fields:
            if one not in dataset.profiles:
                known = ", ".join(dataset.profiles)
                hint = f"there are: {known}" if known else "ingest them with --users"
                raise ConfigError(f"{name}: inputs.user_fields: no user has a {one!r}; {hint}")
            column = dataset.profiles[one]
            counts = np.bincount(column.numbers + 1, minlength=len(column.values) + 1)[1:]
            kept = [at for at in np.argsort(-counts, kind="stable").tolist() if counts[at] >= 2]
            values[one] = tuple(column.values[at] for at in kept)
        return cls(values)

    def of_users(self, dataset: Dataset) -> IntArray:
        """Return the numbers of all users of a dataset, int64 (n_users, fields)."""
        rows = np.zeros((dataset.n_users, len(self.values)), dtype=np.int64)
        for at, (name, known) in enumerate(self.values.items()):
            column = dataset.profiles.get(name)
            if column is not None:
                rows[:, at] = np.array([*_numbers(known, column.values), 0])[column.numbers]
        return rows

    def rows(self, profile: Mapping[str, NDArray[np.str_]], n: int) -> IntArray:
        """Return the numbers of queries, int64 (n, fields): from 1 on, 0 for what is not known."""
        rows = np.zeros((n, len(self.values)), dtype=np.int64)
        for at, (name, known) in enumerate(self.values.items()):
            if name in profile:
                rows[:, at] = _numbers(known, profile[name].tolist())
        return rows


def _numbers(known: Sequence[str], values: Sequence[str]) -> list[int]:
    """Return where values stand among the known ones, counted from 1; 0 where they do not."""
    codes = {value: at for at, value in enumerate(known, start=1)}
    return [codes.get(value, 0) for value in values]
