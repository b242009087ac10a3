"""The comparison of neural trials: what is tried, what a cell holds, and what is shown of it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.eligibility import ALL, UNSEEN
from crossrec.data.splits import leave_one_out
from crossrec.pipeline.config_files import parse_config
from crossrec.plugins.registration import resolve
from crossrec.plugins.registry import load_registry
from crossrec.testing import toy
from crossrec.testing.scripts import imported
from deep_tables import deep_tables, signed

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("deep", "gain", "common", "real_sets")
SETTINGS = {
    "transformer": "TransformerSettings",
    "rnn": "RnnSettings",
    "cnn": "CnnSettings",
    "two-tower": "TwoTowerSettings",
    "ncf": "NcfSettings",
    "vae": "VaeSettings",
}


@pytest.fixture(scope="module")
def deep() -> Iterator[Any]:
    """Return benchmarks/deep.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", *MODULES) as script:
        yield script


def test_every_trial_has_settings_that_its_body_takes(deep: Any) -> None:
    for trial in deep.trials():
        model = resolve(f"crossrec_neural.settings:{SETTINGS[trial.body]}")
        built = model(**{**trial.settings, "training": {"seconds": trial.seconds}})
        assert built.training.seconds == trial.seconds


def test_no_two_trials_share_a_file(deep: Any) -> None:
    paths = [trial.path(0) for trial in deep.trials()]
    assert len(set(paths)) == len(paths)


def test_two_cores_train_for_seven_hours_at_most(deep: Any) -> None:
    hours = sum(trial.seeds * trial.seconds for trial in deep.trials()) / 3600
    assert hours / 2 < 7


def test_what_is_there_is_not_missing(
    deep: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deep, "CELLS", tmp_path)
    options = argparse.Namespace(groups="", sets="beauty", trials="rnn", seeds=3, again=False)
    ((trial, seed),) = deep.missing(options)  # one seed of a long trial is enough
    trial.path(seed).write_text("{}")
    assert not deep.missing(options)
    options.again = True
    assert deep.missing(options) == [(trial, 0)]


def test_options_choose_trials(deep: Any) -> None:
    def names(**given: str) -> list[str]:
        options = argparse.Namespace(**{"groups": "", "sets": "", "trials": "", **given})
        return [trial.name for trial in deep.chosen(options)]

    assert names(groups="heads") == ["none", "category", "rating"]
    assert names(sets="beauty", trials="rnn,vae") == ["rnn", "vae"]
    assert len(names()) == len(deep.trials())


def test_gains_are_those_of_the_list(deep: Any) -> None:
    """Popular items for all: found where the held-out item is among the first ten."""
    data = toy.checkerboard(40)
    split = leave_one_out(data.dataset)

    class FirstItems:
        def generate(self, queries: Any, k: int) -> Any:
            from crossrec.components.topk import top_k

            scores = np.tile(-np.arange(40, dtype=np.float32), (len(queries), 1))
            return top_k(scores, k, queries.exclude)

    for rule in (ALL, UNSEEN):
        gains = deep.gains_of(FirstItems(), split, split.test, rule)
        assert len(gains["ndcg@10"]) == len(split.test)
    everything = deep.gains_of(FirstItems(), split, split.test, ALL)
    targets = split.test.targets.values
    np.testing.assert_array_equal(everything["recall@10"] == 1, targets < 10)
    expected = np.where(targets < 10, 1 / np.log2(targets + 2.0), 0.0)
    np.testing.assert_allclose(everything["ndcg@10"], expected)


def test_a_cell_is_whole_and_taken_again(
    deep: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deep, "CELLS", tmp_path)
    data = toy.checkerboard(40).with_vectors("transformer").dataset
    monkeypatch.setattr(deep, "read", lambda real, cache: data)

    class Registry:
        def get(self, kind: str, name: str) -> Any:
            from crossrec.plugins.registration import Registration

            return Registration(
                kind, name, "crossrec_neural.sources.registered:RnnSource",
                "crossrec_neural.settings:RnnSettings",
            )  # fmt: skip

    monkeypatch.setattr(deep, "load_registry", Registry)
    trial = deep.Trial("bodies", "rnn", "rnn", {"embedding_size": 8}, seconds=1e-3)
    deep.keep(trial, 4)
    (path,) = tmp_path.iterdir()
    assert path == replace(trial).path(4)
    cell = json.loads(path.read_text())
    assert (cell["seed"], cell["users"], len(cell["epochs"])) == (4, 40, 1)
    assert set(cell["test all"]) == {"recall@10", "ndcg@10"}
    mean = np.mean(cell["validation_ndcg"])
    assert cell["validation unseen"]["ndcg@10"] == pytest.approx(mean, abs=1e-4)
    assert "| rnn |" in deep_tables([cell], "bodies").replace("**", "")


