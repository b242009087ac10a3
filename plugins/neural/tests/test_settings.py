"""Settings: what is refused, what a pipeline file may say, what is registered."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from crossrec.plugins.registration import Registration, resolve
from crossrec_neural import plugin
from crossrec_neural import settings as given
from crossrec_neural.rating.settings import RatingTraining
from crossrec_neural.sources.source import NeuralSource
from pydantic import ValidationError

README = Path(__file__).resolve().parents[1] / "README.md"


def registrations() -> list[Registration]:
    found: list[Registration] = []

    def register(name: str, factory: Any, **rest: Any) -> None:
        found.append(Registration("candidate_generators", name, factory, **rest))

    plugin.register_candidate_generators(register)
    return found


EACH = pytest.mark.parametrize("one", registrations(), ids=lambda one: one.name)


@EACH
def test_a_source_goes_by_the_name_it_is_registered_with(one: Registration) -> None:
    source = one.build()
    assert isinstance(source, NeuralSource)
    assert source.name == one.name
    assert type(source).settings is resolve(one.config)  # type: ignore[arg-type]
    able = {"score", "add_items", "refit", "estimate", "report"}
    pretrained = isinstance(source.config, given.BodySettings)
    able |= {"pretrain"} if pretrained else set()
    assert one.capabilities == able | ({"thorough"} if one.name == "transformer" else set())
    assert callable(getattr(source, "pretrain", None)) == pretrained
    assert type(source)().config == source.config


@EACH
def test_every_source_is_in_the_readme(one: Registration) -> None:
    assert f"| `{one.name}` |" in README.read_text(encoding="utf-8")


@EACH
def test_settings_of_a_pipeline_file(one: Registration) -> None:
    table = tomllib.loads(
        """
        encoder = "tfidf-svd"
        embedding_size = 32
        heads = { category = 0.1, rating = 0.2 }

        [inputs]
        ids = false

        [loss]
        name = "gbce"
        per_positive = 4

        [training]
        seconds = 60
        """
    )
    config = one.build(table).config
    assert (config.encoder, config.embedding_size) == ("tfidf-svd", 32)
    assert (config.inputs.ids, config.inputs.text) == (False, True)
    assert (config.loss.name, config.loss.per_positive) == ("gbce", 4)
    assert config.training.seconds == 60.0
    assert config.heads == {"category": 0.1, "rating": 0.2}


@pytest.mark.parametrize(
    "wrong",
    [
        {"embedding_size": 1},
        {"max_length": 1},
        {"dropout": 1.0},
        {"heads": {"colour": 0.1}},
        {"heads": {"category": 0.0}},
        {"loss": {"name": "hinge"}},
        {"loss": {"temperature": 0.0}},
        {"loss": {"negatives": 0}},
        {"loss": {"uniform": 1.5}},
        {"loss": {"per_positive": 0}},
        {"inputs": {"whitening": -0.1}},
        {"inputs": {"text_size": 0}},
        {"inputs": {"evidence": -1.0}},
        {"inputs": {"text_layers": -1}},
        {"inputs": {"user_fields": [1]}},
        {"inputs": {"user_fields": "country"}},
        {"training": {"text_items": 0}},
        {"training": {"text_learning_rate": 0.0}},
        {"training": {"epochs": 0}},
        {"training": {"batch_size": 0}},
        {"training": {"learning_rate": 0.0}},
        {"training": {"validation_share": 0.9}},
        {"training": {"seconds": 0}},
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        given.NeuralSettings(**wrong)


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (given.TransformerSettings, {"layers": 0}),
        (given.TransformerSettings, {"attention_heads": 3}),
        (given.RnnSettings, {"cell": "elman"}),
        (given.CnnSettings, {"window": 0}),
        (given.TwoTowerSettings, {"decay": 0.0}),
        (given.NcfSettings, {"hidden": 0}),
        (given.VaeSettings, {"prior": "flat"}),
        (given.VaeSettings, {"item_dropout": 1.0}),
    ],
)
def test_so_are_those_of_a_body(model: type[given.NeuralSettings], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model(**wrong)


def test_a_body_is_chosen_by_its_settings_alone() -> None:
    from crossrec_neural.bodies.choose import body_of
    from crossrec_neural.bodies.layers import Noise

    with pytest.raises(TypeError, match="no body has the settings NeuralSettings"):
        body_of(given.NeuralSettings(), Noise("cpu"))


def test_a_body_brings_its_sizes_and_nothing_of_the_training() -> None:
    shape = given.TransformerSettings(layers=3, dropout=0.4, pretrained="x").shape()
    assert shape == {
        "embedding_size": 128, "max_length": 50, "layers": 3, "attention_heads": 2,
        "positions": True, "time_bias": False, "gated": False,
    }  # fmt: skip
    assert set(given.RnnSettings().shape()) == {"embedding_size", "max_length", "cell", "layers"}


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_the_rate_of_a_body_is_a_share(rate: float) -> None:
    with pytest.raises(ValidationError):
        given.RnnSettings(tune_body=rate)
    assert "pretrained" not in given.VaeSettings.model_fields  # nothing there would obey it


def test_a_rater_has_no_settings_of_text_layers() -> None:
    """It trains none: an option that nothing obeys is refused."""
    with pytest.raises(ValidationError):
        RatingTraining(text_items=8)  # type: ignore[call-arg]
    assert given.TrainingSettings(text_items=8).text_items == 8
