"""The rows of texts through encoder layers that learn: values, gradients, what is made anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.plugins.registry import load_registry
from crossrec.testing.texts import text_dataset
from crossrec_neural.inputs.text import TextSpace
from crossrec_neural.inputs.text_encoder import LearningTexts, layered_encoder
from crossrec_neural.settings import TransformerSettings
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(
    "transformer" not in {one.name for one in load_registry().all("encoders")},
    reason="crossrec-text is not installed",
)


def settings_of(layers: int) -> TransformerSettings:
    return TransformerSettings(inputs={"text_size": 16, "text_layers": layers})  # type: ignore[arg-type]


def learning(dataset: Dataset, run: RunOptions, layers: int = 1) -> LearningTexts:
    space = TextSpace.fit(dataset.vectors["transformer"], 16, 0.5)
    return LearningTexts.of("test", dataset, settings_of(layers), space, run)


@pytest.fixture(scope="module")
def shared(text_model: str) -> LearningTexts:
    """Return the learning texts of 26 items, the last of them without one."""
    run = RunOptions(threads=1, encoders={"transformer": {"model": text_model}})
    words = [f"{('wrench', 'pot')[at % 2]} {at}" for at in range(25)]
    data = text_dataset([*words, " "])
    encoder = layered_encoder("a test", "transformer", run.encoders["transformer"])
    return learning(data.with_vectors("transformer", encoder.encode(data.catalog, run)), run)


class TestRows:
    @pytest.mark.parametrize("layers", [1, 2])
    def test_layers_that_have_learnt_nothing_give_the_rows_of_the_frozen_encoder(
        self, layers: int, texts: Dataset, reading: RunOptions
    ) -> None:
        vectors = texts.vectors["transformer"]
        frozen = TextSpace.fit(vectors, 16, 0.0).rows(vectors)
        space = TextSpace.fit(vectors, 16, 0.0)
        made = LearningTexts.of("test", texts, settings_of(layers), space, reading)
        np.testing.assert_allclose(made.table().numpy(), frozen, atol=0.02)
        assert not made.table()[-1].any()
        assert frozen[:-1].any(axis=1).all()

    def test_some_items_have_the_rows_that_the_table_has(
        self, texts: Dataset, reading: RunOptions
    ) -> None:
        made = learning(texts, reading)
        items = np.array([25, 3, 3, 0, 24])
        with torch.no_grad():
            np.testing.assert_allclose(made(items), made.table()[items], atol=1e-5)
            assert made(np.array([25])).shape == (1, 16)

    def test_items_of_one_text_pass_once(self, texts: Dataset, reading: RunOptions) -> None:
        catalog = texts.catalog.with_texts([texts.catalog.texts[0]] * 26)
        vectors = np.tile(texts.vectors["transformer"][:1], (26, 1))
        vectors[1] = 0.0
        same = replace(texts, catalog=catalog, vectors={"transformer": vectors})
        space = TextSpace.fit(texts.vectors["transformer"], 16, 0.5)
        made = LearningTexts.of("test", same, settings_of(1), space, reading)
        assert made.place.max() == 0
        assert made.place[1] == -1

    def test_the_table_is_made_anew_where_a_weight_has_moved(
        self, texts: Dataset, reading: RunOptions
    ) -> None:
        made = learning(texts, reading)
        first = made.table()
        assert made.table() is first
        with torch.no_grad():
            next(made.parameters()).add_(0.3)
        assert not torch.allclose(made.table(), first)

    def test_gradients_reach_the_top_layers_and_nothing_is_dropped_out(
        self, texts: Dataset, reading: RunOptions
    ) -> None:
        made = learning(texts, reading)
        made.train()
        rows = made(np.arange(26))
        assert torch.equal(rows, made(np.arange(26)))
        rows[:, 0].sum().backward()
        weights = dict(made.named_parameters())
        assert all(name.startswith("layers.top.layers.0.") for name in weights)
        assert any(w.grad is not None and bool(w.grad.abs().max() > 1e-6) for w in weights.values())

    def test_a_gradient_is_what_a_small_step_changes(
        self, texts: Dataset, reading: RunOptions
    ) -> None:
        made = learning(texts, reading)
        weight = dict(made.named_parameters())["layers.top.layers.0.output.dense.weight"]
        made(np.arange(26))[:, 1].square().sum().backward()
        assert weight.grad is not None
        at = int(weight.grad.abs().argmax())
        slope, step = float(weight.grad.flatten()[at]), 1e-2
        values = []
        with torch.no_grad():
            for sign in (1, -1):
                weight.view(-1)[at] += sign * step
                values.append(float(made(np.arange(26))[:, 1].square().sum()))
                weight.view(-1)[at] -= sign * step
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(slope, rel=0.05)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 25), min_size=1, max_size=40))
def test_any_items_have_their_rows_in_the_table(shared: LearningTexts, items: list[int]) -> None:
    """In any order, with repeats, with and without a text."""
    with torch.no_grad():
        rows = shared(np.array(items))
    np.testing.assert_allclose(rows, shared.table()[items], atol=1e-5)
    lengths = rows.norm(dim=1).numpy()
    np.testing.assert_allclose(lengths, [0.0 if item == 25 else 1.0 for item in items], atol=1e-5)
