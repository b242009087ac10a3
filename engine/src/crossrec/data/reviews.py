"""What people rated and wrote: a column of ratings and one of texts beside the events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.numeric.ragged import read_only
from crossrec.scenario import EventType, Scenario


@dataclass(frozen=True)
class RatingScale:
    """Lowest and highest rating, in the unit of the events' values: 1 to 5 stars."""

    low: float
    high: float

    @property
    def neutral(self) -> float:
        """The middle of the scale: what is rated above it was liked."""
        return (self.low + self.high) / 2.0

    @property
    def unit(self) -> str:
        """What a rating is counted in, for people."""
        noun = "stars" if self.high == 5.0 else "ratings"
        return f"{noun} from {self.low:g} to {self.high:g}"

    def clip(self, ratings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return predictions within the scale."""
        return np.clip(ratings, self.low, self.high)


@dataclass(frozen=True, eq=False)
class Reviews:
    """Ratings and texts of events, aligned with them. All arrays are read-only.

    Attributes
    ----------
    ratings : float64 array, shape (n,)
        In the unit of `scale`; NaN where an event rates nothing.
    numbers : int64 array, shape (n,)
        Which of `texts` an event carries, -1 for none. A text that two events share is kept once.
    texts : tuple of str
    scale : RatingScale
    vectors : mapping of str to float32 array, shape (len(texts), dim)
        Vectors of the texts by encoder name, attached by the fit path.
    """

    ratings: NDArray[np.float64]
    numbers: NDArray[np.int64]
    texts: tuple[str, ...]
    scale: RatingScale
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.ratings) != len(self.numbers):
            raise ValueError("ratings and numbers of texts must be equally long")
        object.__setattr__(self, "ratings", read_only(self.ratings))
        object.__setattr__(self, "numbers", read_only(self.numbers))
        object.__setattr__(self, "vectors", MappingProxyType(dict(self.vectors)))

    def __getstate__(self) -> dict[str, Any]:
        """Return plain values, for an executor in another process: a read-only view stays here."""
        return {**self.__dict__, "vectors": dict(self.vectors)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take back what `__getstate__` returned."""
        self.__dict__.update(state)
        self.__post_init__()

    def __len__(self) -> int:
        return len(self.ratings)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Reviews:
        """Return the chosen rows (indexes or a mask); the texts stay."""
        return replace(self, ratings=self.ratings[rows], numbers=self.numbers[rows])

    def compact(self) -> Reviews:
        """Return the reviews with only the texts that an event carries; without vectors."""
        used = np.unique(self.numbers[self.numbers >= 0])
        numbers = np.where(self.numbers < 0, -1, np.searchsorted(used, self.numbers))
        texts = tuple(self.texts[number] for number in used.tolist())
        return Reviews(self.ratings, numbers, texts, self.scale)

    def without_texts(self) -> Reviews:
        """Return the ratings alone: the control of what texts are worth."""
        return replace(self, numbers=np.full(len(self), -1, dtype=np.int64))

    def shuffled(self, seed: int) -> Reviews:
        """Return the same texts dealt out at random among the events that have one."""
        rows = np.flatnonzero(self.numbers >= 0)
        numbers = np.array(self.numbers)
        numbers[rows] = np.random.default_rng(seed).permutation(numbers[rows])
        return replace(self, numbers=numbers)

    def with_vectors(self, name: str, vectors: NDArray[np.float32]) -> Reviews:
        """Return the reviews with one more set of vectors of their texts.

        Raises
        ------
        ValueError
            If there is not one row for each text.
        """
        if len(vectors) != len(self.texts):
            raise ValueError(f"{len(vectors)} vectors of {name!r} for {len(self.texts)} texts")
        return replace(self, vectors={**self.vectors, name: read_only(vectors)})


def rating_types(scenario: Scenario) -> tuple[EventType, ...]:
    """Return the event types whose value is a rating on a declared scale."""
    return tuple(
        event
        for event in scenario.events
        if event.value == "rating" and event.value_range is not None
    )


def rating_scale(scenario: Scenario) -> RatingScale | None:
    """Return the scale of the first of the `rating_types`; None for a scenario without any."""
    for event in rating_types(scenario):
        if event.value_range is not None:
            return RatingScale(*map(float, event.value_range))
    return None


def event_ratings(
    types: NDArray[np.int64], values: NDArray[np.float64], scenario: Scenario
) -> NDArray[np.float64]:
    """Return the rating of each event on the `rating_scale` of the scenario, NaN for none.

    A type with another range is mapped to that scale, end to end; what lies outside a range is
    drawn to its end, as it is in the weights.

    Parameters
    ----------
    types : int64 array, shape (n,)
        Index into ``scenario.events``.
    values : float64 array, shape (n,)
        NaN where an event has none.
    """
    ratings = np.full(len(types), np.nan)
    scale = rating_scale(scenario)
    for event in rating_types(scenario):
        if scale is None or event.value_range is None:
            continue
        low, high = event.value_range
        rows = types == scenario.events.index(event)
        share = np.clip((values[rows] - low) / (high - low), 0.0, 1.0)
        ratings[rows] = scale.low + share * (scale.high - scale.low)
    return ratings
