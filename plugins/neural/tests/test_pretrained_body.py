"""A stored body: what a source takes of it, and what it refuses in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.artifacts import CARD, read_pretrained, write_pretrained
from crossrec.components.cost import DatasetSize
from crossrec.components.run import RunOptions
from crossrec.components.source_pretraining import Pretrained
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.errors import ArtifactError, ConfigError, CrossrecError, DataError, UsageError
from crossrec.testing.answers import check_equal
from crossrec.testing.base import through_disk
from crossrec.testing.rings import queries_and_right, ring
from crossrec_neural.pretraining.body import PretrainedBody, load_body
from crossrec_neural.settings import RnnSettings, TransformerSettings
from crossrec_neural.sources.costs import training_cost
from crossrec_neural.sources.registered import RnnSource, TransformerSource

RUN = RunOptions(seed=1, threads=1)
TRAINING = {"epochs": 2, "steps": 1, "batch_size": 32}
CARD_VALUES = {"source": "transformer", "sources": [{"name": "a"}, {"name": "b"}]}


@pytest.fixture(scope="module")
def made() -> Pretrained:
    config = TransformerSettings(embedding_size=8, layers=1, max_length=7, training=TRAINING)
    return TransformerSource(config).pretrain({"a": ring(1, 60), "b": ring(2, 40)}, RUN)


@pytest.fixture
def folder(made: Pretrained, tmp_path: Path) -> Path:
    path = tmp_path / "rings"
    write_pretrained(path, CARD_VALUES, made.state)
    return path


def adapting(folder: Path, **settings: Any) -> TransformerSource:
    config = TransformerSettings(pretrained=str(folder), training=TRAINING, **settings)
    return TransformerSource(config)


def loaded(folder: Path) -> PretrainedBody:
    return load_body("transformer", TransformerSettings, "rings", {"rings": folder})


def test_what_was_stored_comes_back(made: Pretrained, folder: Path) -> None:
    body = loaded(folder)
    assert body.scenarios == ("a", "b")
    assert body.encoder == "transformer"
    assert {key: body.shape[key] for key in ("embedding_size", "layers", "max_length")} == {
        "embedding_size": 8, "layers": 1, "max_length": 7,
    }  # fmt: skip
    again = body.state()
    assert again.values == made.state.values
    for name, array in made.state.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)


def test_the_state_holds_a_body_and_axes_and_nothing_of_a_scenario(made: Pretrained) -> None:
    names = set(made.state.arrays)
    assert "axes" in names
    assert all(name.startswith("body.") for name in names - {"axes"})
    assert not any("ring" in json.dumps(value) for value in made.state.values.values())


def test_the_body_brings_its_sizes(folder: Path) -> None:
    source, target = adapting(folder), ring(3, 0)
    source.fit(target, RUN)
    settings = source.state().values["settings"]
    assert (settings["embedding_size"], settings["layers"], settings["max_length"]) == (8, 1, 7)
    assert settings["inputs"]["ids"]  # pretraining leaves them out, the target has its own


def test_settings_that_are_the_same_may_be_given(folder: Path) -> None:
    adapting(folder, embedding_size=8).fit(ring(3, 0), RUN)
    with pytest.raises(ConfigError, match=r"layers is 3, the pretrained body .* has 1: leave"):
        adapting(folder, layers=3).fit(ring(3, 0), RUN)


def test_an_adapted_source_travels_through_a_disk(folder: Path, tmp_path: Path) -> None:
    """It needs the body's folder no longer, and answers the same."""
    source, target = adapting(folder), ring(3, 40)
    source.fit(target, RUN)
    other = adapting(tmp_path / "gone")
    other.restore(through_disk(source.state(), tmp_path), target.catalog)
    queries, _ = queries_and_right(target)
    check_equal(other.generate(queries, 10), source.generate(queries, 10))
    assert other.report() == source.report()


def test_new_items_join_by_the_axes_of_the_body(folder: Path) -> None:
    source, target = adapting(folder), ring(3, 40)
    source.fit(target, RUN)
    twins = replace(target.catalog.take([5]), items=type(target.users)(["new"]))
    old = target.vectors["transformer"]
    grown = Dataset(
        target.users, target.catalog.followed_by(twins), Events.empty(), False,
        {"transformer": np.concatenate([np.zeros_like(old), old[[5]]])},
    )  # fmt: skip
    source.add_items(grown)
    queries, _ = queries_and_right(target)
    scores = source.score(queries.take(np.array([9])), np.array([[60, 5]]))
    assert np.isfinite(scores).all()


