"""The top layers of the text encoder learn with the body: gradients, artifacts, refusals."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ConfigError
from crossrec.plugins.registry import load_registry
from crossrec.testing.base import through_disk
from crossrec.testing.checkpoints import MemoryCheckpoints
from crossrec.testing.text_models import save_tiny_model
from crossrec_neural.inputs.text import TextSpace
from crossrec_neural.inputs.text_encoder import LearningTexts, layered_encoder
from crossrec_neural.settings import TransformerSettings, TwoTowerSettings
from crossrec_neural.sources.registered import TransformerSource, TwoTowerSource

BatchOf = Callable[..., QueryBatch]
WORDS = ["wrench", "pot", "tools", "kitchen", *map(str, range(26))]
INPUTS = {"ids": False, "tags": False, "text_size": 16}
TRAINING = {"epochs": 3, "steps": 1, "batch_size": 32, "text_learning_rate": 0.01, "text_items": 8}

pytestmark = pytest.mark.skipif(
    "transformer" not in {one.name for one in load_registry().all("encoders")},
    reason="crossrec-text is not installed",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", WORDS))


@pytest.fixture
def reading(run: RunOptions, model: str) -> RunOptions:
    """Return options that say which model made the vectors, as a fit does."""
    return replace(run, encoders={"transformer": {"model": model}})


@pytest.fixture
def texts(shop: Dataset, reading: RunOptions) -> Dataset:
    """Return the shop with the tiny model's vectors; the last item has no text."""
    catalog = shop.catalog.with_texts([*shop.catalog.texts[:-1], " "])
    encoder = layered_encoder("a test", "transformer", reading.encoders["transformer"])
    whole = replace(shop, catalog=catalog)
    return whole.with_vectors("transformer", encoder.encode(catalog, reading))


def source(layers: int = 1, **more: Any) -> TransformerSource:
    inputs = {**INPUTS, **more.pop("inputs", {}), "text_layers": layers}
    training = {**TRAINING, **more.pop("training", {})}
    return TransformerSource(
        TransformerSettings(embedding_size=8, inputs=inputs, training=training, **more)
    )


def fitted(dataset: Dataset, run: RunOptions, layers: int = 1, **more: Any) -> TransformerSource:
    made = source(layers, **more)
    made.fit(dataset, run)
    return made


def learning(dataset: Dataset, run: RunOptions, layers: int = 1) -> LearningTexts:
    settings = source(layers).config
    space = TextSpace.fit(dataset.vectors["transformer"], 16, 0.5)
    return LearningTexts.of("test", dataset, settings, space, run)


class TestRows:
    @pytest.mark.parametrize("layers", [1, 2])
    def test_layers_that_have_learnt_nothing_give_the_rows_of_the_frozen_encoder(
        self, layers: int, texts: Dataset, reading: RunOptions
    ) -> None:
        vectors = texts.vectors["transformer"]
        frozen = TextSpace.fit(vectors, 16, 0.0).rows(vectors)
        space = TextSpace.fit(vectors, 16, 0.0)
        made = LearningTexts.of("test", texts, source(layers).config, space, reading)
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
        made = LearningTexts.of("test", same, source().config, space, reading)
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


