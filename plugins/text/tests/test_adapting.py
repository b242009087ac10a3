"""A transformer that learns from items consumed together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from crossrec.components.encoder_training import AdaptableEncoder, EncoderTraining
from crossrec.components.joint_items import JointItems
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ConfigError
from crossrec_backbone.pretraining.joint_items import joint_items
from crossrec_text.model_files import find_model
from crossrec_text.sentence_model import SentenceModel
from crossrec_text.settings import TransformerConfig
from crossrec_text.top_layers import TokenStates, TopLayers, layers_of, token_states
from crossrec_text.transformer import TransformerEncoder

RUN = RunOptions(threads=1)
TEXTS = ["wireless mouse", "drill bit steel", "nail polish", "computer", "steel set", "red lacquer"]
#: Who buys the mouse buys the drill bit, and so on: nothing that the words tell.
TOGETHER = [[0, 1], [2, 3], [4, 5]]
TRAINING = EncoderTraining(steps=60, pairs=8, layers=1, share=1.0, learning_rate=3e-3)


@pytest.fixture
def encoder(tiny_model: Path) -> TransformerEncoder:
    return TransformerEncoder(TransformerConfig(model=str(tiny_model)))


@pytest.fixture
def model(tiny_model: Path) -> SentenceModel:
    config = TransformerConfig(model=str(tiny_model))
    return SentenceModel(find_model(config.model), config, "cpu", 1)


@pytest.fixture
def joint(catalog_of) -> JointItems:
    users = np.repeat(np.arange(len(TOGETHER)), 2)
    events = Events.from_columns(users, np.concatenate(TOGETHER))
    names = Vocabulary(f"u{at}" for at in range(len(TOGETHER)))
    return joint_items("x", Dataset.build(names, catalog_of(TEXTS), events, has_clock=False))


def joint_cosine(vectors: np.ndarray) -> float:
    """By how much items that are consumed together are nearer than all items are."""
    cosine = vectors @ vectors.T
    return float(np.mean([cosine[i, j] for i, j in TOGETHER]) - cosine.mean())


def test_the_encoder_can_be_adapted_as_the_engine_asks(encoder) -> None:
    offers: AdaptableEncoder = encoder
    assert callable(offers.adapt)
    assert callable(offers.with_weights)


def test_untrained_layers_over_kept_states_give_the_models_own_vectors(model) -> None:
    known = token_states(model, TEXTS, 1, RUN)
    assert known.states.dtype == np.float16
    assert known.indptr[-1] == len(known.states) == sum(len(text.split()) + 2 for text in TEXTS)
    top = TopLayers(model, 1).eval()
    with torch.inference_mode():
        vectors = top(*known.batch(np.arange(len(TEXTS)), "cpu", 24)).numpy()
    np.testing.assert_allclose(vectors, model.encode(TEXTS, 4), atol=2e-3)


def test_a_batch_is_padded_and_masked() -> None:
    states = np.arange(10, dtype=np.float16).reshape(5, 2)
    padded, mask = TokenStates(states, np.array([0, 2, 5])).batch(np.array([1, 0]), "cpu", 24)
    np.testing.assert_array_equal(mask.numpy(), [[True, True, True], [True, True, False]])
    np.testing.assert_array_equal(padded[0].numpy(), states[2:])
    np.testing.assert_array_equal(padded[1].numpy(), [[0, 1], [2, 3], [0, 0]])


def test_texts_are_cut_while_layers_learn() -> None:
    states = np.arange(10, dtype=np.float16).reshape(5, 2)
    padded, mask = TokenStates(states, np.array([0, 1, 5])).batch(np.array([1, 0]), "cpu", 2)
    np.testing.assert_array_equal(padded[0].numpy(), states[1:3])
    np.testing.assert_array_equal(mask.numpy(), [[True, True], [True, False]])


def test_items_consumed_together_move_together(encoder, joint, catalog_of) -> None:
    catalog = catalog_of(TEXTS)
    before = joint_cosine(encoder.encode(catalog, RUN))
    weights = encoder.adapt([joint], TRAINING, RUN)
    after = encoder.with_weights(weights).encode(catalog, RUN)
    assert joint_cosine(after) > before + 0.2
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
    assert joint_cosine(encoder.encode(catalog, RUN)) == before, "the encoder stays as it is"


def test_only_the_top_layers_change_and_are_kept_in_half_precision(encoder, joint) -> None:
    state = encoder.adapt([joint], TRAINING, RUN)
    assert all(name.startswith("encoder.layer.1.") for name in state.arrays)
    assert {array.dtype for array in state.arrays.values()} == {np.dtype(np.float16)}
    assert "encoder.layer.1.attention.self.query.weight" in state.arrays


def test_the_same_seed_gives_the_same_weights(encoder, joint) -> None:
    short = TRAINING.model_copy(update={"steps": 5})
    first, second = (encoder.adapt([joint], short, RUN) for _ in range(2))
    other = encoder.adapt([joint], short, RunOptions(seed=1, threads=1))
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name])
    assert any((array != other.arrays[name]).any() for name, array in first.arrays.items())


def test_a_share_lies_between_the_original_and_the_trained(encoder, joint, model) -> None:
    short = TRAINING.model_copy(update={"steps": 5})
    none, half, whole = (
        encoder.adapt([joint], short.model_copy(update={"share": share}), RUN).arrays
        for share in (0.0, 0.5, 1.0)
    )
    own = dict(model.network.named_parameters())
    for name, array in none.items():
        np.testing.assert_allclose(array, own[name].detach().numpy(), atol=1e-3)
        middle = (array.astype(np.float32) + whole[name]) / 2
        np.testing.assert_allclose(half[name], middle, atol=2e-3)


def test_weights_belong_to_one_model(encoder, joint, tmp_path, make_tiny_model) -> None:
    weights = encoder.adapt([joint], TRAINING.model_copy(update={"steps": 1}), RUN)
    folder = make_tiny_model(tmp_path / "other", seed=5)
    other = TransformerEncoder(TransformerConfig(model=str(folder)))
    with pytest.raises(ConfigError, match="belong to .*pretrain again"):
        other.with_weights(weights)
    unknown = State({"encoder.layer.9.x": np.zeros(1, np.float16)}, weights.values)
    with pytest.raises(ConfigError, match=r"no weights encoder\.layer\.9\.x"):
        encoder.with_weights(unknown).encode(_one(), RUN)


def _one():
    from crossrec.data.catalog import Catalog

    return Catalog(Vocabulary(["a"]), ("red",), ("red",), ((),), ("",), np.ones(1, dtype=bool))


def test_adapted_vectors_are_cached_apart(encoder, joint, catalog_of, tmp_path) -> None:
    run, catalog = RunOptions(threads=1, cache=tmp_path), catalog_of(TEXTS)
    adapted = encoder.with_weights(encoder.adapt([joint], TRAINING, RUN))
    plain, fresh = encoder.encode(catalog, run), adapted.encode(catalog, run)
    assert not np.allclose(plain, fresh, atol=1e-2)
    np.testing.assert_array_equal(adapted.encode(catalog, run), fresh)
    assert adapted.last.misses == 0
    np.testing.assert_array_equal(encoder.encode(catalog, run), plain)


def test_more_layers_than_the_model_has_are_refused(encoder, joint) -> None:
    with pytest.raises(ConfigError, match="2 layers are to learn, the model has 2"):
        encoder.adapt([joint], TRAINING.model_copy(update={"layers": 2}), RUN)


def test_a_model_of_another_build_is_refused(model) -> None:
    from transformers import DistilBertConfig, DistilBertModel

    small = DistilBertConfig(vocab_size=20, dim=16, n_heads=2, n_layers=2, hidden_dim=32)
    model.network = DistilBertModel(small)
    with pytest.raises(ConfigError, match="built like BERT"):
        layers_of(model)


def test_progress_is_reported(encoder, joint) -> None:
    messages: list[str] = []

    def say(message: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        messages.append(message)

    short = TRAINING.model_copy(update={"steps": 2})
    encoder.adapt([joint], short, RunOptions(threads=1, progress=say))
    assert set(messages) == {"passing texts through the lower layers", "adapting the encoder"}
