"""What components are fitted on: users, items and events of one scenario. Immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.data.catalog import Catalog
from crossrec.data.events import Events
from crossrec.data.linked import LinkedHistories
from crossrec.data.net_evidence import net_evidence
from crossrec.data.profiles import ProfileColumn
from crossrec.data.reviews import Reviews
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.biased_factors import RatingRows
from crossrec.numeric.ragged import Ragged, read_only
from crossrec.scenario import EventType


@dataclass(frozen=True, eq=False)
class Dataset:
    """Events over a catalog, sorted by (user, time, original row). All arrays are read-only.

    Interactions are positive events of people whose events about the item add up to more than
    nothing (`net_evidence`). They make the sequences and the matrix.
    Negative events are kept in `events` and reach `disliked`.

    Attributes
    ----------
    users : Vocabulary
    catalog : Catalog
    events : Events
        All events, sorted by (user, time, original row).
    has_clock : bool
        Whether times are seconds. Where False they are positions only, and what needs a clock
        (windows, half-lives in days, a temporal split) must refuse or fall back.
    vectors : mapping of str to float32 array, shape (n_items, dim)
        Item vectors by encoder name, attached by the fit path.
    profiles : mapping of str to ProfileColumn
        What is known of the users, by the name of the field.
    event_types : tuple of EventType
        What the scenario declares of its events; ``events.types`` are places in it. Empty where
        nothing is known of them.
    linked : LinkedHistories, optional
        What users did in other scenarios; None where nobody agreed to its use here.
    """

    users: Vocabulary
    catalog: Catalog
    events: Events
    has_clock: bool
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    profiles: Mapping[str, ProfileColumn] = field(default_factory=dict)
    event_types: tuple[EventType, ...] = ()
    linked: LinkedHistories | None = None

    @classmethod
    def build(
        cls, users: Vocabulary, catalog: Catalog, events: Events, *, has_clock: bool
    ) -> Dataset:
        """Sort `events` stably by (user, time, original row) and wrap them."""
        order = np.lexsort((np.arange(len(events)), events.times, events.users))
        return cls(users, catalog, events.take(order), has_clock)

    @property
    def n_users(self) -> int:
        """Number of users in the vocabulary."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """Number of items in the vocabulary."""
        return len(self.catalog)

    @cached_property
    def interactions(self) -> Events:
        """The events that count, with their net weights, sorted by (user, time, original row)."""
        counted = self.events.take(self.interaction_rows)
        return replace(counted, weights=self._net[self.interaction_rows])

    @cached_property
    def interaction_rows(self) -> NDArray[np.int64]:
        """Where the interactions stand in `events`, int64, ascending."""
        return read_only(np.flatnonzero(self._net > 0))

    @cached_property
    def _net(self) -> NDArray[np.float32]:
        events = self.events
        return net_evidence(events.users, events.items, events.weights)

    @cached_property
    def sequences(self) -> Ragged:
        """Items of each user's interactions, oldest first; row = user index."""
        events = self.interactions
        return Ragged.grouped(events.users, events.items, self.n_users).read_only()

    @cached_property
    def disliked(self) -> Ragged:
        """Items of each user's negative events; row = user index."""
        negative = self.events.take(self.events.weights < 0)
        return Ragged.grouped(negative.users, negative.items, self.n_users).read_only()

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """Number of interactions of each item, int64 (n_items,)."""
        return read_only(np.bincount(self.interactions.items, minlength=self.n_items))

    @cached_property
    def item_people(self) -> NDArray[np.int64]:
        """How many people have an interaction with each item, int64 (n_items,)."""
        distinct = self.sequences.distinct()
        return read_only(np.bincount(distinct.values, minlength=self.n_items))

    @cached_property
    def item_evidence(self) -> NDArray[np.float64]:
        """Sum of the net weights of each item's interactions, float64 (n_items,)."""
        events = self.interactions
        total = np.bincount(events.items, weights=events.weights, minlength=self.n_items)
        return read_only(total.astype(np.float64, copy=False))

    @cached_property
    def rated_rows(self) -> NDArray[np.int64]:
        """Where the ratings stand in `events`, int64, ascending; none where they were not read."""
        reviews = self.events.reviews
        rated = np.zeros(0) if reviews is None else ~np.isnan(reviews.ratings)
        return read_only(np.flatnonzero(rated))

    @cached_property
    def ratings(self) -> RatingRows:
        """The ratings, sorted by (user, time, original row)."""
        events = self.events.take(self.rated_rows)
        values = np.zeros(0) if events.reviews is None else events.reviews.ratings
        return RatingRows(events.users, events.items, values)

    def matrix(self, *, binary: bool = False) -> Any:
        """Return users × items as a scipy CSR matrix, float32.

        Parameters
        ----------
        binary : bool
            1 where a user has any interaction with an item, instead of the summed weights.
        """
        from scipy.sparse import csr_matrix

        events = self.interactions
        shape = (self.n_users, self.n_items)
        matrix = csr_matrix((events.weights, (events.users, events.items)), shape, np.float32)
        matrix.sum_duplicates()
        if binary:
            matrix.data[:] = 1.0
        return matrix

    def with_events(self, events: Events) -> Dataset:
        """Return the same users and catalog with other events, e.g. those before a cut."""
        fresh = Dataset.build(self.users, self.catalog, events, has_clock=self.has_clock)
        return replace(
            fresh,
            vectors=self.vectors,
            profiles=self.profiles,
            event_types=self.event_types,
            linked=self.linked,
        )

    def with_reviews(self, reviews: Reviews) -> Dataset:
        """Return the dataset with other reviews of the same events."""
        return replace(self, events=replace(self.events, reviews=reviews))

    def with_vectors(self, name: str, vectors: NDArray[np.float32]) -> Dataset:
        """Return the dataset with one more set of item vectors.

        Raises
        ------
        ValueError
            If there is not one row for each item.
        """
        if len(vectors) != self.n_items:
            raise ValueError(f"{len(vectors)} vectors of {name!r} for {self.n_items} items")
        return replace(self, vectors={**self.vectors, name: read_only(vectors)})
