"""Closed sets: a model names things of a list by handles, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class ClosedSet:
    """Ids that a model may choose among; it sees handles (``c1``, ``c2`` …) in their place.

    An id that an answer makes up, or that a text smuggles in, is so in no answer; and the ids of a
    catalogue stay here.
    """

    ids: tuple[str, ...]

    @cached_property
    def handles(self) -> tuple[str, ...]:
        """The handle of each id."""
        return tuple(f"c{at}" for at in range(1, len(self.ids) + 1))

    def chosen(self, handles: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the ids of an answer, each once, and the handles that are none."""
        known = dict(zip(self.handles, self.ids, strict=True))
        wanted = [handle.strip() for handle in handles]
        ids = dict.fromkeys(known[handle] for handle in wanted if handle in known)
        return tuple(ids), tuple(handle for handle in wanted if handle not in known)
