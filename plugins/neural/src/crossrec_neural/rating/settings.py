"""The settings of the feature set `rating`; nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated

from crossrec.components.settings import Settings
from pydantic import Field

from crossrec_neural.settings import Count, Share, TrainingSettings


class RatingSettings(Settings):
    """Settings of `rating`.

    Attributes
    ----------
    encoder : str
        Name of the text vectors of items and reviews in the dataset; "" for none.
    text_size : int
        Leading directions of the vectors that are kept, of items and of reviews. On validation 4, 8
        and 16 are within noise.
    whitening : float
        As in the inputs of the neural sources.
    reviews : bool
        Whether earlier reviews are read: the user's own, and those of the item by others.
    evidence : float
        Ratings or reviews at which half of what they add up to counts.
    hidden : int
        Width of the hidden layer.
    factors : int
        Width of the vectors that users and items have of their own; 0 for none.
    dropout : float
        Share of the activations that are left out in training.
    training : TrainingSettings
        See there; `validation_share` is that of the latest ratings.
    """

    encoder: str = "transformer"
    text_size: Count = 8
    whitening: Share = 0.5
    reviews: bool = True
    evidence: Annotated[float, Field(gt=0)] = 3.0
    hidden: Count = 8
    factors: Annotated[int, Field(ge=0)] = 8
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    training: TrainingSettings = TrainingSettings(
        epochs=40, patience=6, batch_size=256, weight_decay=0.1
    )
