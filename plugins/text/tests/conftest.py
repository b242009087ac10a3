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
