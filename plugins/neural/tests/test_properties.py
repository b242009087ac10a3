"""What holds for any data: histories, examples, samples, texts, tags, labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.scenario import ItemField, ItemSchema
from crossrec_neural import settings as given_settings
from crossrec_neural.inputs.histories import (
    BUCKETS,
    Histories,
    HistorySpace,
    buckets,
)
from crossrec_neural.inputs.tags import WIDTH, TagSpace
from crossrec_neural.inputs.text import TextSpace
from crossrec_neural.losses.heads import LabelledEvents
from crossrec_neural.losses.negatives import Negatives, inclusion
from crossrec_neural.training.examples import Examples, held_out_users, real_targets
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

N_ITEMS = 12
SCHEMA = ItemSchema(
    (ItemField("title"), ItemField("categories", "category"), ItemField("brand", "category")),
    "{title}",
    creator="brand",
)
rows_of_items = st.lists(st.lists(st.integers(0, N_ITEMS - 1), max_size=9), max_size=70)


def catalog_of(records: list[dict[str, object]]) -> Catalog:
    ids = Vocabulary(f"i{at}" for at in range(len(records)))
    return Catalog.from_records(ids, dict(zip(ids.ids, records, strict=True)), SCHEMA)


def dataset_of(rows: list[list[int]], weight: Callable[[int], float] = lambda at: 1.0) -> Dataset:
    """Return users with these items, an hour between events."""
    users = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    items = np.array([item for row in rows for item in row], dtype=np.int64)
    times = 3600.0 * np.arange(len(items))
    weights = np.array([weight(at) for at in range(len(items))], dtype=np.float32)
    events = Events.from_columns(users, items, times, weights, np.arange(len(items)) % 2)
    names = Vocabulary(f"u{user}" for user in range(len(rows)))
    catalog = catalog_of([{"title": f"item {at}"} for at in range(N_ITEMS)])
    return Dataset.build(names, catalog, events, has_clock=True)


@settings(deadline=None, max_examples=60)
@given(rows_of_items, st.integers(1, 5), st.booleans())
def test_every_transition_is_predicted_once(
    rows: list[list[int]], longest: int, causal: bool
) -> None:
    dataset = dataset_of(rows)
    config = given_settings.RnnSettings(max_length=max(longest, 2))
    examples = Examples.of(dataset, HistorySpace(), config, causal, seed=2)
    held = set(held_out_users(dataset.sequences, 0.1, 2).tolist())
    left = [row[:-1] if user in held else row for user, row in enumerate(rows)]
    expected = sorted(item for row in left for item in row[int(causal) :])
    batches = examples.order(4, np.random.default_rng(1))
    found = [item for chosen in batches for item in real_targets(examples.batch(chosen)).tolist()]
    assert sorted(found) == expected
    assert examples.targets == len(expected)
    assert len(batches) == examples.batches(4)


@settings(deadline=None, max_examples=60)
@given(rows_of_items)
def test_a_target_follows_its_event(rows: list[list[int]]) -> None:
    dataset = dataset_of(rows)
    examples = Examples.of(dataset, HistorySpace(), given_settings.RnnSettings(), True, seed=2)
    pairs = {pair for row in rows for pair in zip(row, row[1:], strict=False)}
    for chosen in examples.order(8, np.random.default_rng(0)):
        batch = examples.batch(chosen)
        real = batch.targets != PAD
        assert ((batch.histories.items != PAD) == real).all()
        before, after = batch.histories.items[real], batch.targets[real]
        assert set(zip(before.tolist(), after.tolist(), strict=True)) <= pairs


@settings(deadline=None, max_examples=40)
@given(rows_of_items, st.floats(0, 0.5), st.integers(0, 5))
def test_held_out_users_can_spare_an_event(rows: list[list[int]], share: float, seed: int) -> None:
    lengths = Ragged.from_rows(rows)
    users = held_out_users(lengths, share, seed)
    assert (lengths.lengths[users] >= 3).all()
    assert (np.diff(users) > 0).all()
    assert len(users) == 0 or len(users) >= 20
    assert len(users) <= max(len(rows) / 2, len(rows) / 3)
    np.testing.assert_array_equal(users, held_out_users(lengths, share, seed))


@settings(deadline=None, max_examples=60)
@given(rows_of_items, st.integers(1, 12))
def test_the_latest_events_come_padded(rows: list[list[int]], limit: int) -> None:
    dataset = dataset_of(rows)
    space = HistorySpace.fit("test", dataset, given_settings.InputSettings())
    batch = Histories.of_dataset(dataset, space).last(limit)
    for user, row in enumerate(rows):
        kept = row[-limit:]
        assert batch.items[user][: len(kept)].tolist() == kept
        assert (batch.items[user][len(kept) :] == PAD).all()
        gaps = batch.gaps[user][: len(kept)].tolist()
        assert gaps == [0 if len(kept) == len(row) else 12, *[12] * (len(kept) - 1)][: len(kept)]
    padding = batch.items == PAD
    assert not batch.types[padding].any()
    assert np.isnan(batch.times[padding]).all()


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=20))
def test_longer_gaps_have_no_smaller_bucket(seconds: list[float]) -> None:
    found = buckets(np.sort(np.array(seconds)))
    assert (np.diff(found) >= 0).all()
    assert found.min() >= 1
    assert found.max() < BUCKETS


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=25), st.integers(1, 30))
def test_inclusion_is_a_probability_for_each(weights: list[float], size: int) -> None:
    share = np.array(weights) / np.sum(weights)
    chance = inclusion(share, size)
    assert ((chance > 0) & (chance <= 1)).all()
    assert chance.sum() == pytest.approx(min(size, len(share)))
    order = np.argsort(share)
    assert (np.diff(chance[order]) >= -1e-12).all()
    free = chance < 1
    if free.sum() > 1:  # those that are not certain keep their proportions
        ratio = chance[free] / share[free]
        np.testing.assert_allclose(ratio, ratio[0])


@pytest.mark.parametrize("uniform", [0.0, 0.4, 1.0])
def test_items_are_drawn_as_often_as_they_should(uniform: float) -> None:
    counts = np.array([50, 0, 20, 10, 5, 5, 1, 1])
    config = given_settings.LossSettings(negatives=3, uniform=uniform)
    negatives, rng = Negatives(counts, config), np.random.default_rng(3)
    drawn = np.zeros(len(counts))
    for _ in range(6000):
        drawn[negatives.draw(rng).items] += 1
    expected = np.zeros(len(counts))
    expected[negatives.items] = negatives.chance
    np.testing.assert_allclose(drawn / 6000, expected, atol=0.03)
    assert drawn[1] == 0


@settings(deadline=None, max_examples=60)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(2, 12), st.integers(1, 5)),
        elements=st.floats(-5, 5, width=16),
    ),
    st.integers(1, 6),
    st.floats(0, 1),
)
def test_text_rows_have_length_one_or_none(
    vectors: np.ndarray, size: int, whitening: float
) -> None:
    space = TextSpace.fit(vectors, size, whitening)
    rows = space.rows(vectors)
    assert rows.shape == (len(vectors), space.size)
    assert space.size <= min(size, vectors.shape[1])
    lengths = np.linalg.norm(rows, axis=1)
    assert (np.isclose(lengths, 1, atol=1e-3) | (lengths < 1e-3)).all()
    # Rows of new vectors do not depend on what else is encoded with them, but for rounding, which
    # whitening makes up to a thousand times larger where there is no variance.
    np.testing.assert_allclose(space.rows(vectors[:1]), rows[:1], atol=2e-4)


names = st.lists(st.sampled_from(["red", "Red", "blue", "green", "grey"]), max_size=10)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(names, st.sampled_from(["", "Acme", "acme", "Rouge"])), max_size=14))
def test_tags_have_numbers_and_items_theirs(items: list[tuple[list[str], str]]) -> None:
    catalog = catalog_of([{"categories": tags, "brand": brand} for tags, brand in items])
    space = TagSpace.fit(catalog)
    assert len(set(space.names)) == len(space.names)
    rows = space.rows(catalog, range(len(items)))
    assert rows.shape == (len(items), WIDTH)
    for row, (tags, brand) in zip(rows, items, strict=True):
        theirs = {f"category:{tag.casefold()}" for tag in tags}
        theirs |= {f"creator:{brand.casefold()}"} if brand else set()
        known = theirs & set(space.names)
        assert {space.names[code - 1] for code in row[row > 0]} == known
        assert (np.flatnonzero(row == 0) >= (row > 0).sum()).all()
    for code in space.categories:
        assert space.names[code - 1].startswith("category:")


@settings(deadline=None, max_examples=60)
@given(rows_of_items, st.lists(st.sampled_from([1.0, 2.0, 0.0, -1.0]), min_size=1, max_size=7))
def test_labelled_events_follow_the_interactions_before_them(
    rows: list[list[int]], cycle: list[float]
) -> None:
    dataset = dataset_of(rows, lambda at: cycle[at % len(cycle)])
    sequences = dataset.sequences
    labelled = LabelledEvents.of(dataset, sequences.indptr[1:] + 1)
    assert (np.diff(labelled.at) >= 0).all()
    interactions = dataset.interactions
    expected = []
    for at in range(len(dataset.events)):
        user, time = dataset.events.users[at], dataset.events.times[at]
        before = (interactions.users == user) & (interactions.times < time)
        if before.any():
            expected.append((int(np.flatnonzero(before)[-1]), int(dataset.events.items[at])))
    assert list(zip(labelled.at.tolist(), labelled.items.tolist(), strict=True)) == expected
    assert (np.abs(labelled.weights) <= 1).all()
