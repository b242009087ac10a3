"""The generated tables say what the stored results say."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from components_page import ours

ROOT = Path(__file__).resolve().parent.parent

ROW = {"fit_seconds": 1.25, "ci95": {"recall@10": [0.1, 0.14]}}
FOUNDATION = {
    "sets": [
        {
            "set": "small",
            "scenario": "music",
            "items": 1200,
            "events": 34567,
            "fit_seconds": 12.3,
            "fit_memory_mib": 1234,
            "reports": [
                {
                    "protocol": "leave-one-out",
                    "candidates": "unseen",
                    "users": 321,
                    "results": [
                        {**ROW, "model": "ease", "metrics": {"recall@10": 0.12, "ndcg@10": 0.09}},
                        {
                            "model": "a|b",
                            "metrics": {"recall@10": 0.11, "ndcg@10": None},
                            "fit_seconds": 0.0,
                        },
                    ],
                }
            ],
        }
    ]
}


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Return docs/generate.py as a module that reads results from an empty folder."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


def store(generate: Any, name: str, value: object) -> None:
    (generate.RESULTS / f"{name}.json").write_text(json.dumps(value))


def test_results_become_a_table_with_the_best_in_bold(generate: Any) -> None:
    store(generate, "foundation", FOUNDATION)
    text = generate.results_region("small")
    lines = text.splitlines()
    assert lines[0] == (
        "**small** (music): leave-one-out, candidates unseen, 321 test users, 1,200 items, "
        "34,567 events; fitted in 12 s, at most 1,234 MiB"
    )
    assert lines[2] == "| model | recall@10 | ndcg@10 | fit, s |"
    assert lines[4] == "| ease | **0.1200** (0.100–0.140) | **0.0900** | 1.2 |"
    assert lines[5] == "| a\\|b | 0.1100 | – | 0.0 |"
    assert generate.results_region("all") == text


def test_seeds_become_a_mean_with_its_range(generate: Any) -> None:
    row = {"set": "small", "candidates": "all", "refit": False, "seeds": [0, 1]}
    row |= {"recall@10": [0.1, 0.12], "ndcg@10": [0.05, 0.05]}
    one = {**row, "refit": True, "seeds": [0], "recall@10": [0.13], "ndcg@10": [0.06]}
    store(generate, "foundation", {"sets": [], "over_seeds": [row, one]})
    lines = generate.results_region("over seeds").splitlines()
    assert lines[0] == "| set | candidates | fitted on | seeds | recall@10 | ndcg@10 |"
    assert lines[2] == (
        "| small | all | training | 2 | 0.1100 (0.1000–0.1200) | 0.0500 (0.0500–0.0500) |"
    )
    assert lines[3] == "| small | all | training and validation | 1 | 0.1300 | 0.0600 |"


def test_each_cell_of_another_library_becomes_a_row(generate: Any) -> None:
    assert "make peers" in generate.peers_region("all")
    (generate.RESULTS / "peers").mkdir()
    store(generate, "peers/small.a", {"set": "small", "model": "a", "failed": "it needs a GPU"})
    assert "| a | – | – | – | – | – | – | did not run: it needs a GPU |" in (
        generate.peers_region("small")
    )


def test_a_set_that_was_not_measured_is_named(generate: Any) -> None:
    store(generate, "foundation", FOUNDATION)
    with pytest.raises(SystemExit, match="no set 'large'"):
        generate.results_region("large")


def test_what_was_not_measured_yet_says_how(generate: Any) -> None:
    assert "make real" in generate.results_region("all")
    assert "make bench" in generate.figures_region("latency")
    assert "make deep" in generate.deep_region("bodies")


def test_figures_become_a_table(generate: Any) -> None:
    value = {
        "command": "python benchmarks/latency.py",
        "machine": {"cores": 2},
        "p50_ms": 1.23456,
        "peer": {"events_per_second": 150000.4, "users": 10000, "ok": True, "none": None},
    }
    store(generate, "latency", value)
    text = generate.figures_region("latency")
    assert "| p50 ms | 1.235 |" in text
    assert "| peer · events per second | 150,000 |" in text
    assert "| peer · users | 10,000 |" in text
    assert "| peer · ok | yes |" in text
    assert "| peer · none | – |" in text
    assert text.endswith("Measured by `python benchmarks/latency.py` (cores 2).\n")


def test_growth_becomes_a_table_by_size(generate: Any) -> None:
    assert "scale.py" in generate.scale_region("growth")
    cell = {
        "items": 1_000_000,
        "events": 5_000_000,
        "ingest_seconds": 90.2,
        "fit_seconds": 1800.4,
        "fit_cpu_seconds": 3000.6,
        "fit_memory_mib": 9_000,
        "p50_ms": 20.04,
        "p99_ms": 40.06,
        "p50_cpu_ms": 18.04,
        "serve_memory_mib": 4_000,
        "sources": ["backbone", "content"],
        "left_out": {"ease": "it needs about 3.5 TiB"},
    }
    small = {**cell, "items": 10_000, "events": 100_000, "left_out": {}}
    check = {"check": "1Mx5M: p50_ms", "limit": 40.0, "got": 20.04, "ratio": 0.501}
    value = {"command": "c", "machine": {"cores": 2}, "checks": [check], "cells": [cell, small]}
    store(generate, "scale", value)
    lines = generate.scale_region("growth").splitlines()
    figures = "90 | 1800 | 3001 | 9,000 | 20.0 | 40.1 | 18.0 | 4,000 | backbone, content"
    assert lines[2] == f"| 10,000 | 100,000 | {figures} | – |"
    assert lines[3] == f"| 1,000,000 | 5,000,000 | {figures} | ease |"
    assert lines[-1] == "Measured by `c` (cores 2)."
    assert "| 1Mx5M: p50_ms | 40.0 | 20.04 | 0.50 |" in generate.scale_region("checks")


def test_only_the_region_is_written(generate: Any) -> None:
    page = "before\n<!-- generated: figures latency -->\nold\n<!-- end -->\nafter\n"
    store(generate, "latency", {"p50": 2})
    text = generate.refreshed(page)
    assert text.startswith("before\n<!-- generated: figures latency -->\n| figure | latency |\n")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    assert generate.refreshed(text) == text


def test_an_unknown_region_is_named(generate: Any) -> None:
    with pytest.raises(SystemExit, match="unknown region 'weather'"):
        generate.refreshed("<!-- generated: weather -->\n<!-- end -->")


def test_third_parties_are_not_documented_here() -> None:
    assert "crossrec" in ours()
    assert "crossrec-nearest-price" not in ours()


def test_check_names_what_is_stale_and_writes_nothing(
    generate: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    page = tmp_path / "page.md"
    page.write_text("old")
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "pages", lambda: {page: "new"})
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 1
    assert page.read_text() == "old"
    assert capsys.readouterr().out == "page.md: stale, run `make docs`\n"
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert generate.main() == 0
    assert page.read_text() == "new"
    assert generate.main() == 0
    assert capsys.readouterr().out == "page.md: written\n"


def transfer_report(target: str) -> dict[str, Any]:
    """Two methods on two budgets, of which one has no scores without events."""

    def mean(
        method: str, events: object, recall: float, ndcg: float, no_scores: bool = False
    ) -> Any:
        metrics = {"recall@10": recall, "ndcg@10": ndcg}
        return {"method": method, "events": events, "metrics": metrics, "no_scores": no_scores}

    def verdict(events: object, word: str, difference: float) -> Any:
        ci95 = [difference - 0.002, difference + 0.002]
        row = {"against": "ease", "verdict": word, "difference": difference, "ci95": ci95}
        return {"events": events, **row}

    return {
        "target": target,
        "sources": ["films", "songs"],
        "candidates": "unseen",
        "users": 2_000,
        "means": [
            mean("crossrec", 1_000, 0.12, 0.08),
            mean("ease", 1_000, 0.0, 0.0, no_scores=True),
            mean("crossrec", "all", 0.16, 0.11),
            mean("ease", "all", 0.13, 0.09),
        ],
        "verdicts": [verdict(1_000, "helps", 0.08), verdict("all", "no difference", 0.001)],
    }


def test_transfer_becomes_curves_and_verdicts(generate: Any) -> None:
    assert "benchmarks/transfer.py" in generate.transfer_region("all")
    store(generate, "transfer", [transfer_report("shop"), transfer_report("club")])
    text = generate.transfer_region("shop")
    lines = text.splitlines()
    assert lines[0].startswith("**shop**, candidates unseen, 2,000 users, pretrained on films, so")
    assert lines[2] == "| method | 1,000 events | all events |"
    assert lines[4] == "| crossrec | 0.1200 / 0.0800 | 0.1600 / 0.1100 |"
    assert lines[5] == "| ease | – | 0.1300 / 0.0900 |"
    assert lines[-1] == (
        "| ease | helps +0.0800 (+0.0780 … +0.0820) | no difference +0.0010 (-0.0010 … +0.0030) |"
    )
    every = generate.transfer_region("all")
    assert every.startswith(text)
    assert "**club**" in every


def cold_report(target: str, columns: list[str], **more: Any) -> dict[str, Any]:
    """What the benchmark of cold starts writes of one target."""
    figures = {"recall@20": {"mean": 0.25, "ci95": [0.24, 0.26]}, "ndcg@20": {"mean": 0.2}}
    single = {"recall@20": {"mean": 0.125}, "ndcg@20": {"mean": 0.1}}
    methods = {
        "crossrec": dict.fromkeys(columns, figures),
        "text-kNN": dict.fromkeys(columns, single),
    }
    return {"target": target, "protocol": "some are cold", "seeds": 3, "methods": methods, **more}


def test_cold_starts_become_tables_with_the_ratio(generate: Any) -> None:
    items = cold_report("films", ["warm", "cold"], limit=1.5, **{"ratio to": {"text-kNN": 2.0}})
    store(generate, "cold", {"items": [items], "users": [cold_report("shop", ["0", "10"])]})
    text = generate.cold_region("items")
    assert "**films**: some are cold; recall@20, 3 seeds" in text
    assert "| method | warm | cold |" in text
    assert "| crossrec | 0.2500 (0.240–0.260) | 0.2500 (0.240–0.260) |" in text
    assert "| text-kNN | 0.1250 | 0.1250 |" in text
    assert "2.00 × text-kNN; to reach: 1.5 ×" in text
    newcomers = generate.cold_region("users")
    assert "| method | 0 shown | 10 shown |" in newcomers
    assert "to reach" not in newcomers


def test_cold_starts_that_were_not_measured_say_how(generate: Any) -> None:
    assert "benchmarks/cold.py" in generate.cold_region("items")
    store(generate, "cold", {"items": []})
    assert "Not measured yet" in generate.cold_region("items")


DEMO = """ecommerce: real: {long}
5 recommendations for user 1
#  TITLE  WHY
1  one    because
2  two    because
3  three  because

