"""Every backbone that is shipped loads, names its sources, and holds nothing but trees."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import crossrec_backbone
import numpy as np
import pytest
from crossrec.artifacts import CARD
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.pipeline.pretrained import find_pretrained, survey_pretrained
from crossrec.plugins.registry import load_registry
from crossrec.testing import toy
from crossrec_backbone.pretrained.model import (
    FORMAT,
    GENERAL,
    MANIFEST,
    load_backbone,
    read_manifest,
)
from crossrec_backbone.pretraining.source_examples import WEIGHTS
from crossrec_backbone.ranking.features import COLUMN_NAMES, COLUMNS

MODELS = Path(crossrec_backbone.__file__).parent / "models"
SHIPPED = sorted(path.parent for path in MODELS.glob(f"*/{MANIFEST}"))
NAMES = [path.name for path in SHIPPED]
LIMIT = 20_000_000
README = Path(__file__).resolve().parent.parent / "README.md"

EACH = pytest.mark.parametrize("folder", SHIPPED, ids=NAMES)
ANY = pytest.mark.skipif(not SHIPPED, reason="no backbone is shipped yet")


def default_name() -> str:
    """Return the name of the default of the distribution."""
    registered = load_registry().all("pretrained")
    return next(one.name for one in registered if "default" in one.capabilities)


def test_registering_is_light() -> None:
    code = "import sys, crossrec_backbone.plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"numpy", "torch", "lightgbm", "pandas"}


@ANY
def test_the_engine_finds_them_and_knows_the_default() -> None:
    seen = survey_pretrained(None, load_registry())
    brought = {one.name: one for one in seen.found if one.origin == "crossrec-backbone"}
    assert set(brought) == set(NAMES)
    assert not [one for one in seen.broken if one.origin == "crossrec-backbone"]
    assert brought[default_name()].default
    assert sum(one.default for one in brought.values()) == 1
    folders = seen.folders()
    assert all(
        find_pretrained(f"crossrec-backbone:{name}", folders) == MODELS / name for name in NAMES
    )


@ANY
def test_all_together_are_small_and_nothing_else_is_there() -> None:
    files = [path for path in MODELS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LIMIT
    named = {MODELS / name / MANIFEST for name in NAMES}
    for folder in SHIPPED:
        named |= {folder / name for name in read_manifest(folder)["files"]}
    assert set(files) == named


@EACH
def test_it_loads_and_scores(folder: Path) -> None:
    backbone = load_backbone(folder)
    card = backbone.card
    assert set(backbone.heads) == {GENERAL, *card["domains"]}
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(3, 20, len(COLUMNS))).astype(np.float32)
    columns[0, 0] = np.nan
    for ranker in backbone.heads.values():
        assert set(ranker.columns) <= set(COLUMN_NAMES)
        scores = ranker.scores(columns)
        assert scores.shape == (3, 20)
        assert np.isfinite(scores).all()
        assert len(np.unique(scores)) > 10, "a head with the same score for everything"
    assert read_manifest(folder)["format"] == FORMAT


@EACH
def test_its_card_is_complete(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    assert card["name"] == folder.name
    for key in ("about", "use", "licence", "made_by", "limits", "settings", "versions", "seed"):
        assert card[key] or card[key] == 0, key
    assert set(card["domains"]) == {"ecommerce", "video", "music", "social"}
    for source in card["sources"]:
        assert source["title"]
        assert source["licence"] not in ("", "unknown")
        assert source["family"] in card["domains"]
        assert min(source["items"], source["users"], source["events"], source["examples"]) > 0
        assert source["levels"] == sorted(source["levels"])
        assert source["levels"][0] == 0
        assert source["name"] not in card["never_seen"]
    measured = card["leave_one_out"]["results"]
    assert set(measured) == {source["name"] for source in card["sources"]}
    for source in card["sources"]:
        assert set(measured[source["name"]]) == {str(level) for level in source["levels"]}
        for figures in measured[source["name"]].values():
            assert {"closed form", GENERAL} <= set(figures)
            assert all(0 <= value <= 1 for value in figures.values())
    for weights in card["weights"].values():
        assert set(weights.values()) <= set(WEIGHTS)


@EACH
def test_its_trees_rest_on_hundreds_of_candidates(folder: Path) -> None:
    """As the card claims; LightGBM guesses counts while it grows, so a few leaves have less."""
    for path in (folder / "heads").iterdir():
        lines = re.findall(r"^leaf_count=(.+)$", path.read_text(), re.MULTILINE)
        counts = np.array([int(count) for line in lines for count in line.split()])
        assert np.median(counts) >= 200
        assert np.mean(counts < 20) <= 0.05


@EACH
def test_it_names_no_path_of_the_machine_that_made_it(folder: Path) -> None:
    absolute = re.compile(r"(?:/(?:home|root|work|tmp|Users|mnt)/|[A-Z]:\\)\w+")
    for path in folder.rglob("*.*"):
        assert not absolute.findall(path.read_text(encoding="utf-8")), path.name


@ANY
def test_the_readme_names_each_and_the_default() -> None:
    text = README.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)
    assert sorted(rows) == NAMES
    assert default_name() in NAMES
    assert f"`{default_name()}`" in text
    assert "research or non-commercial use only" in text.replace("\n", " ")


@EACH
@pytest.mark.parametrize("encoder", ["use", "e5"])
def test_vectors_of_any_encoder_serve_its_heads(folder: Path, encoder: str) -> None:
    """The heads read relations, not vectors: what the encoder is called decides nothing."""
    answers = []
    for name in (encoder, "transformer"):
        data = toy.checkerboard(40).with_vectors(name).with_vectors(f"{name}:title", seed=1).dataset
        settings = {"backbone": str(folder), "text": {"encoder": name}}
        source = load_registry().get("candidate_generators", "backbone").build(settings)
        source.fit(data, RunOptions(threads=1, effort="quick"))
        queries = QueryBatch.from_histories(data.sequences.take(np.arange(6)))
        answers.append(source.generate(queries, 5))
        assert "title_dense" in source.state().values["statistics"]["text"]["dense"]
    np.testing.assert_array_equal(answers[0].index, answers[1].index)
    np.testing.assert_allclose(answers[0].score, answers[1].score, rtol=1e-5)
    assert (answers[0].index >= 0).any()
