"""The whole model: what its scores are, how it starts, how its weights travel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from crossrec.components.candidates import PAD
from crossrec.data.dataset import Dataset
from crossrec_neural import settings as given
from crossrec_neural.inputs.columns import fit_columns
from crossrec_neural.inputs.histories import Histories, HistoryBatch, HistorySpace
from crossrec_neural.inputs.tags import TagSpace
from crossrec_neural.inputs.tower import ItemTensors
from crossrec_neural.training.model import (
    NeuralModel,
    SharedBody,
    distinct,
    set_weights,
    weights_of,
)
from hypothesis import given as drawn
from hypothesis import strategies as st

BODIES: dict[str, type[given.NeuralSettings]] = {
    "transformer": given.TransformerSettings,
    "rnn": given.RnnSettings,
    "cnn": given.CnnSettings,
    "two-tower": given.TwoTowerSettings,
    "ncf": given.NcfSettings,
    "vae": given.VaeSettings,
}
EACH = pytest.mark.parametrize("body", BODIES)


def model_of(shop: Dataset, body: str = "transformer", **settings: object) -> NeuralModel:
    """Return a model of the shop with its first weights, ready to answer."""
    config = BODIES[body](**{"embedding_size": 8, "max_length": 6, **settings})
    columns, text, tags = fit_columns(body, shop, config)
    space = HistorySpace.fit("test", shop, config.inputs)
    items = ItemTensors.of(columns, config, "cpu")
    model = NeuralModel(config, space, tags, items, shop.n_items, "cpu")
    model.begin(1)
    return model.eval()


def shaken(model: NeuralModel) -> NeuralModel:
    """Return the model with noise on all weights: many start at zero."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * model.noise.normal(weight))
    return model


def histories(shop: Dataset, limit: int = 6) -> HistoryBatch:
    space = HistorySpace.fit("test", shop, given.InputSettings())
    return Histories.of_dataset(shop, space).last(limit)


@EACH
@torch.no_grad()
def test_padding_and_company_change_no_state(body: str, shop: Dataset) -> None:
    """A history has the same state alone as among longer ones."""
    model, batch = shaken(model_of(shop, body)), histories(shop)
    vectors = model.item_vectors()
    together = model.last_states(batch, vectors)
    for row in range(0, len(batch), 11):
        alone = batch.take(np.array([row]))
        torch.testing.assert_close(
            model.last_states(alone, vectors)[0], together[row], rtol=1e-4, atol=1e-5
        )


