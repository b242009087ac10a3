"""Conformance of encoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing import toy as toys
from crossrec.testing.base import RUN
from crossrec.testing.estimates import EstimateTests

#: Unusual texts that occur in real catalogs.
UNUSUAL_TEXTS = ("", " ", "🔥🔥", "naïve café 東京", "a", "x" * 10_000, "\x00\n\t", "word " * 3000)


@dataclass(frozen=True)
class _Reading:
    """An encoder of files or columns, shown texts: `content` turns them into what it reads."""

    encoder: Any
    content: Callable[[Catalog], Catalog]

    def encode(self, catalog: Catalog, run: RunOptions) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = self.encoder.encode(self.content(catalog), run)
        return vectors


class EncoderTests(EstimateTests, kit=True):
    """What every encoder of items must do.

    Attributes
    ----------
    content : callable or None
        For encoders that read no texts: returns a catalogue whose columns or files hold what its
        texts say, so that items of like texts have like content; none where a text is blank.
    """

    kind: ClassVar[str] = "encoders"
    content: ClassVar[Callable[[Catalog], Catalog] | None] = None

    def build(self, settings: Mapping[str, Any] | None = None) -> Any:
        """Build a new encoder; one that reads no texts gets their `content`."""
        encoder, content = super().build(settings), type(self).content
        return encoder if content is None else _Reading(encoder, content)

    def encode(self, catalog: Catalog, encoder: Any = None) -> NDArray[np.float32]:
        """Encode and check the contract: shape, dtype, norms of the rows."""
        vectors: NDArray[np.float32] = (encoder or self.build()).encode(catalog, RUN)
        assert vectors.dtype == np.float32, f"vectors are {vectors.dtype}, not float32"
        assert vectors.ndim == 2, f"vectors have {vectors.ndim} dimensions, not 2"
        assert len(vectors) == len(catalog), f"{len(vectors)} vectors for {len(catalog)} items"
        assert np.isfinite(vectors).all(), "a vector is not finite"
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        zero = lengths == 0
        np.testing.assert_allclose(
            lengths[~zero], 1.0, atol=1e-4, err_msg="rows must be L2-normalised"
        )
        return vectors

    def test_the_nearest_item_is_of_the_same_group(self) -> None:
        """On the checkerboard, every item's nearest neighbour shares its words."""
        toy = toys.checkerboard(16)
        vectors = self.encode(toy.dataset.catalog)
        near = vectors @ vectors.T
        np.fill_diagonal(near, -np.inf)
        np.testing.assert_array_equal(toy.groups[near.argmax(axis=1)], toy.groups)

    def test_equal_texts_have_equal_vectors(self) -> None:
        """An item's vector depends on its text, not on its position or id."""
        catalog = toys.checkerboard(8).dataset.catalog
        texts = list(catalog.texts)
        texts[5] = texts[2]
        vectors = self.encode(catalog.with_texts(texts))
        np.testing.assert_allclose(vectors[5], vectors[2], atol=1e-4)

    def test_the_order_of_items_does_not_matter(self) -> None:
        """Shuffled items keep their cosines to each other."""
        catalog = toys.checkerboard(16).dataset.catalog
        order = np.random.default_rng(1).permutation(len(catalog))
        plain = self.encode(catalog)
        mixed = self.encode(catalog.with_texts([catalog.texts[i] for i in order]))
        np.testing.assert_allclose(mixed @ mixed.T, (plain @ plain.T)[order][:, order], atol=2e-2)

    def test_an_item_without_text_has_the_zero_vector(self) -> None:
        """A zero vector has no neighbours."""
        vectors = self.encode(toys.shop().dataset.catalog)
        assert not vectors[11].any()
        assert vectors[:11].any(axis=1).all()

    def test_unusual_texts_are_encoded(self) -> None:
        """Emoji, other scripts, control characters and very long texts raise nothing."""
        catalog = toys.shop().dataset.catalog
        texts = (*UNUSUAL_TEXTS, *catalog.texts)[: len(catalog)]
        vectors = self.encode(catalog.with_texts(texts))
        assert not vectors[0].any()

    def test_a_catalog_without_any_text(self) -> None:
        """Where no item has a text, all vectors are zero."""
        catalog = toys.shop().dataset.catalog
        assert not self.encode(catalog.with_texts([""] * len(catalog))).any()

    def test_an_empty_catalog(self) -> None:
        """No items, no rows."""
        empty = Catalog.from_records(Vocabulary(), {}, toys.SCHEMA)
        assert len(self.encode(empty)) == 0

    def test_one_item(self) -> None:
        """A catalog of one item yields one row."""
        one = Catalog.from_records(Vocabulary(["a"]), {"a": {"title": "Steel rake"}}, toys.SCHEMA)
        assert self.encode(one).shape[0] == 1

    def test_encoding_twice_gives_the_same(self, tmp_path: Path) -> None:
        """The same vectors from the same encoder, from a new one and from the cache."""
        catalog = toys.shop().dataset.catalog
        encoder = self.build()
        first = self.encode(catalog, encoder)
        np.testing.assert_array_equal(self.encode(catalog, encoder), first)
        np.testing.assert_array_equal(self.encode(catalog), first)
        cached = replace(RUN, cache=tmp_path)
        for _ in range(2):
            vectors = self.build().encode(catalog, cached)
            np.testing.assert_allclose(vectors, first, atol=1e-5)

    def test_a_changed_text_changes_its_vector(self, tmp_path: Path) -> None:
        """The cache is keyed by content: a new text under an old id is encoded again."""
        catalog = toys.shop().dataset.catalog
        cached = replace(RUN, cache=tmp_path)
        before = self.build().encode(catalog, cached)
        texts = ["Garden hose with brass fittings", *catalog.texts[1:]]
        after = self.build().encode(catalog.with_texts(texts), cached)
        fresh = self.encode(catalog.with_texts(texts))
        np.testing.assert_allclose(after, fresh, atol=1e-5)
        width = min(before.shape[1], after.shape[1])
        assert not np.allclose(after[0, :width], before[0, :width], atol=1e-3)

    def test_a_choice_is_another_encoder_with_its_reason(self) -> None:
        """One that declares ``choose`` names one that does not, the same for the same texts."""
        self.able("choose")
        from crossrec.plugins.registry import load_registry

        catalog = toys.checkerboard(8).dataset.catalog
        others = ("东京 地图", *catalog.texts[1:]), ("",) * len(catalog)
        for texts in (catalog.texts, *others):
            chosen = self.build().choose(catalog.with_texts(texts))
            assert chosen == self.build().choose(catalog.with_texts(texts)), "by chance"
            found = load_registry().get("encoders", chosen.name)
            assert "choose" not in found.capabilities, "it leads to one that chooses again"
            found.build(dict(chosen.settings))
            assert chosen.why.strip(), "say why"
            assert "\n" not in chosen.why
