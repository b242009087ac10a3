"""The conformance kit with encoders of files: what it hands over, and what it finds wrong."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.plugins.registration import Registration
from crossrec.testing import EncoderTests, toy
from crossrec_media.settings import VectorsConfig
from crossrec_media.tiny import with_vector_column
from crossrec_media.vectors.given import GivenVectors


class Blind(GivenVectors):
    """Sees the same in every item that has anything at all."""

    def encode(self, catalog, run):
        rows = super().encode(catalog, run)
        return np.where(rows.any(axis=1, keepdims=True), 1.0, 0.0).astype(np.float32)


class Long(GivenVectors):
    """Gives vectors of length 2."""

    def encode(self, catalog, run):
        return 2 * super().encode(catalog, run)


def kit_of(factory) -> EncoderTests:
    """Return the kit on an encoder that no plugin registers."""
    registration = Registration("encoders", "mine", factory, VectorsConfig, frozenset(), "mine")
    values = {
        "registered": registration,
        "settings": {"column": "vector"},
        "content": staticmethod(with_vector_column),
    }
    return type("TestMine", (EncoderTests,), values)()


def test_a_good_encoder_of_a_column_passes() -> None:
    kit = kit_of(GivenVectors)
    kit.test_the_nearest_item_is_of_the_same_group()
    kit.test_equal_texts_have_equal_vectors()
    kit.test_an_item_without_text_has_the_zero_vector()
    kit.test_a_catalog_without_any_text()
    kit.test_an_empty_catalog()


def test_the_encoder_reads_the_column_and_not_the_texts() -> None:
    catalog = toy.checkerboard(8).dataset.catalog
    encoder = kit_of(GivenVectors).build()
    rows = encoder.encode(catalog, RunOptions())
    wanted = GivenVectors(VectorsConfig(column="vector")).encode(
        with_vector_column(catalog), RunOptions()
    )
    np.testing.assert_array_equal(rows, wanted)


def test_an_encoder_that_tells_nothing_apart_is_found() -> None:
    with pytest.raises(AssertionError):
        kit_of(Blind).test_the_nearest_item_is_of_the_same_group()


def test_an_encoder_of_other_lengths_is_found() -> None:
    with pytest.raises(AssertionError, match="L2-normalised"):
        kit_of(Long).test_one_item()


def test_without_content_the_encoder_itself_is_built() -> None:
    class TestPlain(EncoderTests):
        component = "tfidf-svd"

    assert type(TestPlain().build()).__name__ == "TfidfSvdEncoder"
