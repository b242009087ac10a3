from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged


@pytest.fixture(scope="session")
def catalog_of() -> Callable[..., Catalog]:
    def build(texts: Sequence[str], titles: Sequence[str] | None = None) -> Catalog:
        n = len(texts)
        return Catalog(
            items=Vocabulary(f"i{at}" for at in range(n)),
            titles=tuple(texts if titles is None else titles),
            texts=tuple(texts),
            categories=((),) * n,
            creators=("",) * n,
            known=np.ones(n, dtype=bool),
        )

    return build


@pytest.fixture(scope="session")
def dataset_of(catalog_of: Callable[..., Catalog]) -> Callable[..., Dataset]:
    """A dataset without a single user or event, since text needs none."""

    def build(
        texts: Sequence[str],
        titles: Sequence[str] | None = None,
        vectors: Any = None,
        name: str = "transformer",
    ) -> Dataset:
        catalog = catalog_of(texts, titles)
        dataset = Dataset.build(Vocabulary(), catalog, Events.empty(), has_clock=False)
        if vectors is None:
            return dataset
        return dataset.with_vectors(name, np.asarray(vectors, dtype=np.float32))

    return build


@pytest.fixture(scope="session")
def queries_of() -> Callable[..., QueryBatch]:
    def build(*histories: Sequence[int], exclude: Sequence[Sequence[int]] | None = None) -> Any:
        excluded = None if exclude is None else Ragged.from_rows(exclude)
        return QueryBatch.from_histories(Ragged.from_rows(histories), exclude=excluded)

    return build


WORDS = [
    "wireless",
    "computer",
    "mouse",
    "nail",
    "polish",
    "lacquer",
    "red",
    "blue",
    "drill",
    "bit",
    "steel",
    "set",
]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real BERT with random weights and a real tokenizer, saved as folders on the hub are."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", seed=0)


@pytest.fixture(scope="session")
def make_tiny_model() -> Callable[..., Path]:
    return save_tiny_model


def save_tiny_model(folder: Path, seed: int) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: at for at, word in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=32,
    )
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder
