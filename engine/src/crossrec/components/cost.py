"""What a fit costs: the size of the data, and time and memory as they are estimated from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        Of the component's own work.
    memory : int
        Bytes beyond those of the dataset, at the highest moment.
    shared : mapping of str to float
        Seconds of work by name that is done once for all components and fits that name it, such as
        relating texts.
    again : float or None
        Seconds of a `refit`, where the source declares one; None where it takes as long.
    """

    seconds: float
    memory: int
    shared: Mapping[str, float] = field(default_factory=dict)
    again: float | None = None

    @classmethod
    def of(
        cls,
        *,
        dense: float = 0.0,
        scattered: float = 0.0,
        memory: float = 0.0,
        shared: Mapping[str, float] | None = None,
    ) -> Cost:
        """Return the cost on this machine of work that was timed on the reference machine.

        Parameters
        ----------
        dense : float
            Reference seconds of one core in products of matrices, which all cores share.
        scattered : float
            Reference seconds of gathering, sorting, sparse matrices and Python, on one core.
        memory : float
            Bytes.
        shared : mapping of str to float, optional
            Seconds on this machine.
        """
        speed = machine_speed()
        seconds = dense * speed.dense / speed.cores + scattered * speed.scattered
        return cls(seconds, int(memory), dict(shared or {}))

    @property
    def total(self) -> float:
        """Seconds where nobody else has done what is shared."""
        return self.seconds + sum(self.shared.values())

    @property
    def second(self) -> Cost:
        """The cost of the fit on all events, after that before the cut."""
        return self if self.again is None else replace(self, seconds=self.again, again=None)

    def plus(self, other: Cost) -> Cost:
        """Return the cost of both in turn: memory is used again, and so is what is shared."""
        shared = {
            name: max(self.shared.get(name, 0.0), other.shared.get(name, 0.0))
            for name in {**self.shared, **other.shared}
        }
        return Cost(self.seconds + other.seconds, max(self.memory, other.memory), shared)

    @property
    def is_sound(self) -> bool:
        """Whether all numbers are finite and none is negative."""
        every = (self.seconds, self.memory, self.again or 0.0, *self.shared.values())
        return all(bool(np.isfinite(one)) and one >= 0 for one in every)


#: Nothing at all.
NO_COST = Cost(0.0, 0)