class TestTraining:
    def test_the_layers_learn_and_serve(
        self, texts: Dataset, reading: RunOptions, batch_of: BatchOf
    ) -> None:
        """What follows what is in the events alone, and only the encoder can take it in."""
        longer = {"epochs": 12, "patience": 12}
        frozen = fitted(texts, reading, 0, training=longer)
        trained = fitted(texts, reading, 2, training=longer)
        losses = [one._trained.epochs[-1].loss for one in (frozen, trained)]
        assert losses[1] < losses[0] - 0.05
        assert frozen._trained.encoder is None
        assert len(trained.generate(batch_of([[0, 2]]), 5).index[0]) == 5

    def test_the_item_vectors_are_those_of_the_trained_encoder(
        self, texts: Dataset, reading: RunOptions
    ) -> None:
        whole = fitted(texts, reading)._trained
        assert whole.encoder is not None
        vectors = whole.encoder.encode(texts.catalog)
        assert vectors is not None
        assert not np.allclose(vectors, texts.vectors["transformer"], atol=0.02)
        rows = torch.tensor(whole.spaces.text.rows(vectors))
        adapter = whole.model.tower.adapter
        assert adapter is not None
        np.testing.assert_allclose(adapter(rows).detach(), whole.vectors, atol=0.02)
        assert whole.model.texts is None, "the token states are not kept"

    def test_no_more_texts_pass_in_a_step_than_allowed(
        self, texts: Dataset, reading: RunOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[int] = []
        forward = LearningTexts.forward

        def counted(self: LearningTexts, items: np.ndarray) -> torch.Tensor:
            if torch.is_grad_enabled():
                seen.append(len(items))
            return forward(self, items)

        monkeypatch.setattr(LearningTexts, "forward", counted)
        fitted(texts, reading, training={"text_items": 5})
        assert set(seen) == {5}

    def test_the_rate_is_the_layers_own(self, texts: Dataset, reading: RunOptions) -> None:
        still = fitted(texts, reading, training={"text_learning_rate": 1e-12})
        assert still._trained.encoder is not None
        vectors = still._trained.encoder.encode(texts.catalog)
        np.testing.assert_allclose(vectors, texts.vectors["transformer"], atol=1e-4)

    def test_a_fit_without_layers_that_learn_is_what_it_was(
        self, texts: Dataset, reading: RunOptions, run: RunOptions
    ) -> None:
        """The settings of the layers draw no random number and read no model."""
        one = fitted(texts, reading, 0).state().arrays
        other = fitted(texts, run, 0, training={"text_items": 3}).state().arrays
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name], err_msg=name)

    def test_a_seed_decides(self, texts: Dataset, reading: RunOptions) -> None:
        one, other = (fitted(texts, reading).state() for _ in range(2))
        for name, array in one.arrays.items():
            np.testing.assert_array_equal(array, other.arrays[name], err_msg=name)

    def test_a_killed_fit_goes_on_to_the_same_result(
        self, texts: Dataset, reading: RunOptions
    ) -> None:
        whole = fitted(texts, reading).state()
        memory = MemoryCheckpoints(fail_after=1)
        with pytest.raises(KeyboardInterrupt):
            fitted(texts, replace(reading, checkpoints=memory))
        memory.fail_after = 10**9
        again = fitted(texts, replace(reading, checkpoints=memory)).state()
        assert memory.puts == 3
        assert set(again.arrays) == set(whole.arrays)
        for name, array in whole.arrays.items():
            np.testing.assert_array_equal(array, again.arrays[name], err_msg=name)

    def test_every_body_can_train_them(self, texts: Dataset, reading: RunOptions) -> None:
        inputs = {**INPUTS, "text_layers": 1}
        made = TwoTowerSource(
            TwoTowerSettings(embedding_size=8, inputs=inputs, training=TRAINING)  # type: ignore[arg-type]
        )
        made.fit(texts, reading)
        assert made._trained.encoder is not None


def grown(dataset: Dataset, like: list[int], vectors: np.ndarray | None) -> Dataset:
    """Return the dataset with new items, each with the text of another."""
    twins = dataset.catalog.take(like)
    twins = replace(twins, items=Vocabulary(f"new {at}" for at in range(len(like))))
    catalog: Catalog = dataset.catalog.followed_by(twins)
    known = {} if vectors is None else {"transformer": vectors}
    return Dataset(dataset.users, catalog, Events.empty(), True, known)


