"""The top layers of a transformer, for others to train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from crossrec.components.encoder_training import LayeredEncoder
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError
from crossrec_text import top_layers
from crossrec_text.settings import TransformerConfig
from crossrec_text.top_layers import TrainableTexts
from crossrec_text.transformer import TransformerEncoder

RUN = RunOptions(threads=1)
#: Of different lengths, so that their order in a batch is not theirs here.
TEXTS = ["wireless mouse red blue", "drill", "nail polish lacquer", "computer mouse", "set"]


@pytest.fixture
def encoder(tiny_model: Path) -> TransformerEncoder:
    return TransformerEncoder(TransformerConfig(model=str(tiny_model)))


def test_the_encoder_offers_what_the_engine_asks(encoder: TransformerEncoder) -> None:
    offers: LayeredEncoder = encoder
    assert callable(offers.top_layers)


@pytest.mark.parametrize("count", [1, 2])
def test_texts_have_the_encoders_vectors_in_any_order(
    count: int, encoder: TransformerEncoder, catalog_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(top_layers, "_LEARNT", 2)
    vectors = encoder.encode(catalog_of(TEXTS), RUN)
    texts = encoder.top_layers(TEXTS, count, RUN)
    rows = np.array([4, 0, 2, 2, 1])
    np.testing.assert_allclose(texts(rows).detach().numpy(), vectors[rows], atol=2e-3)
    assert texts(np.array([3])).shape == (1, 16)


def test_what_was_learnt_goes_back_into_the_encoder(
    encoder: TransformerEncoder, catalog_of: Callable
) -> None:
    before = encoder.encode(catalog_of(TEXTS), RUN)
    texts: TrainableTexts = encoder.top_layers(TEXTS, 1, RUN)
    optimiser = torch.optim.Adam(texts.parameters(), lr=0.01)
    for _ in range(20):
        optimiser.zero_grad()
        vectors = texts(np.array([0, 1]))
        torch.autograd.backward((vectors[0] * vectors[1]).sum())
        optimiser.step()
    state = texts.state()
    assert {array.dtype for array in state.arrays.values()} == {np.dtype(np.float32)}
    assert all(name.startswith("encoder.layer.1.") for name in state.arrays)
    after = encoder.with_weights(state).encode(catalog_of(TEXTS), RUN)
    assert after[0] @ after[1] < before[0] @ before[1] - 0.2
    np.testing.assert_allclose(texts(np.arange(5)).detach().numpy(), after, atol=5e-3)
    np.testing.assert_array_equal(encoder.encode(catalog_of(TEXTS), RUN), before)


def test_the_state_is_a_copy(encoder: TransformerEncoder) -> None:
    texts = encoder.top_layers(TEXTS, 1, RUN)
    state = texts.state()
    name = "encoder.layer.1.output.dense.bias"
    with torch.no_grad():
        for weight in texts.parameters():
            weight.add_(1.0)
    np.testing.assert_allclose(texts.state().arrays[name], state.arrays[name] + 1.0, atol=1e-6)


def test_nothing_is_dropped_out_while_others_train(encoder: TransformerEncoder) -> None:
    whole = torch.nn.Sequential(encoder.top_layers(TEXTS, 2, RUN))
    whole.train()
    assert not any(part.training for part in whole[0].modules())


def test_states_of_many_texts_lie_in_a_file(
    encoder: TransformerEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has no name and is gone with the texts; the vectors are the same."""
    here = encoder.top_layers(TEXTS, 1, RUN)
    assert not isinstance(here.known.states, np.memmap)
    monkeypatch.setattr(top_layers, "IN_MEMORY", 100)
    cache = tmp_path / "cache"
    there = encoder.top_layers(TEXTS, 1, RunOptions(threads=1, cache=cache))
    assert isinstance(there.known.states, np.memmap)
    assert list(cache.iterdir()) == []
    rows = np.arange(5)
    assert torch.equal(here(rows), there(rows))


def test_more_layers_than_there_are_are_refused(encoder: TransformerEncoder) -> None:
    with pytest.raises(ConfigError, match="3 layers are to learn, the model has 2: name fewer"):
        encoder.top_layers(TEXTS, 3, RUN)


def test_weights_of_another_model_are_refused(
    encoder: TransformerEncoder, make_tiny_model: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_tiny_model(tmp_path / "other", seed=5)
    other = TransformerEncoder(TransformerConfig(model=str(folder)))
    with pytest.raises(ConfigError, match="weights belong to"):
        other.with_weights(encoder.top_layers(TEXTS, 1, RUN).state())
