"""Settings of the encoders over packaged weights."""

from __future__ import annotations

from typing import Annotated

from crossrec.components.settings import Settings
from pydantic import Field

_Characters = Annotated[int, Field(ge=16, le=100_000)]


class CutSettings(Settings):
    """Settings of an encoder that reads the first part of a text.

    Attributes
    ----------
    max_characters : int
        Longer texts are cut; the time to encode grows with it.
    """

    max_characters: _Characters = 300


class E5Config(CutSettings):
    """Settings of the encoder ``e5``."""


class UseConfig(CutSettings):
    """Settings of the encoder ``use``."""


class MiniLmInt8Config(Settings):
    """Settings of the encoder ``minilm-int8``.

    Attributes
    ----------
    max_tokens : int
        Longer texts are cut; the time to encode grows faster than this.
    batch_size : int
        Texts that pass through the model at once; with more than a few it is slower.
    """

    max_tokens: Annotated[int, Field(ge=8, le=512)] = 64
    batch_size: Annotated[int, Field(ge=1)] = 8


class StaticConfig(Settings):
    """Settings of the encoder ``static``.

    Attributes
    ----------
    model : str
        A transformer as `transformer` takes it, of which a vector for each token is distilled once
        and kept in the workspace's cache; or the folder of such vectors, as Model2Vec saves them.
    embedding_size : int
        Dimensions that are kept of a distilled model.
    """

    model: str = "all-MiniLM-L6-v2"
    embedding_size: Annotated[int, Field(ge=2, le=4096)] = 256
