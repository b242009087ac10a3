"""The tables of what policies cost, and the parts of the benchmark of variety that need no data."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from crossrec.data.splits import Targets
from crossrec.evaluation.metrics import ItemVectors
from crossrec.numeric.ragged import Ragged
from policy_tables import diversity_table, time_table

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    sys.path.insert(0, str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("diversity_bench", BENCHMARKS / "diversity.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["diversity_bench"] = module
    spec.loader.exec_module(module)
    sys.path.remove(str(BENCHMARKS))
    return module


def row(value: float, ndcg: float, diversity: float) -> dict[str, object]:
    part = {"ndcg": ndcg, "ndcg_ci95": [ndcg - 0.01, ndcg + 0.01], "diversity": diversity}
    return {"relevance": value, "validation": part, "test": part}


def test_one_row_a_policy_with_what_was_chosen() -> None:
    measured = {
        "sets": [
            {
                "set": "shop",
                "users": 1500,
                "ndcg@10": 0.1,
                "diversity@10": 0.5,
                "policies": {
                    "mmr": {"chosen": row(0.85, 0.002, 0.141), "tried": []},
                    "dpp": {"chosen": None, "tried": []},
                },
            }
        ]
    }
    lines = diversity_table(measured).splitlines()
    cells = ["shop", "1,500", "0.1000", "0.500", "`mmr`, relevance = 0.85"]
    cells += ["+0.2% (-0.8% … +1.2%)", "+14.1%"]
    assert lines[2] == f"| {' | '.join(cells)} |"
    assert lines[3] == "|  |  |  |  | `dpp` | – | – |"
    assert diversity_table({}) == ""


def test_one_row_a_policy_with_its_time() -> None:
    one = {"ms": 0.105, "of_limit": 0.209, "longest_pool_ms": 0.1251}
    measured = {
        "command": "python benchmarks/policies.py",
        "machine": {"cores": 2, "machine": "x86_64"},
        "items": 20_000,
        "pool": 300,
        "longest_pool": 2000,
        "k": 10,
        "requests": 200,
        "impressions_of_1000_ms": 1.13,
        "policies": {"mmr, vectors": one, "rights": one},
    }
    lines = time_table(measured).splitlines()
    assert lines[0] == "| policy | 300 candidates, ms | of the limit | 2,000 candidates, ms |"
    assert lines[2] == "| `mmr`, vectors | 0.10 | 0.21 | 0.13 |"
    assert lines[3].startswith("| `rights` | ")
    assert "20,000 items, k 10; measured by `python benchmarks/policies.py` (2 cores" in lines[-1]
    assert lines[-1].endswith("`fatigue` or `rotation`: 1.1 ms.")
    assert time_table({}) == ""


def test_differences_are_relative_and_paired(benchmark: ModuleType) -> None:
    before = np.array([1.0, 0.0, 1.0, 0.0])
    same = benchmark.compared(before, 0.6, before, 0.5)
    assert same == {"ndcg": 0.0, "ndcg_ci95": [0.0, 0.0], "diversity": 0.2}
    less = benchmark.compared(before * 0.5, 0.5, before, 0.5)
    assert less["ndcg"] == -0.5
    low, high = less["ndcg_ci95"]
    assert low < -0.5 < high


def test_gains_and_diversity_of_lists(benchmark: ModuleType) -> None:
    targets = Targets(
        np.array([0, 1]), Ragged.from_rows([[5], [5]]), Ragged.from_rows([[1], [3]]), None
    )
    vectors = ItemVectors(np.eye(6, dtype=np.float32), np.ones(6, dtype=bool), "test")
    lists = benchmark.Lists(np.zeros((2, 0)), np.zeros((2, 0)), targets)
    gains, various = benchmark.figures(np.array([[1, 0], [0, 3]]), lists, vectors)
    np.testing.assert_allclose(gains, [1.0, 1 / np.log2(3)])
    assert various == pytest.approx(1.0)