def test_a_body_is_added_to_the_default_pipeline_and_compared(
    deep: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gain = sys.modules["gain"]
    config = parse_config({"sources": ["popularity", "covisitation"]}, "two sources")
    monkeypatch.setattr(gain, "without_pretraining", lambda scenario: config)
    monkeypatch.setattr(deep, "CELLS", tmp_path)
    monkeypatch.setattr(deep, "read", lambda real, cache: toy.checkerboard(60).dataset)
    settings = {"embedding_size": 8, "inputs": {"text": False}}
    deep.keep(deep.Trial("gain", "rnn", "rnn", settings, "lastfm", seconds=1e-3), 2)
    (path,) = tmp_path.iterdir()
    cell = json.loads(path.read_text())
    assert set(cell["figures"]) == {"default", "rnn"}
    assert set(cell["sources"]) == {"popularity", "covisitation", "rnn"}
    assert (cell["seed"], cell["failed"], set(cell["gates"])) == (2, {}, {"default", "rnn"})
    assert {pair["metric"] for pair in cell["comparisons"]} == {"recall@10", "ndcg@10"}
    (row,) = deep_tables([cell], "gain").splitlines()[2:]
    assert row.startswith("| lastfm | rnn | 2 |")


def test_the_default_pipeline_has_its_backbone_without_what_was_pretrained(deep: Any) -> None:
    config = sys.modules["real_sets"].without_pretraining(load_registry().scenario("video"))
    assert config.sources[0].name == "backbone"
    assert config.sources[0].settings["backbone"] == ""
    assert {"content", "ease"} < {source.name for source in config.sources}


@pytest.mark.parametrize("first", ["default", "transformer"])
def test_the_gain_of_a_body_has_its_sign(first: str) -> None:
    """The report names either of two models first; .02 less for the default is a gain."""
    second = {"default": "transformer", "transformer": "default"}[first]
    sign = 1 if first == "transformer" else -1
    figures = {"default": 0.10, "transformer": 0.12}
    cell = {
        "group": "gain", "set": "uci", "trial": "transformer", "seed": 0,
        "figures": {m: {"recall@10": 2 * v, "ndcg@10": v} for m, v in figures.items()},
        "gates": {"transformer": {"chosen": "weighted"}},
        "comparisons": [
            {"metric": "ndcg@10", "model": first, "against": second, "difference": sign * 0.02,
             "ci95": sorted((sign * 0.01, sign * 0.03)), "p_holm": 0.004}
        ],
    }  # fmt: skip
    (row,) = deep_tables([cell], "gain").splitlines()[2:]
    assert row == (
        "| uci | transformer | 0 | 0.2000 / 0.1000 | 0.2400 / 0.1200 "
        "| +0.0200 (+0.0100 to +0.0300, p 0.004) | weighted |"
    )


def test_what_rounds_to_nothing_has_no_minus() -> None:
    assert [f"{signed(value):+.4f}" for value in (-1e-9, 1e-9, -0.00006)] == [
        "+0.0000", "+0.0000", "-0.0001"
    ]  # fmt: skip


def test_without_the_data_sets_it_does_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "deep.py")],
        env={
            "PATH": "",
            "CROSSREC_DATASETS": str(tmp_path / "none"),
            "PYTHONPATH": ":".join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing was measured" in done.stdout


def cell(trial: str, seed: int, ndcg: float, users: list[float], group: str = "heads") -> Any:
    figures = {"recall@10": 2 * ndcg, "ndcg@10": ndcg}
    parts = {
        f"{part} {rule}": figures for part in ("validation", "test") for rule in ("all", "unseen")
    }
    return {
        "set": "small", "group": group, "trial": trial, "seed": seed, "protocol": "leave-one-out",
        "users": 1200, "items": 30, "events": 4000, "epochs": [{}] * 3, "fit_seconds": 61.2,
        "memory_mib": 512, "validation_ndcg": users, **parts,
    }  # fmt: skip


def test_layers_that_learn_are_compared_with_a_frozen_encoder() -> None:
    cells = [
        cell("frozen", 0, 0.1, [0.0, 0.5, 1.0], "encoder"),
        cell("1 layer", 0, 0.2, [0.5, 1.0, 1.0], "encoder"),
    ]
    lines = deep_tables(cells, "encoder").splitlines()
    assert "| +0.3333 ± " in lines[4]
    assert lines[5].startswith("| frozen |")
    assert lines[5].endswith("| – |")
    assert "paired" not in deep_tables(cells[1:], "encoder"), "nothing to compare with"


def test_heads_are_compared_user_by_user() -> None:
    cells = [
        cell("none", 0, 0.10, [0.0, 0.5, 1.0]),
        cell("none", 1, 0.12, [0.0, 0.5, 0.5]),
        cell("category", 0, 0.15, [0.5, 0.5, 1.0]),
        cell("category", 1, 0.15, [0.5, 1.0, 0.5]),
        cell("rnn", 0, 0.2, [], "bodies"),
    ]
    lines = deep_tables(cells, "heads").splitlines()
    assert lines[0] == (
        "**small**: leave-one-out, 1,200 test users, 30 items, 4,000 training events; "
        "recall@10 / ndcg@10, 2 seeds"
    )
    error = 2 * np.std([0.5, 0.25, 0.0], ddof=1) / 3**0.5
    assert lines[4].startswith("| **category** | 0.3000 / 0.1500 ± 0.0000 |")
    assert lines[4].endswith(f"| 3 | 61 | 512 | +0.2500 ± {error:.4f} |")
    assert lines[5].startswith("| none | 0.2200 / 0.1100 ± 0.0141 |")
    assert lines[5].endswith("| – |")
    assert "paired" not in deep_tables(cells, "bodies")
    assert deep_tables(cells, "inputs") == ""
