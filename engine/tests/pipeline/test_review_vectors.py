"""Texts of events are encoded beside those of items: once each, and only where there are any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.data.reviews import RatingScale, Reviews
from crossrec.errors import CrossrecError
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.toy_sources import registry_of


class Lengths:
    """A text's length, and 1."""

    calls: list[tuple[str, ...]] = []  # noqa: RUF012 - emptied by the fixture

    def encode(self, catalog, run):
        type(self).calls.append(catalog.texts)
        rows = np.array([[len(text), 1.0] for text in catalog.texts], dtype=np.float32)
        return rows.reshape(-1, 2) / np.linalg.norm(rows.reshape(-1, 2), axis=1, keepdims=True)


class Broken(Lengths):
    """Fails at the texts of events, which it knows by their number of items."""

    def encode(self, catalog, run):
        if catalog.items.ids[0].startswith("text"):
            raise CrossrecError("no model here")
        return super().encode(catalog, run)


@pytest.fixture
def resolved():
    registry = registry_of(encoders={"lengths": Lengths, "broken": Broken})
    Lengths.calls, Broken.calls = [], []

    def make(encoder: str):
        config = parse_config({"sources": [{"name": "x"}], "encoder": encoder}, "test")
        return resolve_pipeline(config, registry)

    return make


@pytest.fixture
def reviewed(make_shop):
    """The shop with a text in every third event; two events share one."""
    data = make_shop(n_users=12)
    n = len(data.events)
    numbers = np.where(np.arange(n) % 3, -1, np.arange(n) // 3)
    numbers[3] = 0
    texts = tuple("x" * (at + 1) for at in range(n // 3 + 1))
    ratings = np.where(numbers >= 0, 4.0, np.nan)
    return data.with_reviews(Reviews(ratings, numbers, texts, RatingScale(1, 5)))


def test_items_and_texts_in_use_are_encoded(resolved, reviewed) -> None:
    data, notes = attach_vectors(reviewed, resolved("lengths"), RunOptions())
    reviews = data.events.reviews
    assert notes == []
    assert data.vectors["lengths"].shape == (20, 2)
    assert reviews.vectors["lengths"].shape == (len(reviews.texts), 2)
    assert "xx" not in reviews.texts, "nobody carries it any more"
    assert Lengths.calls == [reviewed.catalog.texts, reviews.texts]
    before = reviewed.events.reviews
    for old, new in zip(before.numbers, reviews.numbers, strict=True):
        assert (old < 0) == (new < 0)
        if old >= 0:
            assert before.texts[old] == reviews.texts[new]


def test_a_part_of_the_events_has_the_texts_of_that_part(resolved, reviewed) -> None:
    first = reviewed.with_events(reviewed.events.take(np.arange(10)))
    attach_vectors(first, resolved("lengths"), RunOptions())
    late = {reviewed.events.reviews.texts[at] for at in reviewed.events.reviews.numbers[30:]}
    assert not late & set(Lengths.calls[1])


def test_without_reviews_only_items_are_encoded(resolved, make_shop) -> None:
    attach_vectors(make_shop(n_users=4), resolved("lengths"), RunOptions())
    assert len(Lengths.calls) == 1


def test_reviews_without_any_text_are_no_error(resolved, reviewed) -> None:
    bare = reviewed.with_reviews(reviewed.events.reviews.without_texts())
    data, notes = attach_vectors(bare, resolved("lengths"), RunOptions())
    assert notes == []
    assert data.events.reviews.vectors["lengths"].shape == (0, 2)


def test_texts_that_cannot_be_encoded_are_said_and_leave_the_items(resolved, reviewed) -> None:
    data, notes = attach_vectors(reviewed, resolved("broken"), RunOptions())
    assert notes == ["encoder broken is left out: no model here"]
    assert "broken" in data.vectors
    assert not data.events.reviews.vectors


def test_without_an_encoder_nothing_happens(resolved, reviewed) -> None:
    data, notes = attach_vectors(reviewed, resolved(""), RunOptions())
    assert data is reviewed
    assert notes == []


def test_vectors_go_with_the_rows_that_are_taken(resolved, reviewed) -> None:
    data, _ = attach_vectors(reviewed, resolved("lengths"), RunOptions())
    rows = np.arange(5)
    some = data.with_events(data.events.take(rows)).events.reviews
    assert some.vectors["lengths"] is data.events.reviews.vectors["lengths"]
    whole = replace(data.events.reviews, vectors={})
    np.testing.assert_array_equal(some.numbers, whole.numbers[rows])
