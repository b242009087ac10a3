"""An encoder that stands for others: the choice is made once, and is part of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from crossrec.components.encoder_choice import ChosenEncoder
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.errors import UsageError
from crossrec.pipeline.budget import parse_budget
from crossrec.pipeline.chosen_encoder import choose_encoder, with_chosen_encoder
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.estimating import plan_fit
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.saving import load_pipeline, save_pipeline
from crossrec.testing.requests import TOY
from crossrec.testing.toy_sources import Popular
from pydantic import Field


class Lengths:
    """The length of each text, beside a constant."""

    def encode(self, catalog, run):
        rows = np.array([[1.0, len(text)] for text in catalog.texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Constant(Lengths):
    """One vector for all."""

    def encode(self, catalog, run):
        return np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (len(catalog), 1))


class ByLetter(Constant):
    """Names the encoder by the first letter of the first text."""

    able = frozenset({"choose"})

    def choose(self, catalog):
        first = catalog.texts[0][:1]
        if first == "?":
            raise RuntimeError("no idea")
        names = {"i": "lengths", "x": "no-such-encoder"}
        return ChosenEncoder(names.get(first, "constant"), {}, f"texts begin with {first}")


class ReadsSettings(Settings):
    """Settings of a source that reads vectors."""

    encoder: str = "lengths"
    text: Mapping[str, str] = Field(default_factory=dict)


class Reads(Popular):
    """A source that needs the vectors that its settings name."""

    settings_model = ReadsSettings

    def __init__(self, config: ReadsSettings | None = None) -> None:
        super().__init__()
        self.config = config or ReadsSettings()

    def fit(self, dataset, run):
        assert self.config.encoder in dataset.vectors
        super().fit(dataset, run)


@pytest.fixture
def registry(make_registry):
    return make_registry(
        encoders={"lengths": Lengths, "constant": Constant, "by-letter": ByLetter},
        candidate_generators={"reads": Reads},
    )


def config(*sources: Mapping[str, Any], **values: Any) -> Any:
    return parse_config({"encoder": "by-letter", "sources": list(sources), **values}, "test")


NAMES_IT = {"name": "reads", "settings": {"encoder": "by-letter", "text": {"encoder": "by-letter"}}}


def test_the_chosen_one_takes_its_place_and_the_sources_follow(registry, make_shop):
    chosen, why = choose_encoder(config(NAMES_IT), registry, make_shop().catalog)
    assert (chosen.encoder, why) == ("lengths", "texts begin with i")
    assert chosen.sources[0].settings == {"encoder": "lengths", "text": {"encoder": "lengths"}}
    assert chosen.sources[0].label == "reads"
    again, why = choose_encoder(chosen, registry, make_shop().catalog)
    assert (again, why) == (chosen, ""), "what was chosen does not choose again"


def test_it_is_the_catalogue_that_decides(registry, make_shop):
    catalog = make_shop().catalog
    other = catalog.with_texts(["a text", *catalog.texts[1:]])
    assert choose_encoder(config(NAMES_IT), registry, other)[0].encoder == "constant"


@pytest.mark.parametrize("encoder", ["", "lengths"])
def test_an_encoder_of_the_pipeline_file_stays(registry, make_shop, encoder):
    own = config({"name": "popular"}, encoder=encoder)
    assert choose_encoder(own, registry, make_shop().catalog) == (own, "")
    resolved = resolve_pipeline(own, registry)
    assert with_chosen_encoder(resolved, registry, make_shop().catalog) is resolved


def test_an_encoder_that_a_source_names_goes_before(registry, make_shop):
    reads = {"name": "reads", "label": "mine", "settings": {"encoder": "constant"}}
    chosen, why = choose_encoder(config(NAMES_IT, reads), registry, make_shop().catalog)
    assert (chosen.encoder, why) == ("constant", "the source 'mine' reads its vectors")
    assert chosen.sources[0].settings["encoder"] == "constant"
    default, _ = choose_encoder(config({"name": "reads"}), registry, make_shop().catalog)
    assert default.encoder == "lengths", "a default names it too"


@pytest.mark.parametrize("first", ["?", "x"])
def test_one_that_cannot_choose_encodes_itself(registry, make_shop, first):
    """It raises, or names what is not registered."""
    catalog = make_shop().catalog
    wanted = config(NAMES_IT)
    same, why = choose_encoder(wanted, registry, catalog.with_texts([first, *catalog.texts[1:]]))
    assert same is wanted
    assert why.startswith("by-letter could not choose: ")
    assert "\n" not in why


def test_an_unknown_encoder_is_named(registry, make_shop):
    with pytest.raises(UsageError, match="by-lettre"):
        choose_encoder(config(NAMES_IT, encoder="by-lettre"), registry, make_shop().catalog)


def test_sources_whose_settings_do_not_fit_are_no_concern_of_the_choice(registry, make_shop):
    wrong = {"name": "reads", "settings": {"encodre": "x"}}
    chosen, _ = choose_encoder(config(wrong), registry, make_shop().catalog)
    assert chosen.encoder == "lengths"


def test_a_fit_keeps_what_was_chosen(registry, make_shop, tmp_path):
    dataset = make_shop()
    chosen, why = choose_encoder(config(NAMES_IT), registry, dataset.catalog)
    resolved = resolve_pipeline(chosen, registry)
    pipeline = fit_pipeline(TOY, dataset, resolved, RunOptions(), [f"encoder: {why}"])
    assert not pipeline.report["failed"], "the source found its vectors"
    save_pipeline(pipeline, tmp_path / "artifact")
    loaded = load_pipeline(tmp_path / "artifact", registry)
    assert loaded.config.encoder == "lengths"
    assert loaded.report["notes"] == ["encoder: texts begin with i"]


def test_a_resolved_pipeline_is_resolved_anew(registry, make_shop):
    resolved = resolve_pipeline(config(NAMES_IT), registry, "user")
    chosen = with_chosen_encoder(resolved, registry, make_shop().catalog)
    assert chosen.encoder is not None
    assert chosen.encoder.label == "lengths"
    assert chosen.main == resolved.main
    assert chosen.sources["reads"].settings["encoder"] == "lengths"


def test_the_plan_says_why(registry, make_shop):
    dataset = make_shop()
    chosen, why = choose_encoder(config(NAMES_IT), registry, dataset.catalog)
    resolved = resolve_pipeline(chosen, registry)
    plan = plan_fit(
        resolved, dataset, RunOptions(), parse_budget("standard"), 2**40, why_encoder=why
    )
    encoder = plan.parts[0]
    assert (encoder.kind, encoder.label, encoder.why) == ("encoder", "lengths", why)
    assert plan.to_dict()["parts"][0]["why"] == why
    assert [part["why"] for part in plan.to_dict()["parts"][1:]] == [None] * (len(plan.parts) - 1)
    from crossrec.cli.fit import plan_text

    line = next(line for line in plan_text("toy", plan).splitlines() if "lengths" in line)
    assert line.endswith("texts begin with i")
