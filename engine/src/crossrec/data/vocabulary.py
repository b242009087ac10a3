"""Ids outside, indexes inside: the one place where they meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


class Vocabulary:
    """Immutable mapping between ids (strings) and indexes (0, 1, 2, …), in the order given."""

    __slots__ = ("_ids", "_index")

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._ids: list[str] = list(ids)
        self._index: dict[str, int] = {id_: i for i, id_ in enumerate(self._ids)}
        if len(self._index) != len(self._ids):
            raise ValueError("a vocabulary cannot hold the same id twice")

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._ids == other._ids

    def __hash__(self) -> int:
        return hash(tuple(self._ids))

    @property
    def ids(self) -> Sequence[str]:
        """All ids in the order of their indexes. Do not modify."""
        return self._ids

    def id(self, index: int) -> str:
        """Return the id at `index`."""
        return self._ids[index]

    def index(self, id_: str) -> int:
        """Return the index of `id_`, or -1 where it is unknown."""
        return self._index.get(id_, -1)

    def indexes(self, ids: Iterable[str]) -> NDArray[np.int64]:
        """Return the index of each id, int64, -1 where unknown."""
        get = self._index.get
        return np.array([get(id_, -1) for id_ in ids], dtype=np.int64)
