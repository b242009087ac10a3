"""A pipeline may have several encoders: their vectors lie side by side, under their labels."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError, CrossrecError, UsageError
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.estimating import without_left_out
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.pipeline_file import effective, pipeline_text
from crossrec.pipeline.plan import PlannedPart
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.toy_sources import Popular, registry_of
from crossrec.tomlio import parse_toml
from pydantic import BaseModel

RUN = RunOptions()


class AxisConfig(BaseModel):
    at: int = 0


class Axis:
    """All items on one axis, whatever their texts."""

    settings_model = AxisConfig

    def __init__(self, config: AxisConfig) -> None:
        self.config = config

    def encode(self, catalog, run):
        rows = np.zeros((len(catalog), 4), dtype=np.float32)
        rows[:, self.config.at] = 1.0
        return rows


class Missing:
    def encode(self, catalog, run):
        raise CrossrecError("no camera here: install one")


REGISTRY = registry_of(
    candidate_generators={"popular": Popular}, encoders={"axis": Axis, "missing": Missing}
)


def config_of(**values):
    return parse_config({"sources": [{"name": "popular"}], **values}, "test")


def resolved(**values):
    return resolve_pipeline(config_of(**values), REGISTRY)


TWO = (
    {"name": "axis", "label": "front", "settings": {"at": 1}},
    {"name": "axis", "label": "back", "settings": {"at": 2}},
)


def test_each_encoder_has_its_vectors_under_its_label(make_shop) -> None:
    data, notes = attach_vectors(make_shop(), resolved(encoder="axis", encoders=TWO), RUN)
    assert notes == []
    assert {name: int(rows[0].argmax()) for name, rows in data.vectors.items()} == {
        "axis": 0,
        "front": 1,
        "back": 2,
    }


def test_an_encoder_by_its_name_alone_is_called_so(make_shop) -> None:
    data, _ = attach_vectors(make_shop(), resolved(encoders=["axis"]), RUN)
    assert list(data.vectors) == ["axis"]


def test_one_that_fails_takes_nothing_from_the_others(make_shop) -> None:
    broken = {"name": "missing", "label": "pictures"}
    parts = resolved(encoder="axis", encoders=(broken, TWO[0]))
    data, notes = attach_vectors(make_shop(), parts, RUN)
    assert list(data.vectors) == ["axis", "front"]
    assert notes == ["encoder pictures is left out: no camera here: install one"]


def test_titles_are_encoded_by_the_first_alone(make_shop) -> None:
    parts = resolved(encoder="axis", title_vectors=True, encoders=TWO[:1])
    data, _ = attach_vectors(make_shop(), parts, RUN)
    assert list(data.vectors) == ["axis", "axis:title", "front"]


def test_a_run_has_the_settings_of_all() -> None:
    parts = resolved(encoder="axis", encoders=TWO)
    assert parts.encoders == {"axis": {}, "front": {"at": 1}, "back": {"at": 2}}
    assert resolved().encoders == {}


@pytest.mark.parametrize("encoders", [["axis", "axis"], [{"name": "axis", "label": "words"}]])
def test_two_encoders_of_one_label_are_refused(encoders) -> None:
    with pytest.raises(ConfigError, match="same label"):
        config_of(encoder="words", encoders=encoders)


def test_an_unknown_encoder_is_refused_before_the_fit() -> None:
    with pytest.raises(UsageError, match="nowhere"):
        resolved(encoders=["nowhere"]).refuse_unusable()


def test_a_pipeline_file_reads_back_with_its_encoders() -> None:
    parts = resolved(encoder="axis", encoders=TWO)
    text = pipeline_text(parts, [], {})
    assert text.count("[[encoders]]") == 2
    back = parse_config(parse_toml(text, "test"), "test")
    assert back.encoders == effective(parts).encoders
    assert [one.settings for one in back.encoders] == [{"at": 1}, {"at": 2}]


@pytest.mark.parametrize(
    ("kind", "gone", "left"),
    [
        ("encoder", "front", ["axis", "back"]),
        ("encoder", "axis", ["", "front", "back"]),
        ("source", "front", ["axis", "front", "back"]),
    ],
)
def test_a_plan_leaves_out_the_encoder_that_it_names(kind, gone, left) -> None:
    config = config_of(encoder="axis", encoders=TWO)
    kept = without_left_out(config, [PlannedPart(gone, kind)])
    assert [kept.encoder, *(one.label for one in kept.encoders)] == left
