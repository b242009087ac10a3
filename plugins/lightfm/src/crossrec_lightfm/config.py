"""The settings of `lightfm`."""

from __future__ import annotations

from typing import Annotated

from crossrec.components.settings import Settings
from pydantic import Field


class LightFmConfig(Settings):
    """Settings of `lightfm`.

    Attributes
    ----------
    embedding_size : int
        Length of the factors.
    epochs : int
        Passes over the interactions.
    learning_rate : float
        Initial learning rate of Adagrad.
    reg : float
        L2 penalty on users and item features.
    own_weight : float
        Share of a known user's own embedding; the rest is the mean of the history. An even mix
        beats either alone on the validation items of Scientific (.119 against .116 and .118
        recall@10) and ML-1M (.086 against .084 and .077).
    max_sampled : int
        The most negative items that are drawn for one interaction.
    max_features : int
        How many of the most frequent words, categories and creators are features.
    """

    embedding_size: Annotated[int, Field(ge=1, le=1024)] = 64
    epochs: Annotated[int, Field(ge=1)] = 30
    learning_rate: Annotated[float, Field(gt=0)] = 0.05
    reg: Annotated[float, Field(ge=0)] = 1e-4
    own_weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_sampled: Annotated[int, Field(ge=1)] = 10
    max_features: Annotated[int, Field(ge=0)] = 2000