@EACH
@torch.no_grad()
def test_pairs_are_cells_of_the_scores(body: str, shop: Dataset) -> None:
    model, batch = shaken(model_of(shop, body)), histories(shop)
    vectors = model.item_vectors()
    states, table = model.last_states(batch, vectors), model.candidates(vectors)
    scores = model.scores(states, table)
    assert scores.shape == (len(batch), shop.n_items)
    at = torch.arange(len(batch)) % shop.n_items
    cells = scores[torch.arange(len(batch)), at]
    torch.testing.assert_close(model.pairs(states, table[at]), cells, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_scores_are_cosines_over_the_temperature(shop: Dataset) -> None:
    model = shaken(model_of(shop, loss={"temperature": 0.5}))
    vectors = model.item_vectors()
    states = model.last_states(histories(shop), vectors)
    expected = torch.nn.functional.cosine_similarity(states[:, None], vectors[None], dim=-1) / 0.5
    found = model.scores(states, model.candidates(vectors))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_products_are_of_normed_states(shop: Dataset) -> None:
    model = model_of(shop, loss={"cosine": False, "temperature": 2.0})
    vectors = model.item_vectors()
    states = model.last_states(histories(shop), vectors)
    normed = torch.nn.functional.layer_norm(states, (8,))
    torch.testing.assert_close(model.candidates(vectors), vectors)
    torch.testing.assert_close(model.scores(states, vectors), normed @ vectors.T / 2.0)


@torch.no_grad()
def test_types_and_gaps_say_nothing_before_training(shop: Dataset) -> None:
    model, batch = model_of(shop, time_bias=False), histories(shop)
    vectors = model.item_vectors()
    nothing = replace(batch, types=np.zeros_like(batch.types), gaps=np.zeros_like(batch.gaps))
    before = model.last_states(batch, vectors)
    torch.testing.assert_close(model.last_states(nothing, vectors), before)
    after = shaken(model).last_states(batch, vectors)
    assert not torch.allclose(model.last_states(nothing, vectors), after)


@torch.no_grad()
def test_untrained_models_propose_what_reads_like_the_history(shop: Dataset) -> None:
    """Tools for tools, pots for pots, from the first weights on, whatever the seed."""
    for seed in (1, 2, 3):
        model = model_of(shop, "transformer")
        model.begin(seed)
        vectors = model.item_vectors()
        batch = histories(shop)
        best = model.scores(model.last_states(batch, vectors), vectors).argmax(dim=1).numpy()
        assert (best % 2 == batch.items[:, 0] % 2).mean() > 0.95


@EACH
def test_weights_travel_as_plain_arrays(body: str, shop: Dataset) -> None:
    model = shaken(model_of(shop, body))
    arrays = weights_of(model)
    kept = {name: array.copy() for name, array in arrays.items()}
    other = model_of(shop, body)
    set_weights(other, arrays)
    shaken(model)  # what was handed out is a copy
    for name, array in weights_of(other).items():
        np.testing.assert_array_equal(array, kept[name])
        assert array.dtype in (np.float32, np.int64)


@EACH
def test_the_seed_sets_all_first_weights(body: str, shop: Dataset) -> None:
    one, same, other = (model_of(shop, body) for _ in range(3))
    other.begin(2)
    for name, array in weights_of(one).items():
        np.testing.assert_array_equal(array, weights_of(same)[name])
    theirs = weights_of(other)
    assert any(not np.array_equal(a, theirs[name]) for name, a in weights_of(one).items())


def test_what_is_not_read_has_no_weights(shop: Dataset) -> None:
    off = {"text": False, "tags": False, "ids": False, "types": False, "gaps": False}
    for name in off:
        model = model_of(shop, inputs={name: False})
        full = {weight.partition(".")[0] for weight in weights_of(model_of(shop))}
        assert set(weights_of(model)) < set(weights_of(model_of(shop))), name
        assert "body" in full
    model = model_of(shop, inputs=off)
    assert not [name for name in weights_of(model) if not name.startswith("body.")]
    assert not model.item_vectors().any()


@drawn(st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=4))
def test_distinct_items_and_their_places(parts: list[list[int]]) -> None:
    arrays = [np.array(part, dtype=np.int64) for part in parts]
    items, places = distinct(*arrays)
    assert items.tolist() == sorted({item for part in parts for item in part})
    for array, place in zip(arrays, places, strict=True):
        np.testing.assert_array_equal(items[place], array)


def test_distinct_keeps_shapes() -> None:
    items, (table, row) = distinct(np.array([[3, 1], [1, 3]]), np.array([7]))
    assert items.tolist() == [1, 3, 7]
    assert table.tolist() == [[1, 0], [0, 1]]
    assert row.tolist() == [2]


def test_a_history_of_padding_alone_is_never_read(shop: Dataset) -> None:
    batch = histories(shop)
    assert (batch.items[:, 0] != PAD).all()
    assert ((batch.items == PAD) == (batch.types == 0)).all()


def test_models_may_have_one_body_in_common(shop: Dataset) -> None:
    """What one learns of it the other has; what is around it stays with each."""
    config, items = model_of(shop).settings, model_of(shop).items
    space, tags = HistorySpace(), TagSpace()
    one = NeuralModel(config, space, tags, items, 26, "cpu", shares=True)
    shared = SharedBody(one.body, one.noise)
    other = NeuralModel(config, space, tags, items, 26, "cpu", body=shared, shares=True)
    one.begin(1)
    shaken(one)
    ours, theirs = weights_of(one), weights_of(other)
    for name in ours:
        assert np.array_equal(ours[name], theirs[name]) == name.startswith("body."), name
    assert {"gate", "tower.adapter.bias"} < set(ours)


def test_a_closed_gate_leaves_the_latest_item(shop: Dataset) -> None:
    """An open one is the body itself: what it says without a gate."""
    plain, batch = shaken(model_of(shop)), histories(shop)
    space = HistorySpace.fit("test", shop, given.InputSettings())
    gated = NeuralModel(
        plain.settings, space, TagSpace.fit(shop.catalog), plain.items, 26, "cpu", shares=True
    )
    gated.begin(1)
    set_weights(gated.eval(), weights_of(plain))
    vectors = plain.item_vectors()
    with torch.no_grad():
        before = plain.last_states(batch, vectors)
        torch.testing.assert_close(gated.last_states(batch, vectors), before)
        gated.gate.zero_()  # type: ignore[union-attr]
        read: list[torch.Tensor] = []
        hook = gated.body.register_forward_pre_hook(lambda _, given: read.append(given[0]))
        closed = gated.last_states(batch, vectors)
        hook.remove()
    rows = torch.arange(len(batch))
    torch.testing.assert_close(closed, read[0][rows, torch.from_numpy(batch.lengths - 1)])
