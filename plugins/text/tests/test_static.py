"""Static vectors: the mean of a text's tokens, distilled once from a transformer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from crossrec.components.cost import DatasetSize
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import ConfigError
from crossrec_text.errors import ModelError
from crossrec_text.packaged import distilling
from crossrec_text.packaged.distilling import is_static, kept_folder, principal, token_vectors
from crossrec_text.packaged.settings import StaticConfig
from crossrec_text.packaged.static import StaticEncoder, StaticVectors

pytestmark = pytest.mark.skipif(find_spec("tokenizers") is None, reason="tokenizers is missing")
RUN = RunOptions(threads=1)
CatalogOf = Callable[..., Catalog]


def rows_of(folder: Path) -> tuple[dict[str, int], np.ndarray]:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    vocabulary = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    return vocabulary, load_file(folder / "model.safetensors")["embeddings"]


def test_a_text_is_the_mean_of_its_tokens(word_vectors: Path, catalog_of: CatalogOf) -> None:
    vocabulary, rows = rows_of(word_vectors)
    texts = ["wireless mouse", "mouse wireless", "nail", "red nail polish"]
    vectors = StaticEncoder(StaticConfig(model=str(word_vectors))).encode(catalog_of(texts), RUN)
    for text, vector in zip(texts, vectors, strict=True):
        mean = rows[[vocabulary[word] for word in text.split()]].mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_it_needs_no_cache_of_vectors(
    word_vectors: Path, catalog_of: CatalogOf, tmp_path: Path
) -> None:
    run = replace(RUN, cache=tmp_path / "cache")
    StaticEncoder(StaticConfig(model=str(word_vectors))).encode(catalog_of(["red nail"]), run)
    assert not (tmp_path / "cache").exists()


def test_what_is_distilled_is_the_model_s_own_vector_of_each_token(tiny_model: Path) -> None:
    """The components of all widths are a rotation: cosines before weighting stay."""
    torch = pytest.importorskip("torch")
    from transformers import AutoModel, AutoTokenizer

    rows = token_vectors(StaticConfig(model=str(tiny_model), embedding_size=16), RUN)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    model = AutoModel.from_pretrained(tiny_model).eval()
    words = ["mouse", "nail", "polish", "drill"]
    with torch.inference_mode():
        plain = np.stack(
            [
                model(**tokenizer(word, return_tensors="pt")).last_hidden_state[0].mean(dim=0)
                for word in words
            ]
        )
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    ids = [tokenizer.get_vocab()[word] for word in words]
    ours = rows[ids]
    lengths = np.linalg.norm(ours, axis=1)
    used = [at for at in range(len(rows)) if at not in tokenizer.all_special_ids]
    with torch.inference_mode():
        every = np.stack(
            [
                model(torch.tensor([[2, at, 3]]), attention_mask=torch.ones(1, 3, dtype=torch.long))
                .last_hidden_state[0]
                .mean(dim=0)
                for at in used
            ]
        )
    every /= np.linalg.norm(every, axis=1, keepdims=True)
    centred = plain - every.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(
        (ours / lengths[:, None]) @ (ours / lengths[:, None]).T, unit @ unit.T, atol=1e-3
    )
    assert not rows[tokenizer.all_special_ids].any()
    weight = lengths / np.linalg.norm(centred, axis=1)
    assert (np.diff(weight[np.argsort(ids)]) > 0).all(), "rarer tokens count more"


def test_distilling_is_done_once(
    tiny_model: Path, catalog_of: CatalogOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    run = replace(RUN, cache=tmp_path / "cache")
    config = StaticConfig(model=str(tiny_model), embedding_size=8)
    size = DatasetSize(items=2).with_texts(["red nail", "drill bit"])
    before = StaticEncoder(config).estimate(size, run)
    assert kept_folder(config, run) is None
    first = StaticEncoder(config).encode(catalog_of(["red nail", "drill bit"]), run)
    kept = kept_folder(config, run)
    assert kept is not None
    assert sorted(path.name for path in kept.iterdir()) == ["model.safetensors", "tokenizer.json"]
    assert [path.name for path in run.cache.iterdir()] == [kept.name], "nothing unfinished is left"  # type: ignore[union-attr]
    monkeypatch.setattr(distilling, "token_vectors", None)
    again = StaticEncoder(config)
    np.testing.assert_array_equal(again.encode(catalog_of(["red nail", "drill bit"]), run), first)
    assert StaticEncoder(config).estimate(size, run).seconds < before.seconds / 10
    other = replace_config(config, embedding_size=4)
    assert kept_folder(other, run) is None, "other settings are other vectors"


def replace_config(config: StaticConfig, **changes: int) -> StaticConfig:
    return StaticConfig(**{**config.model_dump(), **changes})


def test_without_a_cache_it_is_distilled_each_time(tiny_model: Path, catalog_of: CatalogOf) -> None:
    pytest.importorskip("torch")
    config = StaticConfig(model=str(tiny_model), embedding_size=8)
    vectors = StaticEncoder(config).encode(catalog_of(["red nail", "", "drill bit"]), RUN)
    assert vectors.shape == (3, 8)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1], atol=1e-5)


def test_the_parts_of_a_killed_distilling_are_not_taken(
    tiny_model: Path, catalog_of: CatalogOf, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    run = replace(RUN, cache=tmp_path)
    config = StaticConfig(model=str(tiny_model), embedding_size=8)
    StaticEncoder(config).encode(catalog_of(["red nail"]), run)
    kept = kept_folder(config, run)
    assert kept is not None
    (kept / "tokenizer.json").unlink()
    assert kept_folder(config, run) is None
    assert StaticEncoder(config).encode(catalog_of(["red nail"]), run).any()


def test_folders_that_hold_something_else_are_refused(
    tiny_model: Path, catalog_of: CatalogOf, tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    assert not is_static(tiny_model)
    assert not is_static(tmp_path)
    with pytest.raises(ConfigError, match="holds no vectors of tokens"):
        StaticVectors.read(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((tiny_model / "tokenizer.json").read_bytes())
    few = np.ones((3, 4), dtype=np.float32)
    save_file({"embeddings": few}, tmp_path / "model.safetensors")
    with pytest.raises(ConfigError, match="of another kind"):
        StaticEncoder(StaticConfig(model=str(tmp_path))).encode(catalog_of(["nail"]), RUN)


def test_a_model_that_is_nowhere_is_named(catalog_of: CatalogOf) -> None:
    with pytest.raises((ModelError, ConfigError), match="no model folder /nowhere"):
        StaticEncoder(StaticConfig(model="/nowhere")).encode(catalog_of(["nail"]), RUN)
    assert StaticEncoder(StaticConfig(model="/nowhere")).encode(catalog_of([""]), RUN).shape == (
        1,
        0,
    )


def test_principal_components_keep_what_spreads_most() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3)) * [1.0, 10.0, 0.1] + 5.0
    first = principal(rows, 1)[:, 0]
    assert abs(np.corrcoef(first, rows[:, 1])[0, 1]) > 0.99
    full = principal(rows, 9)
    centred = rows - rows.mean(axis=0)
    np.testing.assert_allclose(full @ full.T, centred @ centred.T, atol=1e-8)
