"""What a policy may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crossrec.components.live_items import LiveItems
from crossrec.components.query import Query
from crossrec.components.user_state import UserState
from crossrec.numeric.arrays import among

#: Which of some items a policy would drop in a request: bool (n,).
Rule = Callable[[NDArray[np.int64], "PolicyContext"], NDArray[np.bool_]]


def _no_vectors() -> NDArray[np.float32] | None:
    return None


@dataclass(frozen=True, eq=False)
class PolicyContext:
    """What a policy may look at.

    Attributes
    ----------
    query : Query
    user : UserState
    surface : str
    items : LiveItems
        The catalog's columns and relations, as the store has them now.
    now : float
        Seconds since 1970.
    seed : int
        Of the request id: the same request id gives the same list.
    k : int
        Items that are wanted; the pool is cut to it after the last policy.
    stream : tuple of int
        Which policy of the surface it is: each draws numbers of its own.
    event_types : tuple of str
        The scenario's event types: what ``user.history.types`` points into.
    people : int64 array, shape (n_items,), or None
        How many people had evidence for each item when the events were learnt last.
    barred : int64 array, ascending
        What no policy may put in.
    rules : tuple of callable
        The method ``bars`` of every policy of the surface that has it; see `eligible`.
    """

    query: Query
    user: UserState
    surface: str
    items: LiveItems
    now: float
    seed: int
    k: int
    stream: tuple[int, ...] = ()
    event_types: tuple[str, ...] = ()
    people: NDArray[np.int64] | None = None
    barred: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    rules: tuple[Rule, ...] = ()
    read_vectors: Callable[[], NDArray[np.float32] | None] = _no_vectors

    @cached_property
    def vectors(self) -> NDArray[np.float32] | None:
        """Item vectors, float32 (n_items, dim) with rows of length 1 or 0, from the first source.

        None where no source has the capability ``vectors``, or none read any text.
        """
        return self.read_vectors()

    def eligible(self, index: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which items a policy may put in, bool (n,): not barred, dropped by no rule.

        It holds whatever the order of the policies is.
        """
        admitted = ~among(index, self.barred)
        for bars in self.rules:
            admitted &= ~bars(index, self)
        return admitted

    @cached_property
    def rng(self) -> np.random.Generator:
        """What a policy draws from; made at its first use, since most never draw."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=self.stream))
