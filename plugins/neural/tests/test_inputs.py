"""Items and histories as inputs: text spaces, tags, the tower, gaps, windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.errors import ConfigError, DataError
from crossrec.numeric.ragged import Ragged
from crossrec_neural.bodies.layers import Noise, start
from crossrec_neural.inputs.columns import fit_columns, new_columns
from crossrec_neural.inputs.histories import BUCKETS, Histories, HistorySpace, buckets, windows
from crossrec_neural.inputs.tags import TagSpace
from crossrec_neural.inputs.text import TextSpace, common_axes
from crossrec_neural.inputs.tower import ItemTensors, ItemTower
from crossrec_neural.settings import InputSettings, TransformerSettings
from hypothesis import given, settings
from hypothesis import strategies as st

NAN = float("nan")


def test_texts_are_centred_whitened_and_of_length_one() -> None:
    rng = np.random.default_rng(0)
    raw = (rng.normal(size=(500, 6)) * [5, 4, 3, 2, 1, 0.1] + 7).astype(np.float32)
    space = TextSpace.fit(raw, 4, whitening=1.0)
    projected = (raw - space.mean) @ space.axes
    np.testing.assert_allclose(np.cov(projected.T), np.eye(4), atol=0.02)
    np.testing.assert_allclose(np.linalg.norm(space.rows(raw), axis=1), 1.0, rtol=1e-5)
    plain = TextSpace.fit(raw, 4, whitening=0.0)
    spread = ((raw - plain.mean) @ plain.axes).std(axis=0)
    assert (spread[:-1] > spread[1:]).all()  # leading directions first
    np.testing.assert_allclose(spread, [5, 4, 3, 2], rtol=0.1)


def test_rows_that_are_zero_or_not_finite_have_no_text() -> None:
    raw = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    raw[1], raw[2, 0], raw[3, 1] = 0.0, np.nan, np.inf
    space = TextSpace.fit(raw, 3, 0.5)
    rows = space.rows(raw)
    assert (rows != 0).any(axis=1).tolist() == [True, False, False, False, True, True]
    assert np.isfinite(rows).all()


def test_texts_that_separate_nothing_are_no_space() -> None:
    same = np.ones((5, 3), dtype=np.float32)
    assert TextSpace.fit(same, 3, 0.5).size == 0
    assert TextSpace.fit(same[:1], 3, 0.5).size == 0
    assert TextSpace.none().rows(same).shape == (5, 0)


def test_common_axes_are_those_within_the_catalogues() -> None:
    """What sets two catalogues apart is no direction; a large one does not drown a small one."""
    rng = np.random.default_rng(1)
    wide = (rng.normal(size=(4_000, 3)) @ np.diag([0.0, 3.0, 1.0])).astype(np.float32)
    narrow = rng.normal(size=(200, 3)) @ np.diag([2.0, 3.0, 0.0]) + [90.0, 0.0, 0.0]
    axes = common_axes([wide, narrow.astype(np.float32)], 2)
    assert axes is not None
    expected = [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]  # mean variances 2, 9 and one half
    np.testing.assert_allclose(np.abs(axes), expected, atol=0.15)
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-5)


def test_no_axes_where_no_texts_are_separated() -> None:
    raw = np.random.default_rng(2).normal(size=(1, 5)).astype(np.float32)
    assert common_axes([raw, np.ones((9, 5), np.float32)], 3) is None
    assert common_axes([], 3) is None


def test_rows_along_common_axes_are_centred_whitened_and_not_turned() -> None:
    """Two catalogues with other centres and spreads give the same text the same row."""
    rng = np.random.default_rng(3)
    pure = rng.normal(size=(3_000, 4))
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0].astype(np.float32)
    one = (pure @ np.diag([4, 3, 2, 1]) + 7).astype(np.float32)
    other = (pure @ np.diag([1, 2, 5, 9]) - 3).astype(np.float32)
    rows = [TextSpace.along(v, turn, whitening=1.0).rows(v) for v in (one, other)]
    np.testing.assert_allclose(rows[0], rows[1], atol=0.05)
    expected = pure / np.linalg.norm(pure, axis=1, keepdims=True) @ turn
    np.testing.assert_allclose(rows[0], expected, atol=0.1)
    turned = [TextSpace.fit(v, 4, whitening=1.0).rows(v) for v in (one, other)]
    assert np.abs(turned[0] - turned[1]).max() > 1.0


def test_without_whitening_common_axes_are_read_as_they_are() -> None:
    raw = np.random.default_rng(4).normal(size=(60, 5)).astype(np.float32)
    axes = common_axes([raw], 3)
    assert axes is not None
    space = TextSpace.along(raw, axes, whitening=0.0)
    np.testing.assert_allclose(space.axes, axes, atol=1e-6)
    np.testing.assert_allclose(space.rows(raw), TextSpace.fit(raw, 3, 0.0).rows(raw), atol=1e-5)


def test_a_single_text_has_a_row_of_zeros_along_the_axes_of_others() -> None:
    axes = np.eye(3, 2, dtype=np.float32)
    for vectors in (np.ones((4, 3), np.float32), np.ones((1, 3), np.float32)):
        space = TextSpace.along(vectors, axes, whitening=0.5)
        assert space.size == 2
        assert not space.rows(vectors).any()


def test_vectors_of_another_width_are_refused() -> None:
    space = TextSpace.fit(np.eye(4, dtype=np.float32), 2, 0.5)
    with pytest.raises(DataError, match="3 wide, the fitted ones 4: use the encoder of the fit"):
        space.rows(np.zeros((1, 3), dtype=np.float32))


def test_tags_are_what_two_items_share_but_not_most(shop: Dataset) -> None:
    space = TagSpace.fit(shop.catalog)
    assert len(space.names) == 8  # two categories of half of the items each, six brands
    assert sorted(space.names[code - 1] for code in space.categories) == [
        "category:kitchen",
        "category:tools",
    ]
    rows = space.rows(shop.catalog, [0, 6, 1])
    assert rows[0].tolist() == rows[1].tolist()
    assert (rows[0] > 0).sum() == 2
    assert not set(rows[0][:2]) & set(rows[2][:2])


def test_columns_without_the_configured_vectors(shop: Dataset) -> None:
    with pytest.raises(ConfigError, match="no vectors of encoder 'other'; set encoder to one of"):
        fit_columns("rnn", shop, TransformerSettings(encoder="other"))
    without = replace(shop, vectors={})
    columns, text, _ = fit_columns("rnn", without, TransformerSettings())
    assert text.size == 0
    assert columns.evidence(ids=False).all()  # by their tags
    off = TransformerSettings(inputs=InputSettings(text=False, tags=False))
    columns, _, _ = fit_columns("rnn", shop, off)
    assert columns.evidence(ids=True).sum() == 24
    assert not columns.evidence(ids=False).any()


def tower(shop: Dataset, **inputs: object) -> tuple[ItemTower, ItemTensors]:
    config = TransformerSettings(embedding_size=4, inputs=InputSettings(**inputs))
    columns, text, tags = fit_columns("rnn", shop, config)
    made = ItemTower(text.size, len(tags.names), shop.n_items, config, bias=False)
    noise = Noise("cpu")
    noise.seed(1)
    start(made, noise)
    return made, ItemTensors.of(columns, config, "cpu")


def test_the_adapter_starts_as_the_identity_on_the_leading_directions(shop: Dataset) -> None:
    made, items = tower(shop, ids=False)
    found = made(items, torch.arange(26))
    torch.testing.assert_close(found, items.text[:, :4])


def test_an_items_own_embedding_grows_with_its_events(shop: Dataset) -> None:
    made, items = tower(shop, text=False, tags=False, evidence=3.0)
    assert made.own is not None
    found = made(items, torch.arange(26))
    counts = torch.from_numpy(np.array(shop.item_counts))[:, None]
    torch.testing.assert_close(found, made.own.weight * (counts / (counts + 3)))
    assert not found[24:].any()  # nobody chose them


def test_a_new_item_has_text_and_tags_alone(shop: Dataset) -> None:
    made, items = tower(shop)
    config = TransformerSettings(embedding_size=4)
    _, text, tags = fit_columns("rnn", shop, config)
    new = new_columns(shop.catalog, range(24, 26), shop.vectors["transformer"][24:], text, tags)
    found = made(ItemTensors.of(new, config, "cpu"), torch.arange(2))
    torch.testing.assert_close(found, made(items, torch.arange(24, 26)))


def test_gaps_are_logarithms_of_seconds() -> None:
    found = buckets(np.array([0.0, 1.0, 3.0, 3600.0, 1e30, NAN]))
    assert found.tolist() == [1, 2, 3, 12, BUCKETS - 1, 0]


def test_types_and_times_of_a_dataset(shop: Dataset) -> None:
    space = HistorySpace.fit("test", shop, InputSettings())
    assert space == HistorySpace(2, 0, True)
    batch = Histories.of_dataset(shop, space).last(5)
    row = shop.sequences.row(0)[-5:]
    assert batch.items[0][: len(row)].tolist() == row.tolist()
    assert batch.gaps[0].tolist() == [0, 12, 12, 12, 0]  # four events an hour apart, and padding
    assert batch.types[0].tolist() == [1, 1, 2, 1, 0]
    assert HistorySpace.fit("test", shop, InputSettings(types=False, gaps=False)) == HistorySpace()
    assert not HistorySpace.fit("test", replace(shop, has_clock=False), InputSettings()).clock


def test_a_query_that_knows_items_only() -> None:
    space = HistorySpace(types=3, common=2, clock=True)
    queries = QueryBatch.from_histories(Ragged.from_rows([[1, 99, 2], []]))
    found = Histories.of_queries(queries, space, n_items=5)
    assert found.rows.row(0).tolist() == [1, 2]  # 99 is unknown
    assert found.types.tolist() == [3, 3]  # the commonest type
    assert found.gaps.tolist() == [0, 0]


def test_an_unknown_type_counts_as_the_commonest() -> None:
    rows = Ragged.from_rows([[1, 2, 3]])
    found = Histories.build(rows, HistorySpace(2, 1), np.array([0, 7, -1]), None)
    assert found.types.tolist() == [1, 2, 2]


def test_windows_by_hand() -> None:
    rows = Ragged.from_rows([[0] * 7, [0], [0] * 3])
    starts, lengths = windows(rows, 3, overlap=1)
    assert list(zip(starts.tolist(), lengths.tolist())) == [(3, 4), (0, 4), (8, 3)]
    starts, lengths = windows(rows, 3, overlap=0)
    assert list(zip(starts.tolist(), lengths.tolist())) == [
        (4, 3), (1, 3), (0, 1), (7, 1), (8, 3),
    ]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), max_size=8), st.integers(1, 9), st.integers(0, 1))
def test_every_event_is_new_in_one_window(sizes: list[int], size: int, overlap: int) -> None:
    rows = Ragged.from_rows([[0] * n for n in sizes])
    starts, lengths = windows(rows, size, overlap=overlap)
    new = [at for s, n in zip(starts, lengths) for at in range(s + overlap, s + n)]
    expected = [at for at, place in enumerate(rows.from_start()) if place >= overlap]
    assert sorted(new) == expected
    assert (lengths <= size + overlap).all()


def test_padding_stands_behind() -> None:
    rows = Ragged.from_rows([[1, 2, 3], [4], []])
    batch = Histories.build(rows, HistorySpace(), None, None).last(2)
    assert batch.items.tolist() == [[2, 3], [4, PAD], [PAD, PAD]]
    assert batch.lengths.tolist() == [2, 1, 0]
