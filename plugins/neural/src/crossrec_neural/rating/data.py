"""The ratings of a dataset as a rater reads them: rows, times, texts of items and of reviews."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.data.dataset import Dataset
from crossrec.numeric.biased_factors import RatingRows, RealArray
from crossrec.numeric.ragged import FloatArray

from crossrec_neural.inputs.columns import named_vectors
from crossrec_neural.inputs.text import TextSpace, filled
from crossrec_neural.rating.earlier import earlier_sums
from crossrec_neural.rating.settings import RatingSettings


@dataclass(frozen=True, eq=False)
class RatingSpaces:
    """How the text vectors of items and of reviews become rows."""

    items: TextSpace
    reviews: TextSpace


@dataclass(frozen=True, eq=False)
class RatingData:
    """Everything that is learnt from.

    Attributes
    ----------
    rows : RatingRows, n rows
        Sorted by (user, time).
    times : float64 array, shape (n,)
    items : float32 array, shape (n_items, d)
        Texts of the items; zero rows for those without one.
    written : float64 array, shape (n, r + 1)
        The review of each rating, and in the last column whether there is one; else zeros.
    taste : float64 array, shape (n, d)
        Mean of the texts of what the user chose before each rating.
    """

    rows: RatingRows
    times: RealArray
    items: FloatArray
    written: RealArray
    taste: RealArray
    n_users: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.items)


def read_ratings(
    name: str, dataset: Dataset, settings: RatingSettings
) -> tuple[RatingData, RatingSpaces]:
    """Return the ratings, and the spaces that were learnt of the texts.

    Raises
    ------
    ConfigError
        If the dataset has vectors, but none of the configured encoder.
    """
    vectors = named_vectors(name, settings.encoder, dataset.vectors)
    space = TextSpace.none()
    if vectors is not None:
        space = TextSpace.fit(vectors, settings.text_size, settings.whitening)
    items = np.zeros((dataset.n_items, 0), np.float32) if vectors is None else space.rows(vectors)
    written, reviews = _written(name, dataset, settings)
    rated = dataset.rated_rows
    data = RatingData(
        dataset.ratings,
        np.array(dataset.events.times[rated]),
        items,
        written,
        _taste(dataset, items)[rated],
        dataset.n_users,
    )
    return data, RatingSpaces(space, reviews)


def _written(name: str, dataset: Dataset, settings: RatingSettings) -> tuple[RealArray, TextSpace]:
    """Return the review of each rating, and the space of their texts.

    The space is learnt of the texts that ratings carry, each once; what was written in events that
    rate nothing is not read.
    """
    reviews, rated = dataset.events.reviews, dataset.rated_rows
    nothing = np.zeros((len(rated), 1)), TextSpace.none()
    if reviews is None or not settings.reviews:
        return nothing
    vectors = named_vectors(name, settings.encoder, reviews.vectors)
    numbers = reviews.numbers[rated]
    used = np.unique(numbers[numbers >= 0])
    if vectors is None or not len(used):
        return nothing
    space = TextSpace.fit(vectors[used], settings.text_size, settings.whitening)
    if not space.size:
        return nothing
    rows = space.rows(vectors[used])
    there = (numbers >= 0) & filled(vectors)[np.maximum(numbers, 0)]
    written = np.zeros((len(rated), space.size + 1))
    written[there, :-1] = rows[np.searchsorted(used, numbers[there])]
    written[there, -1] = 1.0
    return written, space


def _taste(dataset: Dataset, items: FloatArray) -> RealArray:
    """Return the mean text of what each event's user chose before it, float64 (n_events, d)."""
    events = dataset.events
    chosen = (events.weights > 0).astype(np.float64)[:, None]
    texts = items[events.items] * chosen
    sums = earlier_sums(events.users, events.times, np.concatenate([texts, chosen], axis=1))
    taste: RealArray = sums[:, :-1] / np.maximum(sums[:, -1:], 1.0)
    return taste
