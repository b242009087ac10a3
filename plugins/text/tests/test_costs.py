"""Encoding costs by the texts that are in no cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from crossrec.components.cost import DatasetSize
from crossrec.components.run import RunOptions
from crossrec.store.vector_cache import VectorCache
from crossrec_text.settings import TfidfSvdConfig, TransformerConfig
from crossrec_text.tfidf_svd import TfidfSvdEncoder
from crossrec_text.transformer import TransformerEncoder

TEXTS = [f"wireless mouse no {n}" for n in range(40)]
SIZE = DatasetSize(items=40).with_texts(TEXTS)


def test_the_cache_counts_without_reading_vectors(tmp_path: Path, tiny_model, catalog_of) -> None:
    encoder = TransformerEncoder(TransformerConfig(model=str(tiny_model)))
    encoder.encode(catalog_of(TEXTS[:10]), RunOptions(cache=tmp_path))
    cache = VectorCache(tmp_path, encoder._key(_files(tiny_model)))
    assert cache.count(TEXTS) == 10
    assert cache.count([]) == 0
    assert VectorCache(tmp_path, "another model").count(TEXTS) == 0
    assert VectorCache(tmp_path / "nowhere", "any").count(TEXTS) == 0
    assert not (tmp_path / "nowhere").exists(), "counting makes no file"


def _files(folder: Path):
    from crossrec_text.model_files import find_model

    return find_model(str(folder))


def test_only_what_no_cache_has_is_counted(tmp_path: Path, tiny_model, catalog_of) -> None:
    config = TransformerConfig(model=str(tiny_model))
    run = RunOptions(cache=tmp_path)
    whole = TransformerEncoder(config).estimate(SIZE, run)
    TransformerEncoder(config).encode(catalog_of(TEXTS[:20]), run)
    half = TransformerEncoder(config).estimate(SIZE, run)
    TransformerEncoder(config).encode(catalog_of(TEXTS), run)
    nothing = TransformerEncoder(config).estimate(SIZE, run)
    assert whole.seconds > half.seconds > nothing.seconds
    assert nothing.seconds < 0.05
    assert TransformerEncoder(config).estimate(SIZE, RunOptions()) == whole


def test_of_many_texts_a_sample_is_looked_up(tmp_path: Path, tiny_model, catalog_of) -> None:
    texts = [f"steel bit {n}" for n in range(5_000)]
    size = DatasetSize(items=5_000).with_texts(texts)
    encoder = TransformerEncoder(TransformerConfig(model=str(tiny_model)))
    run = RunOptions(cache=tmp_path)
    whole = encoder.estimate(size, run).seconds
    encoder.encode(catalog_of(texts[::3]), run)
    assert encoder.estimate(size, run).seconds < whole


def test_an_absent_model_is_not_downloaded_for_an_estimate() -> None:
    config = TransformerConfig(model="no-such-organisation/no-such-model")
    assert TransformerEncoder(config).estimate(SIZE, RunOptions()).seconds > 0


def test_longer_texts_cost_more_up_to_the_cut() -> None:
    size = replace(SIZE, texts=10_000, contents=())
    short, long, longer = (
        TransformerEncoder().estimate(replace(size, characters=n), RunOptions()).seconds
        for n in (200_000, 2_000_000, 20_000_000)
    )
    assert short < long < longer
    cut = TransformerEncoder(TransformerConfig(max_tokens=8))
    ends = [
        cut.estimate(replace(size, characters=n), RunOptions()).seconds
        for n in (2_000_000, 20_000_000)
    ]
    assert ends[0] == pytest.approx(ends[1])


def test_a_card_and_half_precision_are_faster() -> None:
    size = replace(SIZE, texts=100_000, characters=10_000_000, contents=())
    plain = TransformerEncoder().estimate(size, RunOptions()).seconds
    half = TransformerEncoder(TransformerConfig(dtype="bfloat16"))
    assert half.estimate(size, RunOptions()).seconds < 0.7 * plain
    assert TransformerEncoder().estimate(size, RunOptions(device="cuda")).seconds < 0.3 * plain


def test_latent_vectors_cost_by_words_and_width() -> None:
    size = replace(SIZE, items=10_000, texts=10_000, characters=2_000_000)
    narrow, wide = (
        TfidfSvdEncoder(TfidfSvdConfig(embedding_size=n)).estimate(size, RunOptions())
        for n in (32, 256)
    )
    assert narrow.seconds < wide.seconds
    assert narrow.memory < wide.memory