def test_a_catalogue_of_one_text_is_served_without_error(folder: Path) -> None:
    target = ring(3, 40)
    alike = target.with_vectors("transformer", np.ones((60, 6), np.float32))
    source = adapting(folder, inputs={"ids": True})
    source.fit(alike, RUN)
    queries, _ = queries_and_right(target)
    assert source.generate(queries, 3).index.shape == (60, 3)


def test_two_trainings_cost_twice_as_much() -> None:
    """It is also trained from nothing, to compare; a time limit holds for each."""

    def seconds(pretrained: str, **training: Any) -> float:
        config = TransformerSettings(pretrained=pretrained, training=training)
        return training_cost(size, config, RUN).seconds

    size = DatasetSize(
        items=1_000, users=5_000, events=90_000, interactions=90_000, active_items=900
    )
    one, bounded = seconds(""), seconds("", seconds=1.0)
    assert 1.3 * one < seconds("body") < 2.0 * one  # torch is imported once
    assert bounded < seconds("body", seconds=1.0) < bounded + 5.0


class TestRefusals:
    def refused(self, source: TransformerSource, target: Dataset, run: RunOptions = RUN) -> str:
        with pytest.raises(CrossrecError) as found:
            source.fit(target, run)
        text = str(found.value)
        assert "\n" not in text
        return text

    def test_an_unknown_name(self, tmp_path: Path) -> None:
        run = replace(RUN, pretrained={"known": tmp_path})
        with pytest.raises(UsageError, match=r"no backbone 'x' \(known: known\)"):
            TransformerSource(TransformerSettings(pretrained="x")).fit(ring(3, 0), run)

    def test_a_body_of_another_source(self, folder: Path) -> None:
        source = RnnSource(RnnSettings(pretrained=str(folder)))
        with pytest.raises(ConfigError, match="for the source 'transformer', not for 'rnn'"):
            source.fit(ring(3, 0), RUN)

    def test_another_encoder(self, folder: Path) -> None:
        text = self.refused(adapting(folder, encoder="tfidf"), ring(3, 0))
        assert "reads texts by the encoder 'transformer': set encoder to it" in text
        assert "inputs.text" in self.refused(adapting(folder, inputs={"text": False}), ring(3, 0))

    def test_no_vectors(self, folder: Path) -> None:
        text = self.refused(adapting(folder), replace(ring(3, 0), vectors={}))
        assert "no vectors of the encoder 'transformer'" in text

    def test_another_width(self, folder: Path) -> None:
        wide = ring(3, 0).with_vectors("transformer", np.ones((60, 9), np.float32))
        source = adapting(folder)
        with pytest.raises(DataError, match="6 wide, those of 'transformer' are 9"):
            source.fit(wide, RUN)

    @pytest.mark.parametrize("name", ["state.safetensors", "values.json", CARD])
    def test_a_damaged_or_missing_file(self, folder: Path, name: str) -> None:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-2] + b"xx")
        with pytest.raises(ArtifactError, match="checksum differs; pretrain it again"):
            adapting(folder).fit(ring(3, 0), RUN)
        (folder / name).unlink()
        if name == CARD:
            return  # then it is no folder of anything
        with pytest.raises(ArtifactError, match=f"{name} is missing; pretrain it again"):
            adapting(folder).fit(ring(3, 0), RUN)

    def test_a_relational_backbone(self, tmp_path: Path) -> None:
        (tmp_path / CARD).write_text("{}")
        with pytest.raises(ArtifactError, match="not whole: pretrained.json is missing"):
            adapting(tmp_path).fit(ring(3, 0), RUN)

    @pytest.mark.parametrize("change", ["fewer", "other shape", "no encoder"])
    def test_weights_that_are_not_those_of_the_sizes(
        self, made: Pretrained, tmp_path: Path, change: str
    ) -> None:
        arrays, values = dict(made.state.arrays), dict(made.state.values)
        last = sorted(arrays)[-1]
        if change == "fewer":
            del arrays[last]
        elif change == "other shape":
            arrays[last] = arrays[last][..., :1]
        else:
            del values["encoder"]
        write_pretrained(tmp_path / "odd", CARD_VALUES, State(arrays, values))
        with pytest.raises(ArtifactError, match="no whole body: pretrain it again"):
            loaded(tmp_path / "odd")


def test_reading_back_gives_the_card(folder: Path) -> None:
    card, state = read_pretrained(folder)
    assert card == CARD_VALUES
    assert set(state.values) == {"encoder", "shape", "whitening"}