music: generated
5 recommendations for user u1
1  song   because

video: generated
5 recommendations for user u2
#  TITLE  WHY
1  film   because
2  clip   because

How well each list predicts
SCENARIO   MODEL     RECALL@10
ecommerce  ease      0.100
video      ease      0.200
video      pipeline  0.300
"""


def test_the_demo_is_shown_as_it_was_recorded(generate: Any) -> None:
    assert "benchmarks/demo.py" in generate.refreshed("<!-- generated: demo -->\n<!-- end -->")
    (generate.RESULTS / "demo.txt").write_text(DEMO.format(long="x" * 200), encoding="utf-8")
    lines = generate.demo_region("").splitlines()
    assert lines[0] == "```text"
    assert lines[-1] == "```"
    assert lines[1] == f"ecommerce: real: {'x' * 86}…"
    assert lines[4:6] == ["1  one    because", "2  two    because"]
    assert lines[7] == "video: generated"
    assert "song" not in "".join(lines)
    assert lines[-4:-1] == [
        "SCENARIO   MODEL     RECALL@10",
        "video      ease      0.200",
        "video      pipeline  0.300",
    ]


@pytest.mark.parametrize("lost", ["video: ", "How well"])
def test_a_demo_without_what_is_shown_is_an_error(generate: Any, lost: str) -> None:
    text = DEMO.replace(lost, "something else ")
    (generate.RESULTS / "demo.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"run benchmarks/demo\.py"):
        generate.demo_region("")


@pytest.mark.slow
def test_the_recorded_demo_is_what_the_demo_prints() -> None:
    """The same lists, and figures that differ by no more than rounding on another machine."""
    recorded = (ROOT / "benchmarks" / "results" / "demo.txt").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "crossrec", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    figure = re.compile(r"\b0\.\d{3}\b")
    assert figure.sub("…", done.stdout.strip()) == figure.sub("…", recorded.strip())
    old, new = (list(map(float, figure.findall(text))) for text in (recorded, done.stdout))
    assert new == pytest.approx(old, abs=0.005)
