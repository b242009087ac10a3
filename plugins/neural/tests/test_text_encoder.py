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
from crossrec.artifacts import write_pretrained
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.profiles import profile_columns
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ConfigError
from crossrec.plugins.registry import load_registry
from crossrec.testing.base import through_disk
from crossrec.testing.checkpoints import MemoryCheckpoints
from crossrec_neural.inputs.text_encoder import LearningTexts, layered_encoder
from crossrec_neural.settings import TransformerSettings, TwoTowerSettings
from crossrec_neural.sources.registered import TransformerSource, TwoTowerSource

BatchOf = Callable[..., QueryBatch]
MakeModel = Callable[..., Path]
INPUTS = {"ids": False, "tags": False, "text_size": 16}
TRAINING = {"epochs": 3, "steps": 1, "batch_size": 32, "text_learning_rate": 0.01, "text_items": 8}

pytestmark = pytest.mark.skipif(
    "transformer" not in {one.name for one in load_registry().all("encoders")},
    reason="crossrec-text is not installed",
)


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
        self,
        texts: Dataset,
        reading: RunOptions,
        tmp_path: Path,
        make_text_model: Callable[..., Path],
    ) -> None:
        folder = make_text_model(tmp_path / "mine")
        run = replace(reading, encoders={"transformer": {"model": str(folder)}})
        made = fitted(texts, run)
        make_text_model(folder, seed=9)
        with pytest.raises(ConfigError, match="weights belong to"):
            made.add_items(grown(texts, [4], None))


class TestWithTheRest:
    def test_a_refit_trains_the_layers_again(self, texts: Dataset, reading: RunOptions) -> None:
        """From the model's own weights, for as many epochs; the fitted source stays as it is."""
        last = np.append(texts.events.users[1:] != texts.events.users[:-1], True)
        made = fitted(texts.with_events(texts.events.take(~last)), reading)
        before = made._trained.encoder
        assert before is not None
        again = copy(made)
        again.refit(texts, reading)
        after = again._trained.encoder
        assert after is not None
        assert made._trained.encoder is before
        assert set(after.weights.arrays) == set(before.weights.arrays)
        assert any(
            not np.array_equal(array, after.weights.arrays[name])
            for name, array in before.weights.arrays.items()
        )
        vectors = after.encode(texts.catalog)
        assert vectors is not None
        rows = torch.tensor(again._trained.spaces.text.rows(vectors))
        adapter = again._trained.model.tower.adapter
        assert adapter is not None
        np.testing.assert_allclose(adapter(rows).detach(), again._trained.vectors, atol=0.02)

    def test_a_pretrained_body_may_have_them_too(
        self, texts: Dataset, reading: RunOptions, tmp_path: Path
    ) -> None:
        """Both models that are compared train the layers; the axes are those of the body."""
        plain = TransformerSettings(embedding_size=8, training=TRAINING)  # type: ignore[arg-type]
        body = TransformerSource(plain).pretrain({"a": texts, "b": texts}, reading)
        card = {"source": "transformer", "sources": [{"name": "a"}, {"name": "b"}]}
        write_pretrained(tmp_path / "body", card, body.state)
        run = replace(reading, pretrained={"body": tmp_path / "body"})
        made = TransformerSource(
            TransformerSettings(
                pretrained="body", inputs={"ids": False, "text_layers": 1}, training=TRAINING
            )  # type: ignore[arg-type]
        )
        made.fit(texts, run)
        whole = made._trained
        assert whole.encoder is not None
        assert whole.start["users"] > 0
        assert set(whole.start["ndcg@10"]) == {"untrained", "pretrained", "without pretraining"}

    def test_user_fields_and_layers_learn_together(
        self, texts: Dataset, reading: RunOptions, batch_of: BatchOf
    ) -> None:
        records = {id_: {"kind": ("x", "y")[at % 2]} for at, id_ in enumerate(texts.users.ids)}
        data = replace(texts, profiles=profile_columns(texts.users, records))
        made = fitted(data, reading, inputs={"user_fields": ["kind"]})
        one = replace(batch_of([[0, 2]]), profile={"kind": np.array(["x"])})
        other = replace(batch_of([[0, 2]]), profile={"kind": np.array(["y"])})
        scores = [made._trained.all_scores(batch) for batch in (one, other)]
        assert not np.allclose(scores[0][:, :24], scores[1][:, :24])
        index = np.array([[3, 24, 7]])
        np.testing.assert_allclose(
            made._trained.some_scores(one, index), scores[0][:, index[0]], rtol=1e-4
        )


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
        self,
        texts: Dataset,
        reading: RunOptions,
        tmp_path: Path,
        make_text_model: Callable[..., Path],
    ) -> None:
        other = str(make_text_model(tmp_path / "other", seed=5))
        run = replace(reading, encoders={"transformer": {"model": other}})
        with pytest.raises(ConfigError, match="not those of the encoder"):
            fitted(texts, run)

    def test_pretraining_leaves_the_encoder_alone(
        self, texts: Dataset, reading: RunOptions
    ) -> None:
        with pytest.raises(ConfigError, match="leave out inputs.text_layers"):
            source().pretrain({"a": texts, "b": texts}, reading)

    def test_a_checkpoint_of_another_model_is_left_alone(
        self,
        texts: Dataset,
        reading: RunOptions,
        tmp_path: Path,
        make_text_model: Callable[..., Path],
    ) -> None:
        memory = MemoryCheckpoints()
        fitted(texts, replace(reading, checkpoints=memory))
        folder = make_text_model(tmp_path / "other", seed=5)
        run = replace(reading, encoders={"transformer": {"model": str(folder)}})
        encoder = layered_encoder("a test", "transformer", run.encoders["transformer"])
        other = texts.with_vectors("transformer", encoder.encode(texts.catalog, run))
        expected = fitted(other, run).state().arrays
        found = fitted(other, replace(run, checkpoints=memory)).state().arrays
        for name, array in expected.items():
            np.testing.assert_array_equal(array, found[name], err_msg=name)
