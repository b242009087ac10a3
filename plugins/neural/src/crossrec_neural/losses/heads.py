"""Heads beside the next item: its category, whether an event is engagement, how it is rated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import IntArray
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from crossrec_neural.settings import HeadName


@dataclass(frozen=True, eq=False)
class LabelledEvents:
    """All events of the users with a history before them: also impressions and dislikes.

    Attributes
    ----------
    at : int64 array, shape (n,), ascending
        Place of the interaction before the event, in ``dataset.sequences.values``.
    items : int64 array, shape (n,)
    weights : float32 array, shape (n,)
        Signed weight over the largest of the dataset: 0 for an impression, negative for a dislike.
    """

    at: IntArray
    items: IntArray
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, dataset: Dataset, stops: IntArray) -> LabelledEvents:
        """Collect the events whose history ends before `stops`, int64 (n_users,).

        A stop is a place in ``dataset.sequences.values``: what comes from it on is held out.
        """
        events, starts = dataset.events, dataset.sequences.indptr[:-1]
        counted = np.zeros(len(events), dtype=np.int64)
        counted[dataset.interaction_rows] = 1
        before = np.cumsum(counted) - counted  # interactions of all users before each event
        keep = (before > starts[events.users]) & (before < stops[events.users])
        largest = float(np.abs(events.weights).max(initial=0.0)) or 1.0
        return cls(before[keep] - 1, events.items[keep], events.weights[keep] / np.float32(largest))

    def moved(self, places: IntArray) -> LabelledEvents:
        """Return the same events where interaction `i` stands at ``places[i]``."""
        return LabelledEvents(places[self.at], self.items, self.weights)

    def within(self, starts: IntArray, lengths: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return the events whose state is in some windows: window, place in it, number here."""
        first = np.searchsorted(self.at, starts)
        last = np.searchsorted(self.at, starts + lengths)
        count = last - first
        window = np.repeat(np.arange(len(starts)), count)
        offset = np.arange(len(window)) - np.repeat(np.cumsum(count) - count, count)
        number = first[window] + offset
        return window, self.at[number] - starts[window], number


class Heads(nn.Module):
    """What is predicted from the states beside the next item, each with its weight.

    Parameters
    ----------
    categories : int64 array
        Which of the `n_tags` tags, numbered from 1 on, are categories.
    """

    def __init__(
        self, weights: dict[HeadName, float], size: int, n_tags: int, categories: IntArray
    ) -> None:
        super().__init__()
        self.weights = dict(weights)
        other = np.ones(n_tags + 1, dtype=bool)
        other[categories] = False
        self.register_buffer("other", torch.from_numpy(other), persistent=False)
        named = "category" in weights and len(categories) > 0
        self.category = nn.Linear(size, n_tags + 1) if named else None
        self.engagement = nn.Linear(size, 1) if "engagement" in weights else None
        self.rating = nn.Linear(size, 1) if "rating" in weights else None

    @property
    def reads_events(self) -> bool:
        """Whether `events` has anything to learn."""
        return self.engagement is not None or self.rating is not None

    def next_item(self, states: Tensor, tags: Tensor) -> Tensor | None:
        """Return the weighted loss of the next item's category; None without that head.

        Parameters
        ----------
        states : tensor, shape (m, size)
        tags : int64 tensor, shape (m, width)
            Tags of the next item, 0 for none.
        """
        if self.category is None:
            return None
        other: Tensor = self.get_buffer("other")
        named = ~other[tags]
        logits = self.category(states).masked_fill(other, float("-inf"))
        right = logits.log_softmax(dim=1).gather(1, tags).masked_fill(~named, 0.0).sum(dim=1)
        count = named.sum(dim=1)
        mean: Tensor = (right / count.clamp(min=1)).sum() / (count > 0).sum().clamp(min=1)
        return -self.weights["category"] * mean

    def events(self, states: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted losses of events: cross-entropy of engagement, error of rating.

        Parameters
        ----------
        states, vectors : tensors, shape (m, size)
            Before each event, and of its item.
        labels : float32 tensor, shape (m,)
            Signed weights. Engagement is learnt where they are not negative, rating where not 0.
        """
        both, loss = states * vectors, states.new_zeros(())
        shown, rated = labels >= 0, labels != 0
        if self.engagement is not None and bool(shown.any()):
            guess = self.engagement(both[shown])[:, 0]
            right = (labels[shown] > 0).to(guess)
            entropy = binary_cross_entropy_with_logits(guess, right)
            loss = loss + self.weights["engagement"] * entropy
        if self.rating is not None and bool(rated.any()):
            guess = self.rating(both[rated])[:, 0]
            loss = loss + self.weights["rating"] * mse_loss(guess, labels[rated])
        return loss
