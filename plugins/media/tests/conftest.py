from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing.toy import SCHEMA


@pytest.fixture(scope="session")
def catalog_of() -> Callable[..., Catalog]:
    """Build a catalogue of items a, b, c … from columns."""

    def make(*titles: str, **columns: list[Any]) -> Catalog:
        ids = [chr(ord("a") + at) for at in range(len(titles))]
        records = {
            id_: {"title": title, **{name: values[at] for name, values in columns.items()}}
            for at, (id_, title) in enumerate(zip(ids, titles, strict=True))
        }
        return Catalog.from_records(Vocabulary(ids), records, SCHEMA)

    return make


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real vision transformer with random weights, saved as folders on the hub are."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("models") / "tiny-vit"
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=16,
        patch_size=4,
    )
    transformers.ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    size = '{"size": {"height": 16, "width": 16}, "image_mean": [0.5, 0.5, 0.5], '
    (folder / "preprocessor_config.json").write_text(size + '"image_std": [0.5, 0.5, 0.5]}')
    return folder
