"""The kit passes a right encoder and finds faulty ones."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.encoder_choice import ChosenEncoder
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import ConfigError, UsageError
from crossrec.plugins.registration import Registration
from crossrec.testing import EncoderTests


class Hashing:
    """Counts hashed words: deterministic, needs nothing."""

    size = 256

    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        vectors = np.zeros((len(catalog), self.size), np.float32)
        for row, text in enumerate(catalog.texts):
            for word in text.lower().split():
                vectors[row, self.place(word)] += 1
        return self.unit(vectors)

    def place(self, word: str) -> int:
        return int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little") % self.size

    @staticmethod
    def unit(vectors: Any) -> Any:
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def registered(factory: Any) -> Registration:
    return Registration("encoders", "hashing", factory, summary="hashed words")


class TestARightEncoder(EncoderTests):
    registered = registered(Hashing)


def kit_for(encoder: type[Hashing]) -> EncoderTests:
    return type("T", (EncoderTests,), {"registered": registered(encoder)})()


class Doubles(Hashing):
    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        return super().encode(catalog, run).astype(np.float64)


class Long(Hashing):
    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        return super().encode(catalog, run) * np.float32(2)


class SkipsEmpty(Hashing):
    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        vectors = super().encode(catalog, run)
        return vectors[vectors.any(axis=1)]


class Divides(Hashing):
    @staticmethod
    def unit(vectors: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


class EncodesNothingAsSomething(Hashing):
    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        vectors = np.array(super().encode(catalog, run))
        vectors[~vectors.any(axis=1), 0] = 1
        return vectors


class ByPlace(Hashing):
    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        vectors = np.array(super().encode(catalog, run))
        vectors += np.arange(len(vectors), dtype=np.float32)[:, None] / 100
        return self.unit(vectors)


class Chance(Hashing):
    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        return self.unit(np.random.default_rng().random((len(catalog), 8)))


class Salted(Hashing):
    """As with Python's own hash: another process, other vectors."""

    salt = iter(range(10_000))

    def __init__(self) -> None:
        self.mine = next(self.salt)

    def place(self, word: str) -> int:
        return super().place(f"{word}{self.mine}")


class StaleCache(Hashing):
    """Goes by ids instead of content."""

    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        path = None if run.cache is None else run.cache / f"{len(catalog)}.npy"
        if path is not None and path.exists():
            return np.load(path, allow_pickle=False)
        vectors = super().encode(catalog, run)
        if path is not None:
            np.save(path, vectors, allow_pickle=False)
        return vectors


class NeedsItems(Hashing):
    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        max(len(text) for text in catalog.texts)
        return super().encode(catalog, run)


FAULTS = [
    (Doubles, "test_one_item"),
    (Long, "test_one_item"),
    (SkipsEmpty, "test_an_item_without_text_has_the_zero_vector"),
    (Divides, "test_unusual_texts_are_encoded"),
    (EncodesNothingAsSomething, "test_an_item_without_text_has_the_zero_vector"),
    (EncodesNothingAsSomething, "test_a_catalog_without_any_text"),
    (ByPlace, "test_equal_texts_have_equal_vectors"),
    (ByPlace, "test_the_order_of_items_does_not_matter"),
    (Chance, "test_the_nearest_item_is_of_the_same_group"),
    (NeedsItems, "test_an_empty_catalog"),
]


@pytest.mark.parametrize(
    ("encoder", "test"), FAULTS, ids=[f"{encoder.__name__}-{test}" for encoder, test in FAULTS]
)
def test_a_faulty_encoder_is_found(encoder: type[Hashing], test: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        getattr(kit_for(encoder), test)()


@pytest.mark.parametrize("encoder", [Chance, Salted])
def test_an_encoder_that_is_not_deterministic_is_found(
    encoder: type[Hashing], tmp_path: Path
) -> None:
    with pytest.raises(AssertionError):
        kit_for(encoder).test_encoding_twice_gives_the_same(tmp_path)


def test_a_cache_that_goes_by_ids_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        kit_for(StaleCache).test_a_changed_text_changes_its_vector(tmp_path)


class Chooses(Hashing):
    """Stands for another encoder."""

    answer: Any = ChosenEncoder("tfidf-svd", {}, "for a reason")

    def choose(self, catalog: Catalog) -> ChosenEncoder:
        return ChosenEncoder(*self.answer) if isinstance(self.answer, tuple) else self.answer


def choosing(**changes: Any) -> EncoderTests:
    encoder = type("Changed", (Chooses,), changes)
    one = replace(registered(encoder), capabilities=frozenset({"choose"}))
    return type("T", (EncoderTests,), {"registered": one})()


TEST_OF_CHOICES = "test_a_choice_is_another_encoder_with_its_reason"
to_choose = pytest.mark.skipif(find_spec("crossrec_text") is None, reason="nothing to choose")


@to_choose
def test_a_right_choice_passes() -> None:
    getattr(choosing(), TEST_OF_CHOICES)()


@to_choose
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (("no-such-encoder", {}, "why"), UsageError),
        (("tfidf-svd", {"no_such_setting": 1}, "why"), ConfigError),
        (("tfidf-svd", {}, ""), AssertionError),
        (("tfidf-svd", {}, "two\nlines"), AssertionError),
        (("auto", {}, "it chooses again"), AssertionError),
    ],
)
def test_a_wrong_choice_is_found(answer: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        getattr(choosing(answer=answer), TEST_OF_CHOICES)()


@to_choose
def test_a_choice_by_chance_is_found() -> None:
    count = iter(range(100))

    def choose(self: Any, catalog: Catalog) -> ChosenEncoder:
        return ChosenEncoder("tfidf-svd", {}, f"number {next(count)}")

    with pytest.raises(AssertionError, match="by chance"):
        getattr(choosing(choose=choose), TEST_OF_CHOICES)()
