"""What a fit costs: the size of the data, and time and memory as they are estimated from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from crossrec.components.machine import machine_speed
from crossrec.data.dataset import Dataset


@dataclass(frozen=True)
class DatasetSize:
    """How much there is to learn from.

    Attributes
    ----------
    users, items, events : int
    interactions : int
        Events that count as positive (`Dataset.interactions`).
    active_items : int
        Items with an interaction.
    pairs : int
        Sum over the users of the square of their distinct items: what co-occurrence counts.
    texts, characters : int
        Distinct texts of the items that are not blank, and their length in all.
    queries : int
        Queries that are answered after the fit, as a validation asks them.
    contents : tuple of str
        The distinct texts themselves, for who keeps a cache of them; may be empty.
    """

    users: int = 0
    items: int = 0
    events: int = 0
    interactions: int = 0
    active_items: int = 0
    pairs: int = 0
    texts: int = 0
    characters: int = 0
    queries: int = 0
    contents: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, dataset: Dataset, queries: int = 0) -> DatasetSize:
        """Return the size of a dataset, with the full texts of its items."""
        lengths = dataset.sequences.distinct().lengths.astype(np.float64)
        size = cls(
            users=dataset.n_users,
            items=dataset.n_items,
            events=len(dataset.events),
            interactions=len(dataset.interactions),
            active_items=int((dataset.item_counts > 0).sum()),
            pairs=int(np.square(lengths).sum()),
            queries=queries,
        )
        return size.with_texts(dataset.catalog.texts)

    def with_texts(self, texts: Iterable[str]) -> DatasetSize:
        """Return the size with other texts, such as the titles."""
        distinct = tuple(dict.fromkeys(text for text in texts if text.strip()))
        length = sum(len(text) for text in distinct)
        return replace(self, texts=len(distinct), characters=length, contents=distinct)

    @property
    def history(self) -> float:
        """Distinct items of the history of a typical interaction's user: pairs / interactions."""
        return self.pairs / max(self.interactions, 1)


@dataclass(frozen=True)
class Cost:
    """What one fit is estimated to need, with the answers to ``size.queries`` queries.

    Attributes
    ----------
    seconds : float
    memory : int
        Bytes beyond those of the dataset, at the highest moment.
    """

    seconds: float
    memory: int

    @classmethod
    def of(cls, *, dense: float = 0.0, scattered: float = 0.0, memory: float = 0.0) -> Cost:
        """Return the cost on this machine of work that was timed on the reference machine.

        Parameters
        ----------
        dense : float
            Reference seconds in products of matrices and other work on all cores.
        scattered : float
            Reference seconds of gathering, sorting, sparse matrices and Python, on one core.
        memory : float
            Bytes.
        """
        speed = machine_speed()
        return cls(dense * speed.dense + scattered * speed.scattered, int(memory))

    def plus(self, other: Cost) -> Cost:
        """Return the cost of one after the other: seconds add up, memory is used again."""
        return Cost(self.seconds + other.seconds, max(self.memory, other.memory))

    @property
    def is_sound(self) -> bool:
        """Whether both numbers are finite and not negative."""
        return bool(np.isfinite(self.seconds) and self.seconds >= 0 and self.memory >= 0)