class TestNewItems:
    @pytest.mark.parametrize("stored", [False, True])
    def test_they_are_read_by_the_trained_encoder(
        self, stored: bool, texts: Dataset, reading: RunOptions, batch_of: BatchOf, tmp_path: Path
    ) -> None:
        """A new item with the text of another has its vector, whatever vectors it comes with."""
        made = fitted(texts, reading, 2)
        if stored:
            state = through_disk(made.state(), tmp_path)
            made = source(2)
            made.restore(state, texts.catalog)
        wrong = np.zeros((28, 16), dtype=np.float32)
        wrong[26:] = texts.vectors["transformer"][5:7]
        longer = copy(made)
        longer.add_items(grown(texts, [4, 7], wrong))
        scores = longer._trained.all_scores(batch_of([[0, 2], [26, 1]]))
        np.testing.assert_allclose(scores[:, 26], scores[:, 4], atol=0.05)
        np.testing.assert_allclose(scores[:, 27], scores[:, 7], atol=0.05)
        assert np.abs(scores[:, 4] - scores[:, 5]).min() > 0.05
        assert len(made._trained.known) == 26, "what serves stays as it is"

    def test_those_without_a_text_are_no_candidates(
        self, texts: Dataset, reading: RunOptions, batch_of: BatchOf
    ) -> None:
        made = fitted(texts, reading)
        made.add_items(grown(texts, [25], None))
        assert made._trained.all_scores(batch_of([[0]]))[0, 26] == -np.inf

    def test_a_model_that_has_changed_is_refused(
        self, texts: Dataset, reading: RunOptions, tmp_path: Path
    ) -> None:
        folder = save_tiny_model(tmp_path / "mine", WORDS)
        run = replace(reading, encoders={"transformer": {"model": str(folder)}})
        made = fitted(texts, run)
        save_tiny_model(folder, WORDS, seed=9)
        with pytest.raises(ConfigError, match="weights belong to"):
            made.add_items(grown(texts, [4], None))


class TestRefusals:
    def test_more_layers_than_there_are(self, texts: Dataset, reading: RunOptions) -> None:
        with pytest.raises(ConfigError, match="3 layers are to learn, the model has 2: name fewer"):
            fitted(texts, reading, 3)

    @pytest.mark.parametrize("off", [{"encoder": ""}, {"inputs": {"text": False}}])
    def test_settings_that_read_no_texts(self, off: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="set encoder and inputs.text"):
            source(1, **off)

    def test_items_without_texts(self, shop: Dataset, reading: RunOptions) -> None:
        bare = replace(shop, vectors={})
        with pytest.raises(ConfigError, match="no item has one"):
            fitted(bare, reading)
        zero = {"transformer": np.zeros((26, 16), np.float32)}
        with pytest.raises(ConfigError, match="no item has one"):
            fitted(replace(shop, vectors=zero), reading)

    def test_an_encoder_that_has_no_layers(self, texts: Dataset, reading: RunOptions) -> None:
        other = replace(texts, vectors={"tfidf-svd": texts.vectors["transformer"]})
        with pytest.raises(ConfigError, match="'tfidf-svd' cannot be trained: use one that can"):
            fitted(other, reading, encoder="tfidf-svd")

    def test_vectors_of_another_model(
        self, texts: Dataset, reading: RunOptions, tmp_path: Path
    ) -> None:
        other = str(save_tiny_model(tmp_path / "other", WORDS, seed=5))
        run = replace(reading, encoders={"transformer": {"model": other}})
        with pytest.raises(ConfigError, match="not those of the encoder"):
            fitted(texts, run)

    def test_pretraining_leaves_the_encoder_alone(
        self, texts: Dataset, reading: RunOptions
    ) -> None:
        with pytest.raises(ConfigError, match="leave out inputs.text_layers"):
            source().pretrain({"a": texts, "b": texts}, reading)

    def test_a_checkpoint_of_another_model_is_left_alone(
        self, texts: Dataset, reading: RunOptions, tmp_path: Path
    ) -> None:
        memory = MemoryCheckpoints()
        fitted(texts, replace(reading, checkpoints=memory))
        folder = save_tiny_model(tmp_path / "other", WORDS, seed=5)
        run = replace(reading, encoders={"transformer": {"model": str(folder)}})
        encoder = layered_encoder("a test", "transformer", run.encoders["transformer"])
        other = texts.with_vectors("transformer", encoder.encode(texts.catalog, run))
        expected = fitted(other, run).state().arrays
        found = fitted(other, replace(run, checkpoints=memory)).state().arrays
        for name, array in expected.items():
            np.testing.assert_array_equal(array, found[name], err_msg=name)
