"""The settings of the feature set `rating`; nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated

from crossrec.components.settings import Settings
from pydantic import Field

from crossrec_neural.settings import CommonTraining, Count, Share


class RatingTraining(CommonTraining):
    """How long and how fast a rater is trained.

    Attributes
    ----------
    patience : int
        Epochs without a smaller error on the held-out ratings after which training ends.
    batch_size : int
        Ratings in a batch.
    learning_rate : float
        Of AdamW; it rises over the first steps and falls to 0 in the end.
    weight_decay : float
        Of AdamW, for all weights.
    validation_share : float
        Share of the ratings, the latest ones, that is held out: to choose penalties, to stop in
        time, and to decide whether the network serves. Where that is fewer than 30, biases alone
        do.
    """

    epochs: Count = 40
    patience: Count = 6
    batch_size: Count = 256
    weight_decay: Annotated[float, Field(ge=0)] = 0.1


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
    training : RatingTraining
        See there.
    """

    encoder: str = "transformer"
    text_size: Count = 8
    whitening: Share = 0.5
    reviews: bool = True
    evidence: Annotated[float, Field(gt=0)] = 3.0
    hidden: Count = 8
    factors: Annotated[int, Field(ge=0)] = 8
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    training: RatingTraining = RatingTraining()
