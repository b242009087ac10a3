"""What a pretrained body is worth: which cells there are, what one holds, and what is shown."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from body_tables import body_table
from crossrec.components.run import RunOptions
from crossrec.testing.rings import ring
from crossrec.testing.scripts import imported

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("body", "common", "real_sets")
WITH, WITHOUT = "body", "body-without-pretraining"


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """Return benchmarks/body.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", *MODULES) as script:
        yield script


def options(**given: Any) -> argparse.Namespace:
    values = {"bodies": "transformer", "targets": "uci", "events": "0,1000", "seeds": 2}
    return argparse.Namespace(**{**values, **given})


def test_cells_are_all_of_one_seed_before_the_next(bench: Any) -> None:
    found = [(cell.target, cell.level, cell.seed) for cell in bench.cells(options())]
    assert found == [("uci", 0, 0), ("uci", 1000, 0), ("uci", 1000, 1)]  # 0 events have one draw
    everything = bench.cells(options(targets="", bodies="transformer,rnn", events="0", seeds=1))
    assert len(everything) == 2 * len(bench.TRANSFER)
    paths = [cell.path for cell in bench.cells(options(seeds=5, bodies="transformer,rnn"))]
    assert len(set(paths)) == len(paths)


class Rings:
    """Sets that are rings, in place of real ones."""

    def __init__(self, cache: Path, sources: tuple[str, ...]) -> None:
        self.cache, self.sources = cache, sources

    def __getitem__(self, name: str) -> Any:
        return ring(3 if name == "uci" else len(name), 80)


def test_a_cell_has_the_figures_of_each_user(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real body, pretrained on two rings: zero events of the third are enough to use it."""
    from crossrec.plugins.registration import Registration
    from crossrec_backbone.pretraining import body as service

    class Registry:
        plugins = ()

        def get(self, kind: str, name: str) -> Registration:
            return Registration(
                kind, name, "crossrec_neural.sources.registered:TransformerSource",
                "crossrec_neural.settings:TransformerSettings", frozenset({"report"}),
            )  # fmt: skip

    real = service.learnt

    def small(source: Any, datasets: Any, run: RunOptions, settings: Any) -> Any:
        training = {"epochs": 10, "batch_size": 32, "learning_rate": 0.01, "steps": 60}
        return real(source, datasets, run, {**settings, "embedding_size": 8, "training": training})

    monkeypatch.setattr("crossrec.plugins.registry._registry", lambda subset, strict: Registry())
    monkeypatch.setattr(service, "learnt", small)
    monkeypatch.setattr(bench, "CELLS", tmp_path / "cells")
    sets = Rings(tmp_path, ("lastfm", "uci", "ml-1m"))
    cell = bench.Cell("transformer", "uci", 0, 0)
    values = bench.measured(cell, sets, 0.5, "cpu")
    bench.keep(cell, values)
    (path,) = (tmp_path / "cells").iterdir()
    kept = json.loads(path.read_text())
    assert path == cell.path
    assert kept["sources"] == ["lastfm", "ml-1m"]
    assert (kept["events"], kept["users"]) == (0, 80)
    assert np.mean(kept["ndcg@10"][WITH]) > 0.2 > np.mean(kept["ndcg@10"][WITHOUT])
    monkeypatch.setattr(service, "learnt", None)  # the body is there: it is not pretrained again
    again = bench.measured(cell, sets, 0.5, "cpu")
    assert again["ndcg@10"] == values["ndcg@10"]
    assert "helps" in body_table([kept])


def test_without_the_data_sets_it_does_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "body.py"), f"--cache={tmp_path}"],
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


def cell(level: int | str, seed: int, with_: float, without: float, target: str = "uci") -> Any:
    spread = np.random.default_rng(seed).normal(0, 0.01, 400)
    ndcg = {WITH: (with_ + spread).tolist(), WITHOUT: (without - spread).tolist()}
    return {
        "target": target, "level": level, "seed": seed, "users": 400, "sources": ["a", "b"],
        "recall@10": {WITH: [with_ * 2] * 400, WITHOUT: [0.0] * 400}, "ndcg@10": ndcg,
    }  # fmt: skip


def test_the_table_says_whether_it_helps_at_each_budget() -> None:
    cells = [
        cell(1000, 0, 0.12, 0.10),
        cell(1000, 1, 0.14, 0.10),
        cell(0, 0, 0.10, 0.10),
        cell("all", 0, 0.10, 0.15),
        cell(0, 0, 0.3, 0.1, "beauty"),
    ]
    lines = body_table(cells).splitlines()
    assert lines[2] == "| target | 0 events | 1,000 events | all events |"
    uci = lines[4].split(" | ")
    assert "0.2000 / 0.0996; no difference -0.0007" in uci[1]
    assert uci[2].startswith("0.2600 / 0.1294")
    assert "; helps +0.0288" in uci[2]
    assert "; hurts -0.05" in uci[3]
    assert lines[5].split(" | ")[2:] == ["–", "– |"]
    assert body_table([]) == ""
