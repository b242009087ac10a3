from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from crossrec.data.catalog import Catalog
from crossrec.testing.texts import text_catalog
from crossrec_text.tiny_model import save_tiny_model as saved_model


@pytest.fixture(scope="session")
def catalog_of() -> Callable[..., Catalog]:
    """Return the factory of catalogs that have texts alone."""
    return text_catalog


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
    return saved_model(folder, WORDS, seed)


@pytest.fixture(scope="session")
def word_vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Static vectors of the words and characters of the kit's toys, as Model2Vec saves them."""
    from crossrec.testing import toy
    from crossrec.testing.encoders import UNUSUAL_TEXTS

    texts = [*toy.shop().dataset.catalog.texts, *toy.checkerboard(16).dataset.catalog.texts]
    words = {word for text in (*texts, *UNUSUAL_TEXTS) for word in text.lower().split()}
    words |= {"garden", "hose", "with", "brass", "fittings", *WORDS}
    return save_word_vectors(tmp_path_factory.mktemp("static"), sorted(words))


def save_word_vectors(folder: Path, words: list[str], size: int = 64) -> Path:
    """Save a random vector for each word, and a tokenizer that knows whole words alone."""
    import numpy as np
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {word: at for at, word in enumerate(["[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    rows = np.random.default_rng(0).normal(size=(len(vocabulary), size)).astype(np.float32)
    save_file({"embeddings": rows}, folder / "model.safetensors")
    return folder
