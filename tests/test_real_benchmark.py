"""What the main job on real sets keeps of each run, and how runs are put side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from crossrec.testing.scripts import imported

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    with imported(BENCHMARKS, "real", "real_sets", "common") as script:
        monkeypatch.setattr(script, "DONE", tmp_path)
        monkeypatch.setattr(script, "RESULTS", tmp_path)
        yield script


def outcome(recall: float, ndcg: float, source: float = 0.01) -> dict[str, object]:
    metrics = {"recall@10": recall, "ndcg@10": ndcg, "mrr@10": 0.0, "coverage@10": 0.5}
    rows = [
        {"model": "content", "metrics": {**metrics, "ndcg@10": source}},
        {"model": "pipeline", "metrics": metrics},
    ]
    report = {"candidates": "unseen", "results": rows, "comparisons": []}
    return {"set": "quantum", "reports": [report]}


def store(cell: object, value: dict[str, object]) -> None:
    Path(cell.path).write_text(json.dumps(value), encoding="utf-8")  # type: ignore[attr-defined]


def test_every_seed_and_refit_has_a_file_of_its_own(real: ModuleType) -> None:
    job = real.JOBS[0]
    cells = [real.Cell(job, seed, refit) for seed in (0, 1) for refit in (False, True)]
    assert len({cell.path for cell in cells}) == 4
    assert cells[0].path.name == "scientific-0.json"


def test_runs_are_put_side_by_side(real: ModuleType) -> None:
    (job,) = (one for one in real.JOBS if one.name == "quantum")
    for seed, recall in enumerate((0.1, 0.3)):
        store(real.Cell(job, seed), outcome(recall, recall / 2))
    store(real.Cell(job, 0, True), outcome(0.4, 0.2))
    assert real.written() == 0
    found = json.loads((real.RESULTS / "foundation.json").read_text(encoding="utf-8"))
    first = {"set": "quantum", "candidates": "unseen", "refit": False, "seeds": [0, 1]}
    again = {**first, "refit": True, "seeds": [0], "recall@10": [0.4], "ndcg@10": [0.2]}
    assert found["over_seeds"] == [
        {**first, "recall@10": [0.1, 0.3], "ndcg@10": [0.05, 0.15]},
        again,
    ]
    assert len(found["sets"]) == 1, "tables hold the first seed alone"


@pytest.mark.parametrize(
    ("verdict", "turned", "code"),
    [("worse", False, 1), ("better", True, 1), ("no difference", False, 0), ("worse", True, 0)],
)
def test_a_pipeline_that_is_behind_its_best_source_beyond_noise_is_missed(
    real: ModuleType, verdict: str, turned: bool, code: int
) -> None:
    (job,) = (one for one in real.JOBS if one.name == "quantum")
    value: dict[str, Any] = outcome(0.1, 0.04, source=0.05)
    models = ("content", "pipeline") if turned else ("pipeline", "content")
    pair = {"metric": "ndcg@10", "model": models[0], "against": models[1], "verdict": verdict}
    other = {**pair, "metric": "recall@10", "verdict": "worse"}
    value["reports"][0]["comparisons"] = [other, pair]
    store(real.Cell(job), value)
    assert real.written() == code
